//! One pipeline after the other, each the best on the nodes that are left.

use super::packings::Packings;
use crate::cost::Assignment;
use crate::domain::options::Objective;
use crate::env::{Env, NoProgress};
use crate::goals;
use crate::incumbent::Incumbent;
use crate::index::Host;
use crate::instance::Instance;

/// Offers one, two, three and more pipelines, each the best single one on the hosts that the others leave, as long as each
/// makes the packing better.
pub fn search(packings: &Packings<'_>) {
    let mut pipelines: Vec<Assignment> = Vec::new();
    let mut sum_per_s = 0.0;
    while pipelines.len() < packings.most_pipelines() && !packings.must_end() {
        let Some(next) = best_single(packings, &pipelines) else { return };
        pipelines.push(next);
        packings.offer(pipelines.clone());
        let Some(packing) = packings.packing_of_any_sum(pipelines.clone()) else { return };
        if packing.rate_per_s <= sum_per_s || packing.rate_per_s.is_infinite() {
            return;
        }
        sum_per_s = packing.rate_per_s;
    }
}

/// Returns the best pipeline on hosts that no other uses, or the best that was found until the search was stopped.
fn best_single(packings: &Packings<'_>, others: &[Assignment]) -> Option<Assignment> {
    let whole = packings.instance;
    let used: Vec<Host> = others.iter().flat_map(Assignment::hosts).collect();
    let mut request = packings.request.clone();
    let options = &mut request.options;
    options.pipelines = None;
    options.objective = Objective::MaxThroughput;
    options.constraints.max_nodes = Some((packings.most_hosts().saturating_sub(used.len())) as u64);
    let node_id = |&host: &Host| request.cluster.nodes[whole.hosts[host]].id.clone();
    options.constraints.exclude_nodes.extend(used.iter().map(node_id));
    let stop = || packings.env.stop.reason().is_some();
    let left = Instance::between(&request, whole.cuts.clone(), &stop).ok()?;
    if left.hosts.is_empty() || left.most_stages == 0 {
        return None;
    }
    // On one thread, so that what is found does not depend on their number.
    let env = Env { progress: &NoProgress, threads: 1, ..*packings.env };
    let incumbent = Incumbent::new(&request, &left, &env);
    goals::search(&incumbent);
    if others.is_empty() {
        // No pipeline has a smaller period, so that this many have at most this sum of rates.
        packings.prove_most(packings.most_pipelines() as f64 / incumbent.claimed_bound());
    }
    let found = incumbent.best()?;
    let in_whole = |node: usize| whole.hosts.iter_indexed().find(|&(_, &other)| other == node).map(|(host, _)| host);
    let stages = found.stages.iter().map(|&(end, host)| Some((end, in_whole(left.hosts[host])?)));
    stages.collect::<Option<Vec<_>>>().map(|stages| Assignment { stages })
}
