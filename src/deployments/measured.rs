//! Where what runs takes longer than predicted, as its runners measured.
//!
//! What slows a node or a link is not known. It counts as work that somebody else does there, so that the time left for a
//! stage or a transfer is what was measured. Evaluations and plans take this work for occupants, and no other law is needed.

use std::collections::BTreeMap;

use cutpoint_import::calibration::{Comparison, PipelineComparison};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::occupant::{Occupant, OccupiedHop, OccupiedMedium, OccupiedNode};
use cutpoint_planner::domain::placed::{Placed, PlacedPipeline, PlacedStage, PlacedTransfer};
use cutpoint_planner::domain::placement::Stage;
use cutpoint_planner::occupant_of;
use jiff::Timestamp;

use super::sight::{Measured, Sight};
use crate::domain::deployment::{SlowLink, SlowNode, Slowdown};
use crate::domain::id::Id;

/// The least share of a node's, a link's or a medium's time that is left.
const LEAST_SHARE: f64 = 1.0 / 32.0;

/// What was measured of a deployment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slow {
    /// The placements that were slower than the policy allows.
    pub(crate) slowdowns: BTreeMap<Id, Slowdown>,
    /// The work that explains it.
    pub(crate) work: Vec<Occupant>,
    /// Names what is slow, and roughly how slow; empty if nothing is.
    pub(crate) stamp: String,
    /// The time of the oldest measurements that count.
    pub(crate) since: Option<Timestamp>,
}

/// What somebody else works on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Node(String),
    Link(String, String),
    Medium(String),
}

/// How much longer than predicted each node and each pair of nodes takes, by the newest measurements that have it.
#[derive(Default)]
struct Ratios {
    /// With the share of the time that is left there by what is known to run.
    nodes: BTreeMap<String, (f64, f64)>,
    links: BTreeMap<(String, String), (f64, f64)>,
}

/// Returns what was measured of a deployment, where its policy says how much slower than predicted is too slow.
pub(crate) fn slow(sight: &Sight, index: usize) -> Slow {
    let seen = &sight.seen[index];
    let Some(most) = seen.row.policy.max_measured_ratio else { return Slow::default() };
    let others = sight.known_others(index);
    let (mut slow, mut ratios) = (Slow::default(), Ratios::default());
    // The newest come first.
    for Measured { summary, placed } in &seen.measured {
        let outcome = seen.subject.evaluate(&sight.inventory, others.clone(), placed);
        let (Some(predicted), Some(period_s)) = (outcome.figures, period_s(&summary.comparison)) else { continue };
        let is_slow = period_s > predicted.period_s * most;
        let mut slowdown = Slowdown {
            measurement_id: summary.id.clone(),
            measured_at: summary.created_at,
            period_s,
            predicted_period_s: predicted.period_s,
            nodes: Vec::new(),
            links: Vec::new(),
        };
        for (stages, measured) in outcome.pipelines.iter().zip(&summary.comparison.pipelines) {
            ratios.take(&sight.inventory, stages, measured, is_slow, &mut slowdown);
        }
        if is_slow {
            slow.slowdowns.insert(summary.placement_id.clone(), slowdown);
            slow.since = Some(summary.created_at);
        }
    }
    slow.stamp = ratios.stamp();
    slow.work = work(ratios.things(&sight.inventory), &others);
    slow
}

/// Returns the measured period of all pipelines together, seconds.
fn period_s(comparison: &Comparison) -> Option<f64> {
    let rates = comparison.pipelines.iter().map(|pipeline| Some(1.0 / pipeline.period_s?.measured));
    let rate_per_s: f64 = rates.sum::<Option<f64>>()?;
    Some(1.0 / rate_per_s).filter(|period_s| period_s.is_finite())
}

