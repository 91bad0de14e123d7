//! Packings that ship little and are known without a search.

use std::collections::BTreeMap;

use super::super::classes::Classes;
use super::matching::cheapest_matching;
use crate::cost::{Assignment, score};
use crate::index::{Host, Position};
use crate::pipelines::Packings;
use crate::resource_constrained::shipping::Shipping;

/// Chooses the best of the packings that are known without a search. Returns the pipelines of the base that are still valid.
pub fn choose_known(packings: &Packings<'_>, shipping: &Shipping) -> Vec<Assignment> {
    let kept = kept_pipelines(packings);
    let Some(best) = packings.best() else { return kept };
    let best: Vec<Assignment> = best.pipelines.into_iter().map(|it| it.assignment).collect();
    let matched = on_hosts_that_hold_most(packings, shipping, &best).unwrap_or_else(|| best.clone());
    let most = packings.most_pipelines();
    for (first, second) in [(&kept, &matched), (&matched, &kept), (&best, &kept)] {
        packings.choose(first.clone());
        packings.choose(beside(first, second, most));
    }
    kept
}

/// Returns pipelines, and those of others that share no host with them, at most so many in all.
fn beside(first: &[Assignment], second: &[Assignment], most: usize) -> Vec<Assignment> {
    let mut all = first.to_vec();
    let mut used: Vec<Host> = all.iter().flat_map(Assignment::hosts).collect();
    for other in second {
        let hosts = other.hosts();
        if all.len() < most && hosts.iter().all(|host| !used.contains(host)) {
            used.extend(hosts);
            all.push(other.clone());
        }
    }
    all
}

/// Returns the pipelines of the base that the request still allows, without those on a host of an earlier one.
fn kept_pipelines(packings: &Packings<'_>) -> Vec<Assignment> {
    let (request, instance) = (packings.request, packings.instance);
    let Some(base) = &request.options.base else { return Vec::new() };
    let model = &request.model;
    let host_of: BTreeMap<&str, Host> =
        instance.hosts.iter_indexed().map(|(host, &node)| (request.cluster.nodes[node].id.as_str(), host)).collect();
    // Of each stage its host, and all layers up to its end.
    let staged: Vec<Vec<(Host, Vec<usize>)>> = base
        .pipelines()
        .filter_map(|stages| {
            let mut layers: Vec<usize> = Vec::new();
            let staged = stages.iter().map(|stage| {
                let own = stage.layer_ids.iter().filter_map(|id| model.layer_index(id));
                layers.extend(own.filter(|&layer| !model.is_constant(layer)));
                layers.sort_unstable();
                Some((*host_of.get(stage.node_id.as_str())?, layers.clone()))
            });
            staged.collect()
        })
        .collect();
    let mut ends: BTreeMap<&[usize], Option<Position>> =
        staged.iter().flatten().map(|(_, layers)| (layers.as_slice(), None)).collect();
    for end in instance.inner_positions().chain([instance.last()]) {
        if let Some(found) = ends.get_mut(instance.cuts.layers_between(Position::FIRST, end).as_slice()) {
            *found = Some(end);
        }
    }
    let assigned = staged.iter().filter_map(|stages| {
        let stage = |(host, layers): &(Host, Vec<usize>)| Some((ends[layers.as_slice()]?, *host));
        let stages = stages.iter().map(stage).collect::<Option<Vec<_>>>()?;
        let ascends = stages.windows(2).all(|pair| pair[0].0 < pair[1].0);
        (ascends && stages.last()?.0 == instance.last()).then_some(Assignment { stages })
    });
    let fits = |(start, end, host): (Position, Position, Host)| instance.fits(instance.group_of[host], start, end);
    let is_valid = |it: &Assignment| {
        let mut hosts = it.hosts();
        hosts.sort_unstable();
        let is_disjoint = hosts.windows(2).all(|pair| pair[0] != pair[1]);
        is_disjoint && it.spans().all(fits) && score(instance, it).is_some()
    };
    let mut kept: Vec<Assignment> = assigned.filter(is_valid).collect();
    kept.sort_by_cached_key(|it| it.stages.len());
    beside(&[], &kept, packings.most_pipelines())
}

/// Returns pipelines with their stages on other hosts that nothing but what they hold distinguishes, so that they ship as
/// little as possible.
fn on_hosts_that_hold_most(
    packings: &Packings<'_>,
    shipping: &Shipping,
    pipelines: &[Assignment],
) -> Option<Vec<Assignment>> {
    let instance = packings.instance;
    let classes = Classes::new(instance, &|| false).ok()?;
    let mut moved = pipelines.to_vec();
    for members in classes.members.iter().filter(|members| members.len() > 1) {
        let class = classes.of_host[members[0]];
        let mut stages = Vec::new();
        let mut costs = Vec::new();
        for (pipeline, assignment) in pipelines.iter().enumerate() {
            for (stage, (start, end, host)) in assignment.spans().enumerate() {
                if classes.of_host[host] == class {
                    stages.push((pipeline, stage));
                    costs.push(members.iter().map(|&host| shipping.bytes(host, start, end)).collect());
                }
            }
        }
        for ((pipeline, stage), member) in stages.into_iter().zip(cheapest_matching(&costs)) {
            moved[pipeline].stages[stage].1 = members[member];
        }
    }
    Some(moved)
}
