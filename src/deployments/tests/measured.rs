//! What runners measured: conditions, proposals that avoid what is slow, and how long it counts.

use std::collections::BTreeMap;
use std::time::Duration;

use cutpoint_import::calibration::{Comparison, Measurements};
use cutpoint_planner::domain::placed::Placed;
use serde_json::{Value, json};

use super::site::{Site, chain, inventory};
use crate::domain::deployment::{ConditionStatus, DeploymentReason, HistoryKind, OnChange, Policy};
use crate::domain::id::Id;
use crate::store::NewMeasurement;

fn policy() -> Policy {
    Policy { cool_down_s: 0.0, max_proposals_per_hour: 100, max_measured_ratio: Some(1.5), ..Policy::default() }
}

/// What slows nodes and links: how many times as long each takes.
type Slow<'a> = BTreeMap<&'a str, f64>;

impl Site {
    /// Stores what runners measure where a placement takes longer than its document says. Transfers have no latency here.
    async fn measure(&self, placement: &Id, slow: &Slow<'_>) -> Id {
        let document: Value =
            serde_json::from_str(&self.fixture.store.placement(&self.tenant, placement).await.unwrap().document)
                .unwrap();
        let ratio = |name: &str| slow.get(name).copied().unwrap_or(1.0);
        let compared = |planned: f64, ratio: f64| json!({"planned": planned, "measured": planned * ratio});
        let mut longest = 0.0_f64;
        let mut longer = |seconds: &Value, ratio: f64| {
            let planned = seconds.as_f64().unwrap();
            longest = longest.max(planned * ratio);
            compared(planned, ratio)
        };
        let (mut stages, mut transfers) = (Vec::new(), Vec::new());
        for stage in document["pipelines"][0]["stages"].as_array().unwrap() {
            let node = stage["node_id"].as_str().unwrap();
            let compute = longer(&stage["compute_s"], ratio(node));
            stages.push(json!({"index": stage["index"], "node_id": node, "compute_s": compute}));
            if let Some(send) = stage.get("send") {
                let to = send["to_node_id"].as_str().unwrap();
                let transfer = longer(&send["transfer_s"], ratio(&format!("{node}>{to}")));
                transfers.push(json!({"from_node_id": node, "to_node_id": to, "bytes": send["bytes"],
                    "transfer_s": transfer}));
            }
        }
        let period = json!({"planned": document["period_s"], "measured": longest});
        let comparison = json!({"pipelines": [{"period_s": period, "stages": stages, "transfers": transfers}]});
        let comparison: Comparison = serde_json::from_value(comparison).unwrap();
        let measurements =
            Measurements { version: 1, model: "m".to_owned(), warm_up_inferences: 0, pipelines: Vec::new() };
        let new = NewMeasurement::new(&measurements, &comparison);
        self.fixture.store.add_measurement(&self.tenant, placement, new, None).await.unwrap().row.id
    }

    async fn applied(&self, id: &Id) -> Id {
        self.row(id).await.applied.unwrap().placement_id
    }
}

/// Three nodes, of which two run something. The third is a little slower.
async fn running(policy: Policy) -> (Site, Id) {
    let mut inventory = inventory(&[(1000, 1e8), (1000, 1e8), (1000, 0.9e8)]);
    inventory["network"]["latency_s"] = json!(0.0);
    let site = Site::new(inventory).await;
    let id = site.create(&chain("m", &[900, 900]), policy).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    site.pass(Duration::from_secs(5), 10).await;
    (site, id)
}

#[tokio::test]
async fn a_slow_node_is_left_and_not_taken_again_the_same_day() {
    let policy = Policy { min_improvement: Some(1.01), ..policy() };
    let (site, id) = running(policy).await;
    let first = site.applied(&id).await;
    assert_eq!(site.nodes_of(&first).await, ["n0", "n1"]);
    let measurement = site.measure(&first, &[("n0", 3.0)].into()).await;
    site.settle().await;
    let row = site.row(&id).await;
    assert_eq!(row.condition.status, ConditionStatus::Degraded);
    let slowdown = row.condition.slowdown.clone().unwrap();
    assert_eq!(slowdown.measurement_id, measurement);
    assert_eq!(slowdown.nodes.iter().map(|node| &*node.node_id).collect::<Vec<_>>(), ["n0"]);
    assert!((slowdown.nodes[0].ratio - 3.0).abs() < 1e-9, "{slowdown:?}");
    assert!((slowdown.period_s - 3.0 * slowdown.predicted_period_s).abs() < 1e-9, "{slowdown:?}");
    let period_s = row.condition.period_s.unwrap();
    assert!((period_s / slowdown.period_s - 1.0).abs() < 1e-9, "what slows it explains what was measured: {row:?}");
    let proposed = row.proposed.clone().unwrap();
    assert_eq!(proposed.reason, DeploymentReason::Degraded);
    assert!(proposed.period_s < period_s / 2.0);
    let mut nodes = site.nodes_of(&proposed.placement_id).await;
    nodes.sort();
    assert_eq!(nodes, ["n1", "n2"]);
    assert!(site.apply(&row).await);
    site.settle().await;
    let row = site.row(&id).await;
    assert_eq!((row.condition.status, &row.condition.slowdown), (ConditionStatus::Healthy, &None));

    // An improvement would go back, which is not known to be slow after a day.
    site.pass(Duration::from_secs(23 * 3600), 5).await;
    assert_eq!(site.row(&id).await.proposed, None);
    site.pass(Duration::from_secs(2 * 3600), 10).await;
    let back = site.row(&id).await.proposed.unwrap();
    assert_eq!(back.reason, DeploymentReason::Improvement);
    assert_eq!(site.nodes_of(&back.placement_id).await, ["n0", "n1"]);
}

