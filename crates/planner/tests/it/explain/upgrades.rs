//! Slack and upgrades of placements.

use cutpoint_planner::domain::explanation::{Explanation, TransferSlack, Upgrade, UpgradeKind};
use cutpoint_planner::domain::options::{Objective, Overlap};
use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::NeverStop;
use cutpoint_planner::explain::{ExplainEnv, explain};
use serde_json::Value;

use super::changed::{self, request};
use crate::oracle::{Kind, OracleAnswer, Size, brute_force, brute_replan, planned, random_document};

const ENV: ExplainEnv<'static> = ExplainEnv { threads: 1, slices: &NeverStop };

/// Sums in another order differ by so much.
const ROUNDING: f64 = 1e-9;

/// The smallest objective, with a base the smallest period.
fn least(request: &PlanRequest) -> Option<f64> {
    if request.options.base.is_some() {
        return brute_replan(request).map(|replanned| replanned.least_period_s);
    }
    match brute_force(request) {
        OracleAnswer::Infeasible => None,
        OracleAnswer::Optimal(best) => Some(best.objective),
    }
}

fn upgraded(document: &Value, upgrade: &Upgrade) -> Value {
    let node = upgrade.node_ids.first().map(String::as_str).unwrap_or_default();
    match upgrade.kind {
        UpgradeKind::LinkTwiceAsFast => {
            let (from, to) = (upgrade.from_node_id.as_ref().unwrap(), upgrade.to_node_id.as_ref().unwrap());
            changed::with_faster_link(document, from, to)
        }
        UpgradeKind::MediumTwiceAsFast => {
            // None of these requests names a medium, so that it is one direction of a link.
            let (from, to) = upgrade.medium_id.as_ref().unwrap().split_once(" -> ").unwrap();
            changed::with_faster_link(document, from, to)
        }
        UpgradeKind::NodeWired => unreachable!("none of these requests has an access point"),
        UpgradeKind::NodeTwiceAsFast => changed::with_faster_node(document, node),
        UpgradeKind::NodeTwiceTheMemory => changed::with_twice_the_memory(document, node),
        UpgradeKind::OneMoreNode => changed::with_copy(document, node),
    }
}

#[test]
fn every_upgrade_is_worth_what_it_claims() {
    let (mut upgrades, mut proven, mut gains) = (0, 0, 0);
    for seed in 0..60 {
        for kind in Kind::ALL {
            let context = format!("seed {seed}, {kind:?}");
            let document = random_document(seed, kind, Size { layers: 5, nodes: 3 });
            let request = request(&document, &context);
            let placement = planned(&request, &context);
            let explanation = explain(&request, &placement, &ENV).unwrap();
            if placement.stages().is_empty() {
                assert_eq!(explanation.upgrades, [], "{context}");
                continue;
            }
            assert_slack(&request, &placement, &explanation, &context);
            let old = least(&request).unwrap();
            for upgrade in &explanation.upgrades {
                let context = format!("{context}, {}", upgrade.detail);
                let new = least(&changed::request(&upgraded(&document, upgrade), &context)).unwrap();
                assert_upgrade(&request, upgrade, old, new, &context);
                upgrades += 1;
                proven += usize::from(upgrade.status == Status::Optimal);
                gains += usize::from(upgrade.gain_at_least.is_some_and(|gain| gain > 1.0 + ROUNDING));
            }
            // Interchangeable nodes share an upgrade: the last is worth as much as the first.
            for upgrade in explanation.upgrades.iter().filter(|it| it.kind == UpgradeKind::NodeTwiceAsFast) {
                let of = |id: &str| least(&changed::request(&changed::with_faster_node(&document, id), &context));
                let worth: Vec<Option<f64>> = upgrade.node_ids.iter().map(|id| of(id)).collect();
                assert!(worth.iter().all(|it| *it == worth[0]), "{context}: {worth:?}");
            }
        }
    }
    assert!(
        upgrades > 300 && proven * 2 > upgrades && gains > 20,
        "{upgrades} upgrades, {proven} proven, {gains} gains"
    );
}

