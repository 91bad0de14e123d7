//! The head of a placement: what it places, and its figures.

use cutpoint_planner::domain::placement::Status;
use maud::{Markup, html};

use super::data::{Shown, ShownPipeline};
use crate::http::page::parts::{name, status};
use crate::http::page::text::{counted, gap_text, rate_text, seconds_text, time_text};

/// Returns the name of a status, as the API writes it.
pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Optimal => "optimal",
        Status::Feasible => "feasible",
        Status::Infeasible => "infeasible",
        Status::Unknown => "unknown",
    }
}

/// Writes what is placed where, and where that comes from.
pub(super) fn head(shown: &Shown) -> Markup {
    let stored = &shown.stored;
    html! {
        div.head {
            div {
                p.crumbs { a href="/ui/placements" { "Placements" } }
                h1 { (name(shown.model_name())) span.on { " on " } (name(&shown.cluster_name)) }
                p.meta {
                    (status(status_name(shown.placement.status)))
                    span { (objective(shown)) }
                    span { (time_text(stored.created_at)) " UTC" }
                    @match &stored.job_id {
                        Some(job) => { span { a href={ "/ui/jobs/" (job) } { "job" } } }
                        None => { span.label { "made by hand" } }
                    }
                    span { a href={ "/ui/models/" (stored.model_id) } { "model" } }
                    span { a href={ "/ui/clusters/" (stored.cluster_id) } { "cluster" } ", revision " (stored.cluster_revision) }
                    @for (label, value) in &stored.labels { span.label { (name(label)) "=" (name(value)) } }
                }
            }
        }
    }
}

/// Returns the objective in words.
pub(super) fn objective(shown: &Shown) -> String {
    let objective = &shown.options["objective"];
    match objective["kind"].as_str() {
        Some("max_throughput") => "most inferences a second".to_owned(),
        Some("min_latency") => "least latency".to_owned(),
        Some("min_nodes") => {
            let target = objective["target_period_s"].as_f64().map(seconds_text).unwrap_or_default();
            format!("fewest nodes within a period of {target}")
        }
        Some("tradeoff") => "trade-off of period and latency".to_owned(),
        _ => "objective unknown".to_owned(),
    }
}

/// Writes the figures of a placement, or of a point of its trade-off.
pub(super) fn figures(shown: &Shown, pipelines: &[ShownPipeline<'_>], point: Option<usize>) -> Markup {
    let document = &shown.placement;
    let (period_s, latency_s, rate) = match (point, pipelines) {
        (Some(_), [only]) => (Some(only.period_s), Some(only.latency_s), only.rate_per_s),
        _ => (document.period_s, document.latency_s, document.inferences_per_s),
    };
    let stages: usize = pipelines.iter().map(|pipeline| pipeline.stages.len()).sum();
    let rate_label = if point.is_some() { "passes a second" } else { "inferences a second" };
    html! {
        dl.figures {
            @if let Some(rate) = rate { div.main { dt { (rate_label) } dd { (rate_text(rate)) } } }
            @if let Some(period_s) = period_s { div { dt { "period" } dd { (seconds_text(period_s)) } } }
            @if let Some(latency_s) = latency_s { div { dt { "latency" } dd { (seconds_text(latency_s)) } } }
            div {
                dt { @if pipelines.len() > 1 { (counted(pipelines.len(), "pipeline")) ", stages" } @else { "stages" } }
                dd { (stages) }
            }
            @if let Some(gap) = document.gap.filter(|_| point.is_none()) { div { dt { "gap to the bound" } dd { (gap_text(gap)) } } }
            // A placement made by hand was not searched for.
            @if shown.stored.job_id.is_some() { div { dt { "search" } dd { (seconds_text(document.solve_s)) } } }
        }
    }
}
