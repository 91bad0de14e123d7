//! The results of the instances, one row for each, and their form as comma-separated values.

use std::io;

use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::placement::{Status, Termination};
use cutpoint_planner::domain::request::PlanRequest;
use serde::Serialize;

use super::generator::Key;
use crate::experiment::Run;

/// An instance and its answer.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) family: String,
    pub(super) nodes: usize,
    pub(super) number: usize,
    pub(super) model: String,
    /// The number of cuts that the search considered; none without a placement.
    pub(super) cuts: Option<u64>,
    pub(super) algorithm: Algorithm,
    pub(super) status: Status,
    pub(super) termination: Termination,
    pub(super) stages: usize,
    pub(super) period_s: Option<f64>,
    pub(super) least_period_s: Option<f64>,
    pub(super) latency_s: Option<f64>,
    pub(super) lower_bound_s: Option<f64>,
    pub(super) gap: Option<f64>,
    pub(super) solve_s: f64,
}

impl Row {
    pub(super) fn new(key: Key, request: &PlanRequest, run: &Run) -> Self {
        Self {
            family: key.family.name(),
            nodes: key.nodes,
            number: key.number,
            model: request.model.name.clone(),
            cuts: run.cuts.map(|cuts| cuts.considered),
            algorithm: run.algorithm,
            status: run.status,
            termination: run.termination,
            stages: run.stages,
            period_s: run.period_s,
            least_period_s: run.least_period_s,
            latency_s: run.latency_s,
            lower_bound_s: run.lower_bound_s,
            gap: run.gap,
            solve_s: run.solve_s,
        }
    }

    /// Returns `true` if the answer is proven.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.status, Status::Optimal | Status::Infeasible)
    }

    /// Returns `true` if the instance needed a search: it has several stages, or nothing was found
    /// and nothing proven.
    pub(super) fn is_work(&self) -> bool {
        self.stages > 1 || self.status == Status::Unknown
    }
}

/// Writes a heading and all rows.
pub(super) fn write(rows: &[Row], to: impl io::Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    writer.flush()?;
    Ok(())
}