impl Ratios {
    /// Adds what newer measurements do not have. Measurements that are fast enough say that nothing is slow there.
    fn take(
        &mut self,
        cluster: &ClusterInventory,
        stages: &[Stage],
        measured: &PipelineComparison,
        is_slow: bool,
        slowdown: &mut Slowdown,
    ) {
        for (stage, measured) in stages.iter().zip(&measured.stages) {
            if stage.node_id != measured.node_id {
                continue;
            }
            let ratio = above_one(measured.compute_s.measured / stage.compute_s, is_slow);
            if ratio > 1.0 {
                slowdown.nodes.push(SlowNode { node_id: stage.node_id.clone(), ratio });
            }
            let of_node = (ratio, stage.compute_share.unwrap_or(1.0));
            self.nodes.entry(stage.node_id.clone()).or_insert(of_node);
        }
        for measured in &measured.transfers {
            let (from, to) = (&measured.from_node_id, &measured.to_node_id);
            let (Some((predicted_s, share)), Some(compared)) = (predicted(stages, from, to), measured.transfer_s)
            else {
                continue;
            };
            // Latencies are no slower.
            let busy_s = |transfer_s| busy_s(cluster, from, to, transfer_s);
            let ratio = above_one(busy_s(compared.measured) / busy_s(predicted_s), is_slow);
            if ratio > 1.0 {
                slowdown.links.push(SlowLink { from_node_id: from.clone(), to_node_id: to.clone(), ratio });
            }
            self.links.entry((from.clone(), to.clone())).or_insert((ratio, share));
        }
    }

    /// Names what is slow. Measurements that differ little have the same name, so that they lead to no other plan.
    fn stamp(&self) -> String {
        let nodes = self.nodes.iter().map(|(id, (ratio, _))| (id.clone(), *ratio));
        let links = self.links.iter().map(|((from, to), (ratio, _))| (format!("{from}>{to}"), *ratio));
        let slow = nodes.chain(links).filter(|(_, ratio)| *ratio > 1.0);
        slow.map(|(name, ratio)| format!("{name}*{:.0}", (2.0 * ratio.log2()).ceil())).collect::<Vec<_>>().join(" ")
    }

    /// Returns what somebody else works on, and the share of its time that is left.
    fn things(self, cluster: &ClusterInventory) -> BTreeMap<Thing, f64> {
        let left = |(ratio, share): (f64, f64)| (share / ratio).max(LEAST_SHARE);
        let mut things = BTreeMap::new();
        for (id, it) in self.nodes.into_iter().filter(|(_, (ratio, _))| *ratio > 1.0) {
            things.insert(Thing::Node(id), left(it));
        }
        for ((from, to), it) in self.links.into_iter().filter(|(_, (ratio, _))| *ratio > 1.0) {
            let occupant = transfer(cluster, &from, &to, 1.0);
            let links = occupant.hops.into_iter().map(|hop| Thing::Link(hop.from_node_id, hop.to_node_id));
            let media = occupant.media.into_iter().map(|medium| Thing::Medium(medium.id));
            for thing in links.chain(media) {
                // A medium that several transfers use is as slow as the slowest of them says.
                let least: &mut f64 = things.entry(thing).or_insert(1.0);
                *least = least.min(left(it));
            }
        }
        things
    }
}

fn above_one(ratio: f64, is_slow: bool) -> f64 {
    if is_slow && ratio.is_finite() { ratio.max(1.0) } else { 1.0 }
}

/// Returns the predicted seconds of a transfer, and the share of the bandwidth that is left to it.
fn predicted(stages: &[Stage], from: &str, to: &str) -> Option<(f64, f64)> {
    let received = stages.first().and_then(|first| Some((first, first.receive.as_ref()?)));
    let received = received.filter(|(first, receive)| receive.from_node_id == from && first.node_id == to);
    let received = received.map(|(_, receive)| (receive.transfer_s, receive.bandwidth_share));
    let sent = stages.iter().filter(|stage| stage.node_id == from).filter_map(|stage| stage.send.as_ref());
    let sent = sent.filter(|send| send.to_node_id == to).map(|send| (send.transfer_s, send.bandwidth_share));
    received.into_iter().chain(sent).next().map(|(transfer_s, share)| (transfer_s, share.unwrap_or(1.0)))
}

/// Returns the seconds of a transfer without the latency of its way.
fn busy_s(cluster: &ClusterInventory, from: &str, to: &str, transfer_s: f64) -> f64 {
    let occupant = transfer(cluster, from, to, transfer_s);
    let links = occupant.hops.iter().map(|hop| hop.transfer_s);
    links.chain(occupant.media.iter().map(|medium| medium.occupied_s)).fold(0.0, f64::max)
}

