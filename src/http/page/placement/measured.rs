//! What was planned beside what runners measured.

use maud::{Markup, html};
use serde_json::Value;

use super::data::Shown;
use crate::http::page::parts::{items, name, str_of, table, time_of};
use crate::http::page::text::{bytes_text, factor_text, seconds_text};

/// Writes the newest measurements, where there are some.
pub(super) fn measured(shown: &Shown) -> Markup {
    let Some(measured) = &shown.measured else { return html! {} };
    let comparison = &measured["comparison"];
    html! {
        section aria-labelledby="measured" {
            h2 #measured { "Planned beside measured" }
            p.muted { "The newest measurements of runners, " (time_of(measured, "created_at")) " UTC." }
            @for pipeline in items(comparison, "pipelines") {
                (table("Planned beside measured", &html! {
                    thead { tr { th scope="col" { "what" } th.number scope="col" { "planned" } th.number scope="col" { "measured" } th.number scope="col" { "ratio" } } }
                    tbody {
                        (row(&html! { "period" }, &pipeline["period_s"], seconds_text))
                        (row(&html! { "latency" }, &pipeline["latency_s"], seconds_text))
                        @for stage in items(pipeline, "stages") {
                            @let node = name(str_of(stage, "node_id"));
                            (row(&html! { span.muted { "compute " } (node) }, &stage["compute_s"], seconds_text))
                            (row(&html! { span.muted { "memory " } (node) }, &stage["memory_bytes"], |bytes| bytes_text(bytes as u64)))
                        }
                        @for transfer in items(pipeline, "transfers") {
                            @let ends = html! { span.muted { "send " } (name(str_of(transfer, "from_node_id"))) " → " (name(str_of(transfer, "to_node_id"))) };
                            (row(&ends, &transfer["transfer_s"], seconds_text))
                        }
                    }
                }))
            }
        }
    }
}

fn row(what: &Markup, compared: &Value, text: fn(f64) -> String) -> Markup {
    let (Some(planned), Some(measured)) = (compared["planned"].as_f64(), compared["measured"].as_f64()) else {
        return html! {};
    };
    html! {
        tr.figures-row {
            th scope="row" { (what) }
            td.number data-label="planned" { (text(planned)) }
            td.number data-label="measured" { (text(measured)) }
            td.number data-label="ratio" { @if let Some(ratio) = compared["ratio"].as_f64() { (factor_text(ratio)) } }
        }
    }
}
