//! The results on one channel, one row for each instance, and their form as comma-separated values.

use std::io;

use cutpoint_planner::domain::placement::Status;
use serde::Serialize;

use crate::experiment::Cell;

/// An instance with undisturbed links and on one channel.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) cluster: usize,
    pub(crate) undisturbed_status: Status,
    pub(crate) undisturbed_stages: usize,
    pub(crate) undisturbed_s: Option<f64>,
    pub(crate) undisturbed_solve_s: f64,
    /// The period on one channel of the placement for undisturbed links.
    pub(crate) really_s: Option<f64>,
    pub(crate) status: Status,
    pub(crate) stages: usize,
    pub(crate) period_s: Option<f64>,
    pub(crate) lower_bound_s: Option<f64>,
    pub(crate) gap: Option<f64>,
    pub(crate) solve_s: f64,
}

impl Row {
    /// Returns `true` if the answer on one channel is proven.
    pub(crate) fn is_proven(&self) -> bool {
        matches!(self.status, Status::Optimal | Status::Infeasible)
    }

    /// Returns what the optimum for undisturbed links takes on one channel, divided by the optimum there. None where either
    /// is not proven, or where the model fits on one node.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let proven = self.undisturbed_status == Status::Optimal && self.status == Status::Optimal;
        let (really_s, period_s) = self.really_s.zip(self.period_s)?;
        (proven && period_s > 0.0).then(|| really_s / period_s)
    }

    /// Returns what that placement takes on one channel, divided by what it would take with undisturbed links.
    pub(crate) fn surprise(&self) -> Option<f64> {
        let (really_s, undisturbed_s) = self.really_s.zip(self.undisturbed_s)?;
        (self.ratio().is_some() && undisturbed_s > 0.0).then(|| really_s / undisturbed_s)
    }
}

/// A row as it is written.
#[derive(Serialize)]
struct Flat<'a> {
    model: &'a str,
    nodes: usize,
    memory_mib: u64,
    cluster: usize,
    undisturbed_status: Status,
    undisturbed_stages: usize,
    undisturbed_s: Option<f64>,
    undisturbed_solve_s: f64,
    really_s: Option<f64>,
    status: Status,
    stages: usize,
    period_s: Option<f64>,
    lower_bound_s: Option<f64>,
    gap: Option<f64>,
    solve_s: f64,
    ratio: Option<f64>,
}

/// Writes a heading and all rows.
pub(super) fn write(rows: &[Row], to: impl io::Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    for row in rows {
        writer.serialize(Flat {
            model: &row.cell.model,
            nodes: row.cell.nodes,
            memory_mib: row.cell.memory_mib,
            cluster: row.cluster,
            undisturbed_status: row.undisturbed_status,
            undisturbed_stages: row.undisturbed_stages,
            undisturbed_s: row.undisturbed_s,
            undisturbed_solve_s: row.undisturbed_solve_s,
            really_s: row.really_s,
            status: row.status,
            stages: row.stages,
            period_s: row.period_s,
            lower_bound_s: row.lower_bound_s,
            gap: row.gap,
            solve_s: row.solve_s,
            ratio: row.ratio(),
        })?;
    }
    writer.flush()?;
    Ok(())
}
