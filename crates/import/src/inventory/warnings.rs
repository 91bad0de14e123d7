//! Warnings of an inventory: what nobody measured, and what may be wrong.

use super::candidate::Candidate;
use super::links::Links;
use super::media::Media;
use super::nodes::Nodes;
use crate::report::Warning;

/// The most links or nodes that one warning lists.
const MAX_LISTED: usize = 100;

/// Free memory of one node in two lists may differ by this share without a warning.
const SAME_MEMORY: f64 = 0.05;

/// Warns of a node whose two lists do not agree.
pub(super) fn of_join(known: &Candidate, other: &Candidate, by_address: bool, warnings: &mut Vec<Warning>) {
    let id = &known.node.id;
    if !by_address && !known.addresses.is_empty() && !other.addresses.is_empty() {
        let detail = format!("two lists name a node {id:?}, with different addresses");
        let action = "Nothing, if it is one machine; else rename one of them";
        warnings.push(Warning::new("joined_by_name", detail, action).about([id.clone()]));
    }
    let free = |candidate: &Candidate| (candidate.node.memory_bytes - candidate.node.reserved_bytes) as f64;
    if (free(known) - free(other)).abs() > SAME_MEMORY * free(known) {
        let detail = format!("two lists say that {id:?} has {} and {} bytes free", free(known), free(other));
        let action = "Keep the first, or edit memory_bytes: both may count on the same memory";
        warnings.push(Warning::new("memory_differs", detail, action).about([id.clone()]));
    }
}

/// Warns of nodes that take no stages, and of those whose speed nobody knows.
pub(super) fn of_nodes(nodes: &Nodes, warnings: &mut Vec<Warning>) {
    for candidate in nodes.candidates().iter().filter(|candidate| !candidate.reasons.is_empty()) {
        let id = &candidate.node.id;
        let detail = format!("{id} takes no stages: {}", candidate.reasons.join("; "));
        warnings.push(Warning::new("node_unschedulable", detail, "Import again when it does").about([id.clone()]));
    }
    let unknown =
        |candidate: &&Candidate| candidate.node.flops_per_s.is_none() && candidate.node.device_class.is_none();
    let ids = nodes.candidates().iter().filter(unknown).map(|candidate| candidate.node.id.clone());
    let action =
        "Give the annotation cutpoint/device-class (and measured times in the profile) or cutpoint/flops-per-s";
    warn(warnings, "compute_unknown", "nothing says how fast these nodes compute", action, ids.collect());
}

/// Warns of pairs that nobody measured, that share a channel without a name, and of what measurements
/// do not say.
pub(super) fn of_links(nodes: &Nodes, links: &Links, media: &Media, warnings: &mut Vec<Warning>) {
    let strangers = links.strangers.iter().map(|(address, file)| format!("{address} ({file})")).collect();
    let action = "Say whose they are: --address NODE=ADDRESS. What they measured was left out";
    warn(warnings, "unknown_address", "no node has these addresses", action, strangers);
    let name = |from: usize, to: usize| format!("{} -> {}", nodes.id(from), nodes.id(to));
    let all = (0..nodes.len()).flat_map(|from| (0..nodes.len()).map(move |to| (from, to)));
    let unmeasured = all.filter(|&(from, to)| from != to && links.pair(from, to).is_none());
    let few = unmeasured.take(MAX_LISTED + 1).map(|(from, to)| name(from, to)).collect();
    let pairs_of_nodes = nodes.len() * (nodes.len() - 1);
    let detail =
        format!("nobody measured {} of {pairs_of_nodes} directed pairs", pairs_of_nodes - links.pairs().count());
    let action = "Measure them: tools/all_pairs_iperf3.py. No stage sends to another over a pair that is not listed";
    warn(warnings, "pairs_unmeasured", &detail, action, few);
    let pairs = || links.pairs().map(|(ends, _)| ends);
    let without_latency = pairs().filter(|&(from, to)| links.latency_s(from, to).is_none());
    let action = "Nothing, if delay does not matter; else measure over TCP from the sending end";
    let names = without_latency.map(|(from, to)| name(from, to)).collect();
    warn(
        warnings,
        "latency_unknown",
        "nobody measured a round trip of these links: their latency counts as 0",
        action,
        names,
    );
    let both_alone = links.pairs().filter(|(_, pair)| pair.one_way.is_empty() && !pair.both_ways.is_empty());
    let names = both_alone.map(|((from, to), _)| name(from, to)).collect();
    let action = "Measure each direction alone too: what they carry alone may be more";
    warn(
        warnings,
        "both_ways_only",
        "these links were measured only while both directions were sending",
        action,
        names,
    );
    let is_wireless = |node: usize| nodes.candidates()[node].is_wireless;
    let unnamed = pairs().filter(|&(from, to)| (is_wireless(from) || is_wireless(to)) && media.of(from, to).is_none());
    let names = unnamed.map(|(from, to)| name(from, to)).collect();
    let action =
        "Name the channel and all nodes on it: --medium NAME=id,id. Without it each link counts as undisturbed";
    warn(
        warnings,
        "wireless_without_medium",
        "these links are wireless, and nothing says what shares their channel",
        action,
        names,
    );
}

/// Adds a warning about a list, unless the list is empty.
fn warn(warnings: &mut Vec<Warning>, code: &'static str, detail: &str, action: &str, mut about: Vec<String>) {
    if about.is_empty() {
        return;
    }
    if about.len() > MAX_LISTED {
        about.truncate(MAX_LISTED);
        about.push("…".to_owned());
    }
    warnings.push(Warning::new(code, detail, action).about(about));
}