fn assert_upgrade(request: &PlanRequest, upgrade: &Upgrade, old: f64, new: f64, context: &str) {
    let close = |a: f64, b: f64| (a - b).abs() <= ROUNDING * a.abs().max(b.abs());
    let (stated, bound) = match request.options.objective {
        Objective::MaxThroughput | Objective::Tradeoff => (upgrade.period_s, upgrade.lower_bound_s),
        Objective::MinLatency => (upgrade.latency_s, upgrade.lower_bound_s),
        Objective::MinNodes { .. } => (upgrade.stages as f64, upgrade.lower_bound_nodes.map(|nodes| nodes as f64)),
    };
    assert!(stated >= new * (1.0 - ROUNDING), "{context}: {upgrade:?}, but {new}");
    assert!(bound.unwrap_or(0.0) <= new * (1.0 + ROUNDING), "{context}: {upgrade:?}, but {new}");
    if upgrade.status == Status::Optimal && request.options.base.is_none() {
        assert!(close(stated, new), "{context}: {upgrade:?}, but {new}");
    }
    if new > 0.0 {
        let gain = old / new;
        assert!(upgrade.gain_at_least.is_none_or(|least| least <= gain * (1.0 + ROUNDING)), "{context}: {upgrade:?}");
        assert!(upgrade.gain_at_most.is_none_or(|most| most >= gain * (1.0 - ROUNDING)), "{context}: {upgrade:?}");
    }
}

/// Slack by trying: a step that takes as much longer leaves the period, more does not.
fn assert_slack(request: &PlanRequest, placement: &PlacementDocument, explanation: &Explanation, context: &str) {
    let period_s = placement.period_s.unwrap();
    let overlap = request.options.cost_model.overlap;
    let close = |a: f64, b: f64| (a - b).abs() <= ROUNDING * period_s.max(1e-9);
    assert!(close(period_with(placement, explanation, overlap, None, 0.0), period_s), "{context}");
    let steps = explanation.stages.len() + explanation.transfers.len();
    for step in 0..steps {
        let stages = explanation.stages.iter().map(|stage| stage.slack_s);
        let slack_s = stages.chain(explanation.transfers.iter().map(|it| it.slack_s)).nth(step).unwrap();
        let at = period_with(placement, explanation, overlap, Some(step), slack_s);
        let beyond = period_with(placement, explanation, overlap, Some(step), slack_s + 1.0);
        assert!(close(at, period_s) && close(beyond, period_s + 1.0), "{context}: step {step}, {explanation:?}");
    }
    assert!(!explanation.binding.is_empty(), "{context}");
    assert!(explanation.next_bottleneck.as_ref().is_none_or(|next| next.time_s < period_s), "{context}");
    for (stage, stated) in placement.stages().iter().zip(&explanation.stages) {
        assert_eq!(stated.free_bytes, stage.memory_capacity_bytes - stage.memory_bytes, "{context}");
        let warned = explanation.warnings.iter().any(|warning| warning.stage_index == stage.index);
        let little = stated.free_bytes * 20 < stage.memory_capacity_bytes;
        assert_eq!(warned, little, "{context}: {stated:?}");
    }
}

/// The period where one step, stages first, takes longer.
fn period_with(
    placement: &PlacementDocument,
    explanation: &Explanation,
    overlap: Overlap,
    longer: Option<usize>,
    by_s: f64,
) -> f64 {
    let time = |step: usize, seconds: f64| if longer == Some(step) { seconds + by_s } else { seconds };
    let stages = placement.stages().len();
    let mut busy_s: std::collections::BTreeMap<&str, f64> = std::collections::BTreeMap::new();
    let mut largest_s = 0.0;
    for (at, stage) in placement.stages().iter().enumerate() {
        let seconds = time(at, stage.compute_s);
        largest_s = f64::max(largest_s, seconds);
        *busy_s.entry(&stage.node_id).or_default() += seconds;
    }
    for (at, it) in explanation.transfers.iter().enumerate() {
        let seconds = time(stages + at, it.time_s);
        largest_s = f64::max(largest_s, seconds);
        *busy_s.entry(&it.from_node_id).or_default() += seconds;
        *busy_s.entry(&it.to_node_id).or_default() += seconds;
    }
    let by_node_s = busy_s.into_values().fold(0.0, f64::max);
    let media_s = explanation.media.iter().map(|medium| {
        let is_on = |it: &TransferSlack| format!("{} -> {}", it.from_node_id, it.to_node_id) == medium.id;
        let longer = longer.and_then(|step| explanation.transfers.get(step.checked_sub(stages)?));
        medium.occupied_s + if longer.is_some_and(is_on) { by_s } else { 0.0 }
    });
    media_s.fold(if overlap == Overlap::Full { largest_s } else { by_node_s }, f64::max)
}
