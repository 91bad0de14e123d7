//! Parts that several views share.

use maud::{Markup, html};
use serde_json::Value;

use super::text::{encoded, sentence};
use crate::http::problem::Problem;

/// What a bar measures, which gives it its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Memory of what is free.
    Memory,
    /// Compute of the period.
    Compute,
    /// Transfers of the period.
    Transfer,
    /// A gain or a price.
    Gain,
}

impl Measure {
    fn class(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Compute => "compute",
            Self::Transfer => "transfer",
            Self::Gain => "gain",
        }
    }
}

/// Writes a name that somebody chose. Its direction does not leak into what stands beside it.
pub(super) fn name(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// Writes a bar that is filled to a share. It repeats what stands beside it as text.
pub(super) fn bar(share: f64, measure: Measure) -> Markup {
    let filled = (share.clamp(0.0, 1.0) * 1000.0).round() / 10.0;
    // What is more than nothing is seen.
    let filled = if share > 0.0 { filled.max(0.6) } else { 0.0 };
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="6" {}
            @if filled > 0.0 { rect.(measure.class()) width=(filled) height="6" {} }
        }
    }
}

/// Writes what a placement or a job claims, in a word with a mark.
pub(super) fn status(name: &str) -> Markup {
    let (class, word) = match name {
        "optimal" => ("good", "optimal, proven"),
        "feasible" => ("fair", "feasible"),
        "infeasible" => ("bad", "infeasible, proven"),
        "unknown" => ("plain", "unknown"),
        "succeeded" => ("good", "succeeded"),
        "failed" => ("bad", "failed"),
        "cancelled" => ("plain", "cancelled"),
        "running" => ("busy", "running"),
        "queued" => ("plain", "queued"),
        "delivered" => ("good", "delivered"),
        "enabled" => ("good", "enabled"),
        other => ("plain", other),
    };
    html! { span.status.(class) { (word) } }
}

/// Writes a table inside of a frame that scrolls by itself where it is too wide. In a narrow window each row is a block
/// whose cells have the names of their columns. The frame takes the keyboard's focus, so that it can be scrolled without
/// a mouse.
pub(super) fn table(label: &str, rows: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="group" aria-label=(label) { table { (rows) } } }
}

/// Writes a table of many rows, which scrolls inside of its frame below its head.
pub(super) fn long_table(label: &str, rows: &Markup) -> Markup {
    html! { div.scroll.tall tabindex="0" role="group" aria-label=(label) { table { (rows) } } }
}

/// Writes the link to the next page of a list.
pub(super) fn pager(listed: &Value, path: &str, query: &str) -> Markup {
    let unreadable = listed["unreadable"].as_array().map_or(0, Vec::len);
    html! {
        @if unreadable > 0 {
            p.note.bad { (unreadable) " damaged rows were left out." }
        }
        @if let Some(cursor) = listed["next_cursor"].as_str() {
            @let query = if query.is_empty() { String::new() } else { format!("{query}&") };
            nav.pager aria-label="Pages" { a.button href={ (path) "?" (query) "cursor=" (encoded(cursor)) } { "Older" } }
        }
    }
}

/// Writes the faults of a problem, with what to do about each.
pub(super) fn faults(problem: &Problem) -> Markup {
    html! {
        @if !problem.errors.is_empty() {
            ul.faults {
                @for fault in &problem.errors {
                    li {
                        @if !fault.pointer.is_empty() { code { (name(&fault.pointer)) } " " }
                        (name(&sentence(&fault.detail))) " " (name(&sentence(&fault.action)))
                    }
                }
            }
        }
    }
}

/// Returns the items of a list.
pub(super) fn items<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the text of a member; empty if there is none.
pub(super) fn str_of<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

/// Returns a time of the API, to the minute.
pub(super) fn time_of(value: &Value, member: &str) -> String {
    str_of(value, member).parse().map(super::text::time_text).unwrap_or_default()
}
