//! Selections of the results, as samples.

use cutpoint_planner::domain::options::Algorithm;

use super::experiment::{Cell, Design, Instance, Kind};
use super::statistics::Sample;

/// The results of an experiment.
pub(super) struct Results<'a> {
    pub(super) design: &'a Design,
    pub(super) instances: Vec<Instance>,
}

impl Results<'_> {
    /// Returns the instances of a kind.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Instance> + Clone {
        self.instances.iter().filter(move |instance| instance.kind() == kind)
    }

    /// Returns the cells that have an instance of a kind, in order.
    pub(super) fn cells_of_kind(&self, kind: Kind) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = self.of_kind(kind).map(|instance| &instance.cell).collect();
        cells.sort();
        cells.dedup();
        cells
    }

    /// Returns the numbers of nodes of the design.
    pub(super) fn nodes(&self) -> &[usize] {
        &self.design.nodes
    }
}

/// Returns an algorithm's name, as in requests.
pub(super) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Auto => "auto",
        Algorithm::Exact => "exact",
        Algorithm::Kpath => "kpath",
        Algorithm::Greedy => "greedy",
        Algorithm::Random => "random",
    }
}

/// Returns the period / optimum of an algorithm for the compared instances for which it found a
/// placement.
pub(super) fn ratios<'i>(instances: impl Iterator<Item = &'i Instance>, algorithm: Algorithm) -> Sample {
    instances.filter_map(|instance| instance.ratio(algorithm)).collect()
}

/// Returns the periods of an algorithm in seconds for the instances for which it found a placement.
pub(super) fn periods_s<'i>(instances: impl Iterator<Item = &'i Instance>, algorithm: Algorithm) -> Sample {
    instances.filter_map(|instance| instance.run(algorithm).period_s).collect()
}

/// Returns the solve times of an algorithm in seconds.
pub(super) fn solve_s<'i>(instances: impl Iterator<Item = &'i Instance>, algorithm: Algorithm) -> Sample {
    instances.map(|instance| instance.run(algorithm).solve_s).collect()
}

/// Returns the period of one algorithm / that of another for the compared instances for which both
/// found a placement.
pub(super) fn head_to_head<'i>(
    instances: impl Iterator<Item = &'i Instance>,
    algorithm: Algorithm,
    other: Algorithm,
) -> Sample {
    let quotient = |instance: &Instance| Some(instance.ratio(algorithm)? / instance.ratio(other)?);
    instances.filter_map(quotient).collect()
}

/// Returns the proven optimum / the bound of the walk relaxation, which is the bound in the answers
/// of baselines.
pub(super) fn optimum_over_bound<'i>(instances: impl Iterator<Item = &'i Instance>) -> Sample {
    let quotient = |instance: &Instance| {
        let bound_s = instance.run(Algorithm::Kpath).lower_bound_s.filter(|&bound_s| bound_s > 0.0)?;
        Some(instance.run(Algorithm::Exact).period_s? / bound_s)
    };
    instances.filter_map(quotient).collect()
}
