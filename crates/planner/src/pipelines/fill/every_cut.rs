//! Bounds for all cuts of a model of which the search considers some.

use super::grouped::{self, Grouped};
use super::{INSTANT_PER_S, MOST_CELLS, MOST_COUNTS, limits};
use crate::coarse::relaxation;
use crate::cost::ROUNDING;
use crate::domain::options::Objective;
use crate::env::{Env, NoProgress};
use crate::goals;
use crate::incumbent::Incumbent;
use crate::instance::most_sets;
use crate::pipelines::Packings;
use crate::pipelines::left::Left;
use crate::stopped::Stopped;

/// The most closed cuts.
const MOST_CLOSED: usize = 2_500;

/// Records what a relaxation with few cuts proves for all of them: how fast one pipeline can be, and how much groups of hosts make
/// together.
pub fn prove(packings: &Packings<'_>, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
    let Some(left) = Left::by(packings, &[]) else { return Ok(()) };
    let tables = MOST_COUNTS.min(grouped::counts_of(&left.instance)) * left.instance.groups.len();
    let most = MOST_CLOSED.min(most_sets(left.instance.hosts.len())).min(MOST_CELLS / tables);
    let Some(relaxed) = relaxation(&left.request, packings.instance, most, stop)? else { return Ok(()) };
    let env = Env { progress: &NoProgress, threads: 1, ..*packings.env };
    let single = Incumbent::relaxed(&left.request, &relaxed, &env);
    goals::search(&single);
    let least_s = single.bound() * (1.0 - ROUNDING);
    if least_s > 0.0 {
        packings.prove_most(packings.most_pipelines() as f64 / least_s);
    }
    let limits = limits(packings);
    let Some(Grouped { rate_per_s, nodes, .. }) = grouped::best(&relaxed, &limits, least_s, stop)? else {
        return Ok(());
    };
    match packings.instance.objective {
        Objective::MinNodes { .. }
            if rate_per_s * (1.0 + ROUNDING) >= packings.needed_rate_per_s().min(INSTANT_PER_S) =>
        {
            packings.prove_fewest_nodes(nodes);
        }
        Objective::MinNodes { .. } => packings.prove_fewest_nodes(usize::MAX),
        _ => packings.prove_most(rate_per_s * (1.0 + ROUNDING)),
    }
    Ok(())
}
