//! Selections of what was run, as samples.

use cutpoint_planner::domain::options::Algorithm;

use super::experiment::{Cell, Design, Instance, Kind};
use super::statistics::Sample;

/// Everything that was run.
pub(super) struct Results<'a> {
    pub(super) design: &'a Design,
    pub(super) instances: Vec<Instance>,
}

impl Results<'_> {
    /// The instances of a kind.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Instance> + Clone {
        self.instances.iter().filter(move |instance| instance.kind() == kind)
    }

    /// The cells with an instance of a kind, in order.
    pub(super) fn cells_of_kind(&self, kind: Kind) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = self.of_kind(kind).map(|instance| &instance.cell).collect();
        cells.sort();
        cells.dedup();
        cells
    }

    /// The numbers of nodes that were run.
    pub(super) fn nodes(&self) -> &[usize] {
        &self.design.nodes
    }
}

/// An algorithm's name, as everywhere.
pub(super) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Auto => "auto",
        Algorithm::Exact => "exact",
        Algorithm::Kpath => "kpath",
        Algorithm::Greedy => "greedy",
        Algorithm::Random => "random",
    }
}

/// Period / optimum of an algorithm, where it found a placement.
pub(super) fn ratios<'i>(instances: impl Iterator<Item = &'i Instance>, algorithm: Algorithm) -> Sample {
    instances.filter_map(|instance| instance.ratio(algorithm)).collect()
}

/// Periods of an algorithm in seconds, where it found a placement.
pub(super) fn periods_s<'i>(instances: impl Iterator<Item = &'i Instance>, algorithm: Algorithm) -> Sample {
    instances.filter_map(|instance| instance.run(algorithm).period_s).collect()
}

/// Solve times of an algorithm in seconds.
pub(super) fn solve_s<'i>(instances: impl Iterator<Item = &'i Instance>, algorithm: Algorithm) -> Sample {
    instances.map(|instance| instance.run(algorithm).solve_s).collect()
}

/// The period of one algorithm / that of another, on instances where both found a placement with a hop.
pub(super) fn head_to_head<'i>(
    instances: impl Iterator<Item = &'i Instance>,
    algorithm: Algorithm,
    other: Algorithm,
) -> Sample {
    let quotient = |instance: &Instance| Some(instance.ratio(algorithm)? / instance.ratio(other)?);
    instances.filter_map(quotient).collect()
}

/// The proven optimum / what the walk relaxation alone proves, which is the bound that a baseline's answer carries.
pub(super) fn optimum_over_bound<'i>(instances: impl Iterator<Item = &'i Instance>) -> Sample {
    let quotient = |instance: &Instance| {
        let bound_s = instance.run(Algorithm::Kpath).lower_bound_s.filter(|&bound_s| bound_s > 0.0)?;
        Some(instance.run(Algorithm::Exact).period_s? / bound_s)
    };
    instances.filter_map(quotient).collect()
}
