//! What is proven of a placement and what is not, in words.

use cutpoint_planner::domain::placement::{PlacementDocument, Reason, Status, Termination};
use maud::{Markup, html};

use super::data::Shown;
use crate::http::page::parts::name;
use crate::http::page::text::{gap_text, rate_text, seconds_text};

/// Writes what is proven, and what is not.
pub(super) fn claims(shown: &Shown) -> Markup {
    let document = &shown.placement;
    let objective = shown.options["objective"]["kind"].as_str().unwrap_or_default();
    html! {
        section.claims aria-label="What is proven" {
            div.proven {
                h2 { "Proven" }
                ul {
                    li { "It fits: memory, links and constraints were recomputed from the profile and the inventory by a checker that shares no code with the search." }
                    @for claim in proven(document, objective) { li { (claim) } }
                }
            }
            div.open {
                h2 { "Not proven" }
                ul {
                    @for gap in open(document, objective, shown.measured.is_some()) { li { (gap) } }
                }
            }
        }
    }
}

fn proven(document: &PlacementDocument, objective: &str) -> Vec<String> {
    let mut claims = Vec::new();
    let value = match objective {
        "min_latency" => "latency",
        _ => "period",
    };
    match (document.status, document.lower_bound_s, document.lower_bound_nodes) {
        (Status::Optimal, ..) if objective == "min_nodes" => {
            claims.push("It is optimal: no placement within the target period needs fewer nodes.".to_owned());
        }
        (Status::Optimal, ..) if objective == "tradeoff" => {
            claims.push("The trade-off is complete: every placement that no other beats in both period and latency has a point.".to_owned());
        }
        (Status::Optimal, ..) if given_for_latency(document).is_some() => {
            let least = given_for_latency(document).map(seconds_text).unwrap_or_default();
            claims.push(format!(
                "It is optimal: no placement with one stage on each node has a period below {least}, and this one is within the tolerance of it."
            ));
        }
        (Status::Optimal, ..) => {
            claims.push(format!("It is optimal: no placement with one stage on each node has a smaller {value}."));
        }
        (_, Some(bound), _) if bound > 0.0 => {
            claims.push(format!("No placement has a {value} below {}.", seconds_text(bound)))
        }
        (_, _, Some(nodes)) => claims.push(format!("No placement needs fewer than {nodes} nodes.")),
        _ => {}
    }
    if let Some(rate) = document.throughput_upper_bound_per_s {
        claims.push(format!(
            "No pipelines on disjoint nodes make more than {} passes a second together.",
            rate_text(rate)
        ));
    }
    if document.latency_is_least == Some(true) {
        claims.push("Of all placements within the tolerance of the period it has the smallest latency.".to_owned());
    }
    claims
}

/// Returns the least period found, where a little of it was given for a smaller latency.
fn given_for_latency(document: &PlacementDocument) -> Option<f64> {
    document.least_period_s.filter(|least| document.period_s.is_some_and(|period| *least < period))
}

fn open(document: &PlacementDocument, objective: &str, is_measured: bool) -> Vec<String> {
    let mut gaps = Vec::new();
    if document.status != Status::Optimal {
        let why = match document.termination {
            Termination::ByHand => "its stages were given by hand, without a search",
            Termination::TimeLimit => "the time limit came",
            Termination::Stopped => "somebody stopped the search",
            Termination::GapReached => "the gap was as small as the request asked for",
            Termination::Exhausted => "the algorithm had nothing more to try",
            _ => "the search has not ended",
        };
        gaps.push(match document.gap {
            Some(gap) if gap > 0.0 && gap < 1.0 => {
                format!("A placement up to {} better may exist: {why}.", gap_text(gap))
            }
            _ => format!("Whether a better placement exists: {why}."),
        });
    }
    if document.latency_is_least == Some(false) {
        gaps.push("Whether another placement with this period has a smaller latency.".to_owned());
    }
    if let Some(least) = given_for_latency(document) {
        gaps.push(format!(
            "Its period is not the least one found, {}: a little of it was given for a smaller latency.",
            seconds_text(least)
        ));
    }
    if let Some(cuts) = &document.cuts
        && (cuts.more || cuts.considered < cuts.count)
    {
        let of = if cuts.more { "more than " } else { "" };
        gaps.push(format!(
            "{} of {of}{} cuts were searched. The bound holds for all of them.",
            cuts.considered, cuts.count
        ));
    }
    if objective == "min_nodes" {
        gaps.push("Whether another placement on as many nodes is faster.".to_owned());
    }
    gaps.push(if is_measured {
        "The times are those of the profile and the inventory; below they stand beside what runners measured."
            .to_owned()
    } else {
        "That devices and links are as fast as the profile and the inventory say: nobody has measured this placement."
            .to_owned()
    });
    gaps
}

/// Writes why there is no placement.
pub(super) fn reasons(reasons: &[Reason]) -> Markup {
    html! {
        section aria-labelledby="reasons" {
            h2 #reasons { "There is no placement" }
            p { "This is proven for the model, the cluster and the options of the request." }
            ul.faults {
                @for reason in reasons { li { (name(&reason.detail)) } }
            }
        }
    }
}
