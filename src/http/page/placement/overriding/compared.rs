//! The figures of an override beside those of its placement and what is proven.

use cutpoint_planner::domain::placement::Status;
use maud::{Markup, html};

use super::Evaluated;
use crate::http::page::parts::{Measure, bar};
use crate::http::page::placement::data::Shown;
use crate::http::page::text::{change_text, rate_text, seconds_text};

/// Writes the figures by hand, as planned, and as bounded, each bar on the scale of the largest.
pub(super) fn compared(shown: &Shown, evaluated: &Evaluated) -> Markup {
    let document = &shown.placement;
    let is_latency = shown.options["objective"]["kind"] == "min_latency";
    let bound_s = document.lower_bound_s.filter(|bound| *bound > 0.0);
    let planned = if document.status == Status::Optimal { "planned, proven optimal" } else { "planned" };
    let none_below = "no placement is below";
    let period =
        [("by hand", evaluated.period_s), (planned, document.period_s), (none_below, bound_s.filter(|_| !is_latency))];
    let latency =
        [("by hand", evaluated.latency_s), (planned, document.latency_s), (none_below, bound_s.filter(|_| is_latency))];
    html! {
        section aria-labelledby="compared" {
            div.heading {
                h2 #compared { "Beside the plan" }
                @if let (Some(by_hand), Some(planned)) = (evaluated.inferences_per_s, document.inferences_per_s) {
                    p.muted { (rate_text(by_hand)) " inferences a second, planned " (rate_text(planned)) }
                }
            }
            @if evaluated.period_s.is_none() {
                p.empty { "Stages that do not cover the model, or that nothing connects, have no period." }
            } @else {
                div.compared { (group("Period", &period)) (group("Latency", &latency)) }
            }
        }
    }
}

fn group(figure: &str, figures: &[(&str, Option<f64>); 3]) -> Markup {
    let most = figures.iter().filter_map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    let planned = figures[1].1;
    html! {
        div {
            h3 { (figure) }
            ul.gains {
                @for (i, (of, seconds)) in figures.iter().enumerate() {
                    @if let Some(seconds) = seconds {
                        li {
                            p {
                                span { (of) @if let Some(planned) = planned.filter(|_| i == 0) { " " span.muted { (change(*seconds, planned)) } } }
                                span.figure { (seconds_text(*seconds)) }
                            }
                            (bar(if most > 0.0 { seconds / most } else { 0.0 }, if i == 0 { Measure::Gain } else { Measure::Compute }))
                        }
                    }
                }
            }
        }
    }
}

/// Returns the difference, leaving out what another order of summing makes.
fn change(by_hand: f64, planned: f64) -> String {
    if (by_hand - planned).abs() > 1e-12 * planned { change_text(by_hand - planned) } else { "as planned".to_owned() }
}
