//! One pipeline after the other, each the best on the nodes that are left.

use super::left::Left;
use super::packings::Packings;
use crate::cost::Assignment;
use crate::env::{Env, NoProgress};
use crate::goals;
use crate::incumbent::Incumbent;
use crate::index::Host;

/// Offers one, two, three and more pipelines, each the best single one on the hosts that the others leave, as long as each
/// makes the packing better. Returns seconds that the period of no pipeline is below.
pub fn search(packings: &Packings<'_>) -> f64 {
    let mut pipelines: Vec<Assignment> = Vec::new();
    let (mut sum_per_s, mut least_s) = (0.0, 0.0);
    while pipelines.len() < packings.most_pipelines() && !packings.must_end() {
        let Some((next, bound_s)) = best_single(packings, &pipelines) else { break };
        if pipelines.is_empty() {
            least_s = bound_s;
            packings.prove_most(packings.most_pipelines() as f64 / bound_s);
        }
        pipelines.push(next);
        packings.offer(pipelines.clone());
        let Some(packing) = packings.packing_of_any_sum(pipelines.clone()) else { break };
        if packing.rate_per_s <= sum_per_s || packing.rate_per_s.is_infinite() {
            break;
        }
        sum_per_s = packing.rate_per_s;
    }
    least_s
}

/// Returns the best pipeline on hosts that no other uses, or the best that was found until the search was stopped, and seconds
/// that the period of none is below.
fn best_single(packings: &Packings<'_>, others: &[Assignment]) -> Option<(Assignment, f64)> {
    let left = Left::by(packings, &others.iter().flat_map(Assignment::hosts).collect::<Vec<Host>>())?;
    // On one thread, so that what is found does not depend on their number.
    let env = Env { progress: &NoProgress, threads: 1, ..*packings.env };
    let incumbent = Incumbent::new(&left.request, &left.instance, &env);
    goals::search(&incumbent);
    Some((left.in_whole(&incumbent.best()?)?, incumbent.claimed_bound()))
}