/// Returns what a transfer alone takes of the cluster.
fn transfer(cluster: &ClusterInventory, from: &str, to: &str, transfer_s: f64) -> Occupant {
    let send = PlacedTransfer { other_node_id: to.to_owned(), transfer_s, bandwidth_share: 1.0 };
    let stage = PlacedStage {
        node_id: from.to_owned(),
        layer_ids: Vec::new(),
        memory_bytes: 0,
        alone_s: 0.0,
        receive: None,
        send: Some(send),
    };
    let pipelines = vec![PlacedPipeline { part: 1.0, stages: vec![stage] }];
    occupant_of("", &Placed { period_s: 1.0, latency_s: 1.0, pipelines }, cluster, None)
}

/// Returns occupants beside whom these shares are left. One occupant leaves no less than a half, so that there may be several.
fn work(things: BTreeMap<Thing, f64>, others: &[Occupant]) -> Vec<Occupant> {
    let mut work: Vec<Occupant> = Vec::new();
    for (thing, share) in things {
        let (count, busy_s) = equal_demands(&demands(&thing, others), share);
        while work.len() < count {
            work.push(Occupant {
                id: format!("measured-{}", work.len() + 1),
                rate_per_s: 1.0,
                period_s: 1.0,
                nodes: Vec::new(),
                hops: Vec::new(),
                media: Vec::new(),
            });
        }
        for occupant in &mut work[..count] {
            match thing.clone() {
                Thing::Node(node_id) => {
                    occupant.nodes.push(OccupiedNode { node_id, memory_bytes: 0, compute_s: busy_s });
                }
                Thing::Link(from_node_id, to_node_id) => {
                    occupant.hops.push(OccupiedHop { from_node_id, to_node_id, transfer_s: busy_s });
                }
                Thing::Medium(id) => occupant.media.push(OccupiedMedium { id, occupied_s: busy_s }),
            }
        }
    }
    work
}

/// Returns how much of a thing's time each occupant asks for.
fn demands(thing: &Thing, others: &[Occupant]) -> Vec<f64> {
    let of_one = |other: &Occupant| {
        let seconds: f64 = match thing {
            Thing::Node(id) => other.nodes.iter().filter(|it| it.node_id == *id).map(|it| it.compute_s).sum(),
            Thing::Link(from, to) => {
                let same = other.hops.iter().filter(|it| it.from_node_id == *from && it.to_node_id == *to);
                same.map(|it| it.transfer_s).sum()
            }
            Thing::Medium(id) => other.media.iter().filter(|it| it.id == *id).map(|it| it.occupied_s).sum(),
        };
        (seconds * other.rate_per_s).min(1.0)
    };
    others.iter().map(of_one).collect()
}

/// Returns how many equal demands leave a newcomer exactly this share beside the others, and how large each is. By the law
/// each demand u counts as min(u, share), and all of them and the share make 1.
fn equal_demands(others: &[f64], share: f64) -> (usize, f64) {
    let rest = 1.0 - share - others.iter().map(|asked| asked.min(share)).sum::<f64>();
    if rest <= 0.0 {
        return (0, 0.0);
    }
    // At most 1 / LEAST_SHARE.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = (rest / share).ceil() as usize;
    (count, rest / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The share of a newcomer by the law, found by bisection.
    fn share_left(asked: &[f64]) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            let sum: f64 = asked.iter().map(|it| it.min(middle)).sum();
            if sum + middle <= 1.0 { low = middle } else { high = middle }
        }
        low
    }

    proptest! {
        #[test]
        fn the_work_leaves_what_was_measured(
            others in prop::collection::vec(0.0..1.0_f64, 0..4),
            ratio in 1.0..16.0_f64,
        ) {
            let share = (share_left(&others) / ratio).max(LEAST_SHARE);
            let (count, each) = equal_demands(&others, share);
            let asked: Vec<f64> = others.iter().copied().chain(std::iter::repeat_n(each, count)).collect();
            prop_assert!(count <= 32);
            prop_assert!((share_left(&asked) - share).abs() < 1e-9 || share > share_left(&others));
        }
    }
}