#[tokio::test]
async fn what_is_fast_enough_changes_nothing() {
    let (site, id) = running(policy()).await;
    let before = site.row(&id).await;
    site.measure(&site.applied(&id).await, &[("n0", 1.4)].into()).await;
    site.settle().await;
    assert_eq!(site.row(&id).await, before);
    // Nor does anything where the policy does not ask.
    let (site, id) = running(Policy { max_measured_ratio: None, ..policy() }).await;
    let before = site.row(&id).await;
    site.measure(&site.applied(&id).await, &[("n0", 5.0)].into()).await;
    site.settle().await;
    assert_eq!(site.row(&id).await, before);
}

#[tokio::test]
async fn newer_measurements_and_deleted_ones_end_it() {
    let (site, id) = running(Policy { on_change: OnChange::Notify, ..policy() }).await;
    let placement = site.applied(&id).await;
    let status = async || {
        site.settle().await;
        site.row(&id).await.condition.status
    };
    site.measure(&placement, &[("n1", 2.0)].into()).await;
    assert_eq!(status().await, ConditionStatus::Degraded);
    assert_eq!(site.row(&id).await.proposed, None, "it only says so");
    site.measure(&placement, &Slow::new()).await;
    assert_eq!(status().await, ConditionStatus::Healthy);
    let last = site.measure(&placement, &[("n1", 2.0)].into()).await;
    assert_eq!(status().await, ConditionStatus::Degraded);
    site.fixture.store.delete_measurement(&site.tenant, &placement, &last).await.unwrap();
    assert_eq!(status().await, ConditionStatus::Healthy);
}

#[tokio::test]
async fn where_nothing_is_faster_it_is_said_once() {
    let (mut site, id) = running(policy()).await;
    site.inventory["nodes"].as_array_mut().unwrap().pop();
    site.revise().await;
    site.settle().await;
    let placement = site.applied(&id).await;
    for _ in 0..3 {
        site.measure(&placement, &[("n0", 2.0), ("n1", 2.0)].into()).await;
        site.pass(Duration::from_secs(60), 3).await;
    }
    let row = site.row(&id).await;
    assert_eq!((row.condition.status, row.proposed), (ConditionStatus::Degraded, None));
    assert!(row.failure.unwrap().detail.contains("faster than what runs"));
    let failed = site.told(&id).await.into_iter().filter(|(kind, _)| *kind == HistoryKind::Failed).count();
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn a_slow_link_is_left_beside_what_else_runs() {
    // Transfers of 1,000 bytes take 8 ms, and compute of a layer 10 µs.
    let mut site_of = inventory(&[(1000, 1e11), (1000, 1e11), (1000, 1e11), (1000, 1e11)]);
    site_of["network"] = json!({"kind": "full_mesh", "bandwidth_bps": 1e6, "latency_s": 0.0});
    let site = Site::new(site_of).await;
    let id = site.create(&chain("m", &[900, 900]), policy()).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    let placement = site.applied(&id).await;
    let nodes = site.nodes_of(&placement).await;
    let link = format!("{}>{}", nodes[0], nodes[1]);
    site.measure(&placement, &[(&*link, 4.0)].into()).await;
    site.settle().await;
    let row = site.row(&id).await;
    let slowdown = row.condition.slowdown.clone().unwrap();
    let slow = &slowdown.links[0];
    assert_eq!((&slow.from_node_id, &slow.to_node_id), (&nodes[0], &nodes[1]));
    assert!((row.condition.period_s.unwrap() / slowdown.period_s - 1.0).abs() < 1e-9, "{row:?}");
    let proposed = row.proposed.clone().unwrap();
    let pair = site.nodes_of(&proposed.placement_id).await;
    assert_ne!(pair, nodes);
    let document = site.fixture.store.placement(&site.tenant, &proposed.placement_id).await.unwrap().document;
    let placed = Placed::from_json(&serde_json::from_str(&document).unwrap()).unwrap();
    assert!((placed.period_s - slowdown.predicted_period_s).abs() < 1e-9, "{placed:?}");
}
