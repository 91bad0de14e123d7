//! The loss of a node that forwards: what a fallback is worth without it.

use std::time::Duration;

use serde_json::{Value, json};

use super::site::{Site, chain};
use crate::deployments::{NodeFallbackStatus, Resilience};
use crate::domain::deployment::{ConditionStatus, Policy};
use crate::domain::id::Id;

/// Three nodes around a hub that is a node without room, and, if wanted, around a slow switch.
fn star(has_switch: bool) -> Value {
    let node = |id: &str, memory: u64| json!({"id": id, "memory_bytes": memory, "flops_per_s": 1e8});
    let segment = |a: &str, b: &str, bandwidth_bps: f64| json!({"a": a, "b": b, "bandwidth_bps": bandwidth_bps});
    let leaves = ["a", "b", "c"];
    let mut segments: Vec<Value> = leaves.iter().map(|leaf| segment(leaf, "hub", 1e9)).collect();
    if has_switch {
        segments.extend(leaves.iter().map(|leaf| segment(leaf, "switch", 1e5)));
    }
    let switches = if has_switch { vec!["switch"] } else { Vec::new() };
    json!({"name": "star", "nodes": [node("a", 1000), node("b", 1000), node("c", 1000), node("hub", 10)],
        "network": {"kind": "topology", "switches": switches, "segments": segments}})
}

async fn running(inventory: Value, options: Value) -> (Site, Id) {
    let site = Site::new(inventory).await;
    let policy = Policy { cool_down_s: 0.0, max_period_ratio: 100.0, ..Policy::default() };
    let id = site.create(&chain("m", &[900, 900]), policy).await;
    site.change_options(&id, options).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    site.pass(Duration::from_secs(5), 10).await;
    (site, id)
}

async fn resilience(site: &Site, id: &Id) -> Resilience {
    let resilience = site.deployments.resilience(&site.tenant, id).await.unwrap();
    assert!(resilience.complete, "{resilience:?}");
    resilience
}

fn of_node<'r>(resilience: &'r Resilience, id: &str) -> &'r crate::deployments::NodeFallback {
    resilience.nodes.iter().find(|node| node.node_id == id).unwrap_or_else(|| panic!("{resilience:?}"))
}

#[tokio::test]
async fn nothing_is_proven_where_one_node_forwards_everything() {
    let (site, id) = running(star(false), json!({"cost_model": {"memory": "params"}})).await;
    let resilience = resilience(&site, &id).await;
    assert!(!resilience.any_one_node_may_fail);
    assert_eq!(of_node(&resilience, "hub").status, NodeFallbackStatus::Failed);
    assert!(resilience.statement.ends_with(": hub"), "{}", resilience.statement);
    let hosts = resilience.nodes.iter().filter(|node| node.node_id != "hub");
    assert_eq!(hosts.map(|node| node.status).collect::<Vec<_>>(), [NodeFallbackStatus::Ready; 2]);
}

#[tokio::test]
async fn a_node_that_only_forwards_is_lost_as_it_was_planned() {
    let (mut site, id) = running(star(true), json!({"cost_model": {"memory": "params"}})).await;
    let resilience = resilience(&site, &id).await;
    assert!(resilience.any_one_node_may_fail, "{resilience:?}");
    let hub = of_node(&resilience, "hub");
    assert_eq!((hub.placement_id.as_ref(), hub.shipped_bytes), (resilience.placement_id.as_ref(), Some(0)));
    let before = site.row(&id).await.condition.period_s.unwrap();
    assert!(hub.period_s.unwrap() > before, "the way over the switch is slower");
    assert_eq!(resilience.period_s, hub.period_s);

    site.inventory["nodes"].as_array_mut().unwrap().retain(|node| node["id"] != "hub");
    site.inventory["network"]["segments"].as_array_mut().unwrap().retain(|it| it["b"] != "hub");
    site.revise().await;
    site.settle().await;
    let row = site.row(&id).await;
    assert_eq!((row.condition.status, row.condition.period_s), (ConditionStatus::Healthy, hub.period_s));
}

#[tokio::test]
async fn without_its_source_nothing_runs() {
    let options = json!({"cost_model": {"memory": "params"}, "constraints": {"source_node": "hub"}});
    let (site, id) = running(star(true), options).await;
    let resilience = resilience(&site, &id).await;
    assert!(!resilience.any_one_node_may_fail);
    assert_eq!(of_node(&resilience, "hub").status, NodeFallbackStatus::Impossible);
}
