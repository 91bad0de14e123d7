//! The map of a cluster whose nodes have positions, and its network in words.

use maud::{Markup, html};
use serde_json::Value;

use crate::http::page::parts::{items, name, str_of, table};
use crate::http::page::text::{bandwidth_text, seconds_text};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 40.0;
/// Above so many nodes a map has no names: the list has them.
const MOST_NAMED: usize = 30;
/// Links that are drawn and listed.
const MOST_LINKS: usize = 200;

/// Writes the map, where positions are known.
pub(super) fn map(inventory: &Value, used: &[&str]) -> Markup {
    let placed: Vec<(&Value, f64, f64)> = items(inventory, "nodes").iter().filter_map(position).collect();
    if placed.len() < 2 {
        return html! {};
    }
    let range = |value: fn(&(&Value, f64, f64)) -> f64| {
        let ends = placed.iter().map(value);
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)))
    };
    let (xs, ys) = (range(|it| it.1), range(|it| it.2));
    // The same scale in both directions, so that distances can be compared.
    let scale =
        ((WIDTH - 2.0 * MARGIN) / (xs.1 - xs.0).max(1e-9)).min((HEIGHT - 2.0 * MARGIN) / (ys.1 - ys.0).max(1e-9));
    let x = |value: f64| MARGIN + (value - xs.0) * scale;
    let y = |value: f64| HEIGHT - MARGIN - (value - ys.0) * scale;
    let at = |id: &str| placed.iter().find(|it| it.0["id"] == id).map(|it| (x(it.1), y(it.2)));
    let segments =
        items(&inventory["network"], "segments").iter().map(|segment| (str_of(segment, "a"), str_of(segment, "b")));
    let links = items(inventory, "links").iter().map(|link| (str_of(link, "from"), str_of(link, "to")));
    let number = |value: f64| format!("{value:.1}");
    let measure_m = round_below(WIDTH / 4.0 / scale);
    html! {
        section aria-labelledby="map" {
            div.heading {
                h2 #map { "Map" }
                @if !used.is_empty() { ul.legend { li { "node" } li.transfer { "path of the newest placement" } } }
            }
            svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label="Positions of the nodes; the list below names them" {
                @for (from, to) in segments.chain(links).take(MOST_LINKS) {
                    @if let (Some(from), Some(to)) = (at(from), at(to)) {
                        line.link x1=(number(from.0)) y1=(number(from.1)) x2=(number(to.0)) y2=(number(to.1)) {}
                    }
                }
                @for pair in used.windows(2) {
                    @if let (Some(from), Some(to)) = (at(pair[0]), at(pair[1])) {
                        line.used x1=(number(from.0)) y1=(number(from.1)) x2=(number(to.0)) y2=(number(to.1)) {}
                    }
                }
                // How long a distance is.
                path.axis d={ "M" (number(WIDTH - 12.0 - measure_m * scale)) " " (HEIGHT - 18.0) "v6H" (number(WIDTH - 12.0)) "v-6" } {}
                text x=(number(WIDTH - 12.0 - measure_m * scale / 2.0)) y=(HEIGHT - 20.0) text-anchor="middle" { (metres_text(measure_m)) }
                @for (node, node_x, node_y) in &placed {
                    @let is_off = node["schedulable"] == false;
                    circle.node.off[is_off] cx=(number(x(*node_x))) cy=(number(y(*node_y))) r="6" { title { (str_of(node, "id")) } }
                    @if placed.len() <= MOST_NAMED {
                        text x=(number(x(*node_x))) y=(number(y(*node_y) - 11.0)) text-anchor="middle" { (short(str_of(node, "id"))) }
                    }
                }
            }
        }
    }
}

fn position(node: &Value) -> Option<(&Value, f64, f64)> {
    Some((node, node["position_m"]["x"].as_f64()?, node["position_m"]["y"].as_f64()?))
}

/// Returns the largest of 1, 2 and 5 times a power of ten that is not above a length.
fn round_below(length: f64) -> f64 {
    let power = 10_f64.powf(length.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|step| step * power).find(|round| *round <= length).unwrap_or(power)
}

/// Returns metres: `50 m`, `2 km`.
fn metres_text(metres: f64) -> String {
    if metres >= 1000.0 { format!("{} km", metres / 1000.0) } else { format!("{metres} m") }
}

/// Returns the beginning of a name, for a label on a map.
fn short(text: &str) -> String {
    if text.chars().count() <= 16 { text.to_owned() } else { text.chars().take(15).chain(['…']).collect() }
}

/// Writes the network: its kind in words, and its links or segments.
pub(super) fn network(inventory: &Value) -> Markup {
    let network = &inventory["network"];
    let links = items(inventory, "links");
    let segments = items(network, "segments");
    let stations = items(network, "stations");
    html! {
        section aria-labelledby="network" {
            h2 #network { "Network" }
            p { (about(network)) }
            @if !links.is_empty() { (ends("Links", links, ("from", "to"))) }
            @if !segments.is_empty() { (ends("Segments", segments, ("a", "b"))) }
            @if !stations.is_empty() {
                (table("Stations", &html! {
                    thead { tr { th scope="col" { "station" } th.number scope="col" { "bandwidth" } } }
                    tbody { @for station in stations { tr {
                        th scope="row" { (name(str_of(station, "node_id"))) }
                        td.number data-label="bandwidth" { (bandwidth_text(station["bandwidth_bps"].as_f64().unwrap_or(0.0))) }
                    } } }
                }))
            }
        }
    }
}

fn about(network: &Value) -> String {
    let medium = network["medium"].as_str().map(|medium| format!(" on the medium {medium}")).unwrap_or_default();
    match str_of(network, "kind") {
        "full_mesh" => format!(
            "Every two nodes without a link of their own reach one another with {} and {}{medium}.",
            bandwidth_text(network["bandwidth_bps"].as_f64().unwrap_or(0.0)),
            seconds_text(network["latency_s"].as_f64().unwrap_or(0.0)),
        ),
        "radio" => format!("Radio between every two nodes: the bandwidth follows from their distance{medium}."),
        "access_point" => format!("An access point{medium}: whoever sends through it takes of the same air time."),
        "topology" => "Switches and segments: transfers share the segments that they pass.".to_owned(),
        "matrix" => "A matrix of bandwidths between nodes.".to_owned(),
        _ => "The links that are listed, and no others.".to_owned(),
    }
}

fn ends(label: &str, rows: &[Value], (from, to): (&str, &str)) -> Markup {
    html! {
        @if rows.len() > MOST_LINKS { p.muted { "The first " (MOST_LINKS) " of " (rows.len()) "." } }
        details {
            summary { (label) ", " (rows.len()) }
            (table(label, &html! {
                thead { tr { th scope="col" { "from" } th scope="col" { "to" } th.number scope="col" { "bandwidth" } th.number scope="col" { "latency" } th scope="col" { "medium" } } }
                tbody {
                    @for row in rows.iter().take(MOST_LINKS) {
                        tr {
                            th scope="row" { (name(str_of(row, from))) }
                            td data-label="to" { (name(str_of(row, to))) }
                            td.number data-label="bandwidth" { (bandwidth_text(row["bandwidth_bps"].as_f64().unwrap_or(0.0))) }
                            td.number data-label="latency" { (seconds_text(row["latency_s"].as_f64().unwrap_or(0.0))) }
                            td data-label="medium" { (name(str_of(row, "medium"))) }
                        }
                    }
                }
            }))
        }
    }
}
