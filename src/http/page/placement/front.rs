//! The trade-off of period and latency: each point leads to its placement.

use maud::{Markup, html};

use super::data::Shown;
use crate::http::page::parts::table;
use crate::http::page::text::seconds_text;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const MARGIN: f64 = 44.0;

/// Writes the trade-off as a chart and a table, where there is one.
pub(super) fn front(shown: &Shown, point: Option<usize>) -> Markup {
    let front = &shown.placement.front;
    if front.len() < 2 {
        return html! {};
    }
    let id = &shown.stored.id;
    let chosen = point.unwrap_or(0);
    html! {
        section aria-labelledby="front" {
            h2 #front { "Trade-off" }
            p.muted { "No placement beats one of these " (front.len()) " in both period and latency. Choose a point to see its placement." }
            div.split {
                (chart(shown, chosen))
                (table("Points of the trade-off", &html! {
                    thead { tr { th scope="col" { "point" } th.number scope="col" { "period" } th.number scope="col" { "latency" } th.number scope="col" { "stages" } } }
                    tbody {
                        @for (i, point) in front.iter().enumerate() {
                            tr.figures-row.chosen[i == chosen] {
                                td data-label="point" { a href={ "/ui/placements/" (id) "?point=" (i) "#front" } aria-current=[(i == chosen).then_some("true")] { (i + 1) } }
                                td.number data-label="period" { (seconds_text(point.period_s)) }
                                td.number data-label="latency" { (seconds_text(point.latency_s)) }
                                td.number data-label="stages" { (point.stages.len()) }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn chart(shown: &Shown, chosen: usize) -> Markup {
    let front = &shown.placement.front;
    let range = |value: fn(&cutpoint_planner::domain::placement::FrontPoint) -> f64| {
        let values = front.iter().map(value);
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        (low, (high - low).max(f64::MIN_POSITIVE))
    };
    let (periods, latencies) = (range(|point| point.period_s), range(|point| point.latency_s));
    let x = |value: f64| MARGIN + (value - periods.0) / periods.1 * (WIDTH - 2.0 * MARGIN);
    let y = |value: f64| HEIGHT - MARGIN - (value - latencies.0) / latencies.1 * (HEIGHT - 2.0 * MARGIN);
    let number = |value: f64| format!("{value:.1}");
    let line: Vec<String> =
        front.iter().map(|point| format!("{:.1},{:.1}", x(point.period_s), y(point.latency_s))).collect();
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="group" aria-label="Latency over period" {
            path.axis d={ "M" (MARGIN) " " (MARGIN - 6.0) "V" (HEIGHT - MARGIN / 2.0 - 6.0) "H" (WIDTH - MARGIN / 2.0) } {}
            text x=(WIDTH - MARGIN / 2.0) y=(HEIGHT - 6.0) text-anchor="end" { "period " (seconds_text(periods.0)) " to " (seconds_text(periods.0 + periods.1)) }
            text.hanging x=(MARGIN / 2.0) y="6" { "latency " (seconds_text(latencies.0)) " to " (seconds_text(latencies.0 + latencies.1)) }
            polyline.line points=(line.join(" ")) {}
            @for (i, point) in front.iter().enumerate() {
                a href={ "/ui/placements/" (shown.stored.id) "?point=" (i) "#front" } aria-current=[(i == chosen).then_some("true")]
                    aria-label={ "Point " (i + 1) ": period " (seconds_text(point.period_s)) ", latency " (seconds_text(point.latency_s)) } {
                    // A point is small; what can be hit is larger.
                    circle.hit cx=(number(x(point.period_s))) cy=(number(y(point.latency_s))) r="12" {}
                    circle.point.chosen[i == chosen] cx=(number(x(point.period_s))) cy=(number(y(point.latency_s))) r=(if i == chosen { 7 } else { 5 }) {}
                }
            }
        }
    }
}
