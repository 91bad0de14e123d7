//! `/ui/placements/{id}/diff`: the changes from another placement to this one.

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::data::Shown;
use crate::domain::id::IdKind;
use crate::http::page::layout::View;
use crate::http::page::parts::{items, long_table, name, str_of, time_of};
use crate::http::page::text::{bytes_text, change_text, counted, seconds_text};
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;

/// The other placement.
#[derive(Deserialize)]
pub(super) struct Chosen {
    base: String,
}

/// Writes a choice of placements of the same model to compare with.
pub(super) async fn choice(visitor: &Visitor, shown: &Shown) -> Result<Markup, Problem> {
    let stored = &shown.stored;
    let path = format!("/v1/placements?model_id={}&status=optimal&status=feasible&limit=30", stored.model_id);
    let others = visitor.get(&path).await?;
    let others: Vec<&Value> = items(&others, "items").iter().filter(|it| it["id"] != stored.id.as_str()).collect();
    Ok(html! {
        @if !others.is_empty() {
            section aria-labelledby="compare" {
                h2 #compare { "Compare" }
                form.inline method="get" action={ "/ui/placements/" (stored.id) "/diff" } {
                    div.field {
                        label for="base" { "With another placement of this model" }
                        select #base name="base" {
                            @for other in others {
                                option value=(str_of(other, "id")) {
                                    @if let Some(period) = other["period_s"].as_f64() { (seconds_text(period)) ", " }
                                    (counted(other["stages"].as_u64().unwrap_or(0) as usize, "stage")) ", " (time_of(other, "created_at"))
                                }
                            }
                        }
                    }
                    button { "Show what moves" }
                }
            }
        }
    })
}

pub(super) async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Problem> {
    let shown = Shown::load(&visitor, &id).await?;
    let base = id_of(IdKind::Placement, &chosen.base)?;
    let diff = visitor.get(&format!("/v1/placements/{}/diff?base={base}", shown.stored.id)).await?;
    let body = html! {
        p.crumbs { a href={ "/ui/placements/" (shown.stored.id) } { (name(&shown.title())) } }
        h1 { "What moves" }
        p.lead { "From " a href={ "/ui/placements/" (base) } { "the other placement" } " to this one." }
        (changes(&diff))
        (moved(&diff))
    };
    Ok(View::new("What moves", body).page(&visitor))
}

fn changes(diff: &Value) -> Markup {
    let seconds = |member: &str| diff[member].as_f64().unwrap_or(0.0);
    let moved = items(diff, "moved_layers").len();
    html! {
        dl.figures {
            div.main { dt { "layers that move" } dd { (moved) } }
            div { dt { "to ship" } dd { (bytes_text(diff["shipped_bytes"].as_u64().unwrap_or(0))) } }
            div { dt { "shipping takes" } dd { (seconds_text(seconds("estimated_s"))) } }
            div { dt { "period" } dd { (seconds_text(seconds("period_s"))) } dd.change { (change_text(seconds("period_change_s"))) } }
            div { dt { "latency" } dd { (seconds_text(seconds("latency_s"))) } dd.change { (change_text(seconds("latency_change_s"))) } }
        }
        @if let Some(unsourced) = diff["unsourced_bytes"].as_u64().filter(|bytes| *bytes > 0) {
            p.note { (bytes_text(unsourced)) " are on no node of the cluster, or no direct link carries them: the time leaves them out." }
        }
        @for (member, what) in [("gained_node_ids", "Gains a stage"), ("lost_node_ids", "Has none any more")] {
            @if !items(diff, member).is_empty() {
                p.nodes { span.muted { (what) ": " } @for (i, node) in items(diff, member).iter().enumerate() { @if i > 0 { ", " } (name(node.as_str().unwrap_or_default())) } }
            }
        }
    }
}

fn moved(diff: &Value) -> Markup {
    let moved = items(diff, "moved_layers");
    html! {
        section aria-labelledby="moved" {
            h2 #moved { "Layers that move" }
            @if moved.is_empty() {
                p.empty { "No layer moves." }
            } @else {
                (long_table("Layers that move", &html! {
                    thead { tr { th scope="col" { "layer" } th scope="col" { "from" } th scope="col" { "to" } th.number scope="col" { "parameters" } } }
                    tbody {
                        @for layer in moved {
                            tr {
                                th scope="row" { (name(str_of(layer, "layer_id"))) }
                                td data-label="from" { (name(str_of(layer, "from_node_id"))) }
                                td data-label="to" { (name(str_of(layer, "to_node_id"))) }
                                td.number data-label="parameters" { (bytes_text(layer["param_bytes"].as_u64().unwrap_or(0))) }
                            }
                        }
                    }
                }))
            }
        }
    }
}
