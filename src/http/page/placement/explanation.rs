//! `/ui/placements/{id}/explanation`: what upgrades would give, as bars, and for a proof of infeasibility the changes that
//! lift it.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::page::layout::{View, html_response};
use crate::http::page::parts::{Measure, bar, items, name, str_of};
use crate::http::page::text::{bytes_text, counted, factor_text, rate_text, seconds_text, sentence};
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;

/// Writes where the explanation will be. It takes seconds, so that the script fetches it; without scripts it is a link.
pub(super) fn later(id: &str, is_infeasible: bool) -> Markup {
    let path = format!("/ui/placements/{id}/explanation");
    html! {
        section aria-labelledby="explanation" {
            h2 #explanation { @if is_infeasible { "What would help" } @else { "What upgrades would give" } }
            div data-load=(path) { p { a href=(path) { "Solve the upgraded requests, which takes some seconds" } } }
        }
    }
}

pub(super) async fn show(visitor: Visitor, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = id_of(IdKind::Placement, &id)?;
    let explanation = visitor.get(&format!("/v1/placements/{id}/explanation?time_limit_s=4")).await?;
    let piece = piece(&visitor, id.as_str(), &explanation);
    if headers.contains_key("x-piece") {
        return Ok(html_response(piece));
    }
    let body = html! {
        p.crumbs { a href={ "/ui/placements/" (id) } { "Placement" } }
        h1 { "Explanation" }
        section { (piece) }
    };
    Ok(View::new("Explanation", body).page(&visitor))
}

fn piece(visitor: &Visitor, id: &str, explanation: &Value) -> Markup {
    html! {
        @if explanation["status"] == "infeasible" {
            (repairs(visitor, id, explanation))
        } @else {
            (memory(explanation))
            (upgrades(explanation))
            (prices(explanation))
        }
        @if let Some(undecided) = explanation["undecided"].as_u64().filter(|count| *count > 0) {
            p.muted.after { "The time did not suffice for " (undecided) " more." }
        }
    }
}

fn memory(explanation: &Value) -> Markup {
    html! {
        @for warning in items(explanation, "warnings") { p.note { (name(&sentence(str_of(warning, "detail")))) } }
        @if let Some(detail) = explanation["alternative"]["detail"].as_str() { p.note { (name(&sentence(detail))) } }
    }
}

/// Upgrades with their gains, the largest first. A bar is full at the largest gain. Those without a gain are folded.
fn upgrades(explanation: &Value) -> Markup {
    let mut upgrades: Vec<(f64, &Value)> =
        items(explanation, "upgrades").iter().map(|it| (it["gain"].as_f64().unwrap_or(1.0) - 1.0, it)).collect();
    upgrades.sort_by(|a, b| b.0.total_cmp(&a.0));
    let most = upgrades.first().map_or(0.0, |(more, _)| *more);
    let (with, without) = upgrades.split_at(upgrades.partition_point(|(more, _)| *more >= LEAST_GAIN));
    html! {
        @if upgrades.is_empty() {
            p.empty { "No single upgrade was solved." }
        } @else if with.is_empty() {
            p.empty { "No single upgrade was found to help." }
        } @else {
            (gains(with, most))
        }
        @if !without.is_empty() {
            details.folded.after open[with.is_empty() && without.len() <= MOST_OPEN] {
                summary { span.title { "Without a gain" } " " span.muted { (counted(without.len(), "upgrade")) } }
                (gains(without, most))
            }
        }
    }
}

/// So many upgrades without a gain are seen at once where none has one.
const MOST_OPEN: usize = 8;
/// Gains below this come from another order of summing.
const LEAST_GAIN: f64 = 1e-9;

fn gains(upgrades: &[(f64, &Value)], most: f64) -> Markup {
    html! {
        ul.gains {
            @for (more, upgrade) in upgrades {
                @let is_proven = upgrade["gain_at_most"].as_f64().is_some_and(|most| most < 1.0 + 1e-6);
                li {
                    p {
                        span { (name(str_of(upgrade, "detail"))) }
                        span.figure {
                            @if *more >= LEAST_GAIN { (factor_text(1.0 + more)) } @else if is_proven { "no gain" } @else { "none found" }
                        }
                    }
                    (bar(if *more >= LEAST_GAIN { more / most } else { 0.0 }, Measure::Gain))
                    p.muted { (bounds(upgrade)) }
                }
            }
        }
    }
}

fn bounds(upgrade: &Value) -> String {
    let proven = match (upgrade["gain_at_least"].as_f64(), upgrade["gain_at_most"].as_f64()) {
        (Some(least), Some(most)) if most - least < 1e-6 * most => "proven exactly".to_owned(),
        (Some(least), Some(most)) => format!("proven: {} to {}", factor_text(least), factor_text(most)),
        (Some(least), None) => format!("proven: at least {}", factor_text(least)),
        (None, Some(most)) => format!("proven: at most {}", factor_text(most)),
        (None, None) => "nothing is proven".to_owned(),
    };
    let period = upgrade["period_s"].as_f64().map(|period| format!("period {}, ", seconds_text(period)));
    format!("{}{proven}", period.unwrap_or_default())
}

/// What nodes and media are worth to several pipelines.
fn prices(explanation: &Value) -> Markup {
    let prices = items(explanation, "prices");
    let most = prices.iter().filter_map(|price| price["price_per_s"].as_f64()).fold(0.0, f64::max);
    html! {
        @if !prices.is_empty() {
            h3 { "Prices" }
            p.muted { "What one node more like this, or twice a medium, is worth to the relaxation of the request, in passes a second." }
            ul.gains {
                @for price in prices {
                    @let worth = price["price_per_s"].as_f64().unwrap_or(0.0);
                    @let what = price["node_id"].as_str().or(price["medium_id"].as_str()).unwrap_or_default();
                    li {
                        p { span { (name(what)) } span.figure { (rate_text(worth)) " a second" } }
                        (bar(if most > 0.0 { worth / most } else { 0.0 }, Measure::Gain))
                    }
                }
            }
        }
    }
}

/// Verified repairs, each with a button that plans with it.
fn repairs(visitor: &Visitor, id: &str, explanation: &Value) -> Markup {
    let repairs = items(explanation, "repairs");
    html! {
        @if repairs.is_empty() { p.empty { "No single change was found that makes a placement possible." } }
        ul.cards {
            @for (i, repair) in repairs.iter().enumerate() {
                li {
                    h3 { (name(str_of(repair, "detail"))) }
                    p {
                        "Verified by a placement"
                        @if let Some(period) = repair["period_s"].as_f64() { " with a period of " (seconds_text(period)) }
                        @if let Some(extra) = repair["extra_bytes"].as_u64() { ", with " (bytes_text(extra)) " more" }
                        @if repair["is_least"] == true { "; less is proven not to be enough" }
                        "."
                    }
                    @if visitor.may(Scope::Plan) {
                        form method="post" action={ "/ui/placements/" (id) "/repair" } {
                            input type="hidden" name="repair" value=(repair);
                            button.primary { "Plan with it" span.hidden { " (" (i + 1) ")" } }
                        }
                    }
                }
            }
        }
    }
}
