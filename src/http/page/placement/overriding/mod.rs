//! `/ui/placements/{id}/override`: moves cuts and swaps nodes by hand, shows costs and violations at once, and saves what holds as
//! a placement of its own. The address holds the whole override, so that it can be kept and shared.

mod changes;
mod compared;

use axum::extract::{Path, RawForm, RawQuery};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use cutpoint_planner::domain::placement::{Bottleneck, Stage};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::data::{Shown, ShownPipeline};
use super::{pipeline, request_of, times};
use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::page::layout::{View, html_response};
use crate::http::page::parts::{items, name, str_of};
use crate::http::page::text::counted;
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;
use changes::Changes;

/// What is shown of an evaluation.
#[derive(Deserialize)]
struct Evaluated {
    period_s: Option<f64>,
    inferences_per_s: Option<f64>,
    latency_s: Option<f64>,
    stages: Vec<Stage>,
    bottleneck: Option<Bottleneck>,
    violations: Vec<Value>,
}

/// Writes the link to the override, for a placement with one pipeline.
pub(super) fn link(shown: &Shown) -> Markup {
    html! {
        @if shown.placement.pipelines.len() == 1 {
            section aria-labelledby="by-hand" {
                h2 #by-hand { "By hand" }
                p { "Move a cut or swap a node, see at once what it costs and what it breaks, and save it as a placement of its own." }
                p { a.button href={ "/ui/placements/" (shown.stored.id) "/override" } { "Change it by hand" } }
            }
        }
    }
}

pub(super) async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shown = Shown::load(&visitor, &id).await?;
    let stages = only_stages(&shown)?;
    let changes = Changes::read(query.as_deref().unwrap_or_default(), stages);
    let evaluated = visitor.post("/v1/evaluations", &Value::Object(asked(&visitor, &id, &changes).await?)).await?;
    let evaluated: Evaluated = serde_json::from_value(evaluated).map_err(Problem::internal)?;
    let piece = piece(&visitor, &shown, &changes, &evaluated, stages);
    if headers.contains_key("x-piece") {
        return Ok(html_response(piece));
    }
    let cluster = format!("/v1/clusters/{}?revision={}", shown.stored.cluster_id, shown.stored.cluster_revision);
    let cluster = visitor.get(&cluster).await?;
    let nodes: Vec<&str> = items(&cluster["inventory"], "nodes").iter().map(|node| str_of(node, "id")).collect();
    let body = html! {
        p.crumbs { a href={ "/ui/placements/" (shown.stored.id) } { (name(&shown.title())) } }
        h1 { "By hand" }
        p.lead { "Choose where to cut and which node runs what. Costs and violations come from the independent checker." }
        (form(&shown, &changes, &nodes))
        div #evaluated { (piece) }
    };
    Ok(View::new("By hand", body).page(&visitor))
}

/// Stores the override as a placement of its own, and shows it.
pub(super) async fn save(
    visitor: Visitor,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Problem> {
    let shown = Shown::load(&visitor, &id).await?;
    let changes = Changes::read(&String::from_utf8_lossy(&form), only_stages(&shown)?);
    let mut request = asked(&visitor, &id, &changes).await?;
    request.insert("origin_placement_id".to_owned(), json!(shown.stored.id));
    request.insert("labels".to_owned(), json!(shown.stored.labels));
    let saved = visitor.post("/v1/placements", &Value::Object(request)).await?;
    Ok(Redirect::to(&format!("/ui/placements/{}", str_of(&saved, "id"))).into_response())
}

fn only_stages(shown: &Shown) -> Result<&[Stage], Problem> {
    match shown.placement.pipelines.as_slice() {
        [only] => Ok(&only.stages),
        _ => Err(Problem::not_found("placement with one pipeline", &shown.stored.id)),
    }
}

/// Returns the request of the placement with the changed stages.
async fn asked(visitor: &Visitor, id: &str, changes: &Changes) -> Result<Map<String, Value>, Problem> {
    let mut request = request_of(visitor, &id_of(IdKind::Placement, id)?).await?;
    request.remove("solver");
    request.insert("stages".to_owned(), changes.stages().into());
    Ok(request)
}

/// What changes with every move: the verdict, the figures beside those of the placement, and the pipeline.
fn piece(visitor: &Visitor, shown: &Shown, changes: &Changes, evaluated: &Evaluated, planned: &[Stage]) -> Markup {
    html! {
        (verdict(evaluated, changes.are_none(planned)))
        @if evaluated.violations.is_empty() && visitor.may(Scope::Plan) && !changes.are_none(planned) {
            (save_form(shown, changes))
        }
        (compared::compared(shown, evaluated))
        @if !evaluated.stages.is_empty() {
            @let pipeline = [ShownPipeline {
                period_s: evaluated.period_s.unwrap_or(0.0),
                rate_per_s: None,
                latency_s: evaluated.latency_s.unwrap_or(0.0),
                bottleneck: evaluated.bottleneck.as_ref(),
                stages: &evaluated.stages,
            }];
            (pipeline::pipelines(shown, &pipeline))
            @if evaluated.period_s.is_some() { (times::times(&pipeline)) }
        }
    }
}

fn verdict(evaluated: &Evaluated, is_planned: bool) -> Markup {
    html! {
        @if !evaluated.violations.is_empty() {
            div.faults role="status" {
                p { "It breaks " (counted(evaluated.violations.len(), "rule")) ":" }
                ul { @for violation in &evaluated.violations { li { (name(str_of(violation, "detail"))) } } }
            }
        } @else if is_planned {
            p.note role="status" { "This is the placement as it was planned. Move a cut or choose another node." }
        } @else {
            p.note.good role="status" { "It keeps to every rule: memory, links and constraints." }
        }
    }
}

fn save_form(shown: &Shown, changes: &Changes) -> Markup {
    html! {
        form.save method="post" action={ "/ui/placements/" (shown.stored.id) "/override" } {
            @for node in &changes.nodes { input type="hidden" name="node" value=(node); }
            @for cut in &changes.cuts { input type="hidden" name="cut" value=(cut); }
            button.primary { "Save as a placement of its own" }
        }
    }
}

fn form(shown: &Shown, changes: &Changes, nodes: &[&str]) -> Markup {
    let path = format!("/ui/placements/{}/override", shown.stored.id);
    html! {
        form.stack method="get" action=(path) data-live="#evaluated" {
            fieldset {
                legend { "Nodes and cuts" }
                ol.by-hand {
                    @for (i, chosen) in changes.nodes.iter().enumerate() {
                        li {
                            div.field {
                                label for={ "node-" (i) } { "Stage " (i) " runs on" }
                                select id={ "node-" (i) } name="node" {
                                    @for node in nodes { option value=(node) selected[node == chosen] { (node) } }
                                }
                            }
                            @if let Some(cut) = changes.cuts.get(i) {
                                div.field.cut {
                                    label for={ "cut-" (i) } { "Cut after layer" }
                                    input id={ "cut-" (i) } name="cut" type="number" value=(cut) min="0" max=(changes.layers()) aria-describedby={ "cut-" (i) "-is" };
                                    p.help id={ "cut-" (i) "-is" } { @match changes.last_before(i) {
                                        Some(layer) => { (name(layer)) ", of " (changes.layers()) }
                                        None => { "before every layer" }
                                    } }
                                }
                            }
                        }
                    }
                }
                p.help.after { "A stage between two equal cuts is gone. The address of this page holds the change: keep or share it." }
                ul.buttons {
                    li { button { "Evaluate" } }
                    li { a.button.quiet href=(path) { "As it was planned" } }
                }
            }
        }
    }
}
