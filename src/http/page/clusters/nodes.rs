//! The nodes of a cluster, grouped by a label, and switching one of them off or on.

use std::collections::BTreeMap;

use axum::extract::{Form, Path};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::page::parts::{Measure, bar, items, name, str_of, table};
use crate::http::page::text::{bytes_text, encoded, speed_text};
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;

/// Writes the nodes. Those of `used` are marked.
pub(super) fn nodes(visitor: &Visitor, cluster: &Value, used: &[&str]) -> Markup {
    let nodes = items(&cluster["inventory"], "nodes");
    let most = nodes.iter().filter_map(|node| node["memory_bytes"].as_u64()).max().unwrap_or(0);
    let has_devices = nodes.iter().any(|node| node["device_class"].is_string());
    html! {
        section aria-labelledby="nodes" {
            h2 #nodes { "Nodes" }
            @for (group, nodes) in grouped(nodes) {
                @if let Some(group) = &group { h3 { (name(group)) span.muted { " · " (nodes.len()) } } }
                (table("Nodes", &html! {
                    thead { tr {
                        th scope="col" { "node" } @if has_devices { th scope="col" { "device" } } th.number scope="col" { "speed" }
                        th.number scope="col" { "memory" } th scope="col" { "for stages" } th scope="col" { "state" }
                    } }
                    tbody { @for node in nodes { (row(visitor, cluster, node, used, (most, has_devices))) } }
                }))
            }
        }
    }
}

/// Nodes by the value of the label that splits them best: into more than one group, and into few. Without one they are one.
fn grouped(nodes: &[Value]) -> Vec<(Option<String>, Vec<&Value>)> {
    let mut values: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (label, value) in nodes.iter().filter_map(|node| node["labels"].as_object()).flatten() {
        *values.entry(label).or_default().entry(value.as_str().unwrap_or_default()).or_default() += 1;
    }
    let is_good = |groups: &BTreeMap<&str, usize>| groups.len() > 1 && groups.len() <= 12 && groups.len() < nodes.len();
    let best = values.iter().filter(|(_, groups)| is_good(groups)).max_by_key(|(_, groups)| groups.len());
    let Some((label, _)) = best else { return vec![(None, nodes.iter().collect())] };
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for node in nodes {
        let value = node["labels"][*label].as_str();
        let group = value.map_or_else(|| format!("without {label}"), |value| format!("{label} {value}"));
        groups.entry(group).or_default().push(node);
    }
    groups.into_iter().map(|(group, nodes)| (Some(group), nodes)).collect()
}

fn row(visitor: &Visitor, cluster: &Value, node: &Value, used: &[&str], (most, has_devices): (u64, bool)) -> Markup {
    let id = str_of(node, "id");
    let memory = node["memory_bytes"].as_u64().unwrap_or(0);
    let free = memory.saturating_sub(node["reserved_bytes"].as_u64().unwrap_or(0));
    let is_on = node["schedulable"] != false;
    html! {
        tr.off[!is_on] {
            th scope="row" { (name(id)) @if used.contains(&id) { " " span.label { "in the newest placement" } } }
            @if has_devices { td data-label="device" { (name(str_of(node, "device_class"))) } }
            td.number data-label="speed" { @if let Some(speed) = node["flops_per_s"].as_f64() { (speed_text(speed)) } @else { "unknown" } }
            td.number data-label="memory" { (bytes_text(memory)) }
            td data-label="for stages" { (bytes_text(free)) (bar(if most > 0 { free as f64 / most as f64 } else { 0.0 }, Measure::Memory)) }
            td data-label="state" {
                @if visitor.may(Scope::Plan) {
                    form method="post" action={ "/ui/clusters/" (str_of(cluster, "id")) "/node" } {
                        input type="hidden" name="node" value=(id);
                        input type="hidden" name="revision" value=(cluster["revision"]);
                        input type="hidden" name="on" value=(!is_on);
                        button.small aria-label={ @if is_on { "Switch off " } @else { "Switch on " } (id) } { @if is_on { "Switch off" } @else { "Switch on" } }
                    }
                } @else if is_on { "on" } @else { "off" }
            }
        }
    }
}

/// Which node is switched, and the revision that the visitor saw.
#[derive(Deserialize)]
pub(super) struct Switch {
    node: String,
    revision: u64,
    on: bool,
}

pub(super) async fn switch(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(switch): Form<Switch>,
) -> Result<Response, Problem> {
    let id = id_of(IdKind::Cluster, &id)?;
    let node = encoded(&switch.node);
    let path = format!("/v1/clusters/{id}/nodes/{node}");
    let patch = json!({ "schedulable": switch.on });
    visitor.change(Method::PATCH, &path, Some(&switch.revision.to_string()), &patch).await?;
    let off = if switch.on { String::new() } else { format!("?off={node}") };
    Ok(Redirect::to(&format!("/ui/clusters/{id}{off}")).into_response())
}
