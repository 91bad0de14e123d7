//! The results, one row for each instance, and their form as comma-separated values.

use std::io;

use cutpoint_planner::domain::placement::Status;
use serde::Serialize;

use crate::experiment::Cell;

/// How computing counts, and on which nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speeds {
    /// It costs nothing.
    Ignored,
    /// Nodes are of three speeds.
    Three,
    /// All nodes are equal, on a full mesh.
    Equal,
}

impl Speeds {
    pub(super) const ALL: [Self; 3] = [Self::Ignored, Self::Three, Self::Equal];

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Three => "three speeds",
            Self::Equal => "equal on a mesh",
        }
    }
}

/// An instance.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) cell: Cell,
    pub(super) cluster: usize,
    pub(super) speeds: Speeds,
    pub(super) status: Status,
    pub(super) pipelines: usize,
    pub(super) nodes_used: usize,
    /// The stages of the longest pipeline.
    pub(super) longest: usize,
    /// Whether a pipeline has a period of 0.
    pub(super) is_instant: bool,
    pub(super) value_per_s: Option<f64>,
    pub(super) bound_per_s: Option<f64>,
    pub(super) gap: Option<f64>,
    pub(super) solve_s: f64,
    pub(super) single_per_s: Option<f64>,
    pub(super) copies_per_s: Option<f64>,
    pub(super) greedy_per_s: Option<f64>,
}

impl Row {
    /// Returns `true` if there are pipelines with hops or compute, so that their rates can be compared.
    pub(super) fn is_compared(&self) -> bool {
        self.value_per_s.is_some()
    }

    /// Returns `true` if the answer is proven.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.status, Status::Optimal | Status::Infeasible)
    }

    /// Returns the sum of rates divided by another one.
    pub(super) fn gain_over(&self, other_per_s: Option<f64>) -> Option<f64> {
        Some(self.value_per_s? / other_per_s?)
    }
}

/// A row as it is written.
#[derive(Serialize)]
struct Flat<'a> {
    model: &'a str,
    nodes: usize,
    memory_mib: u64,
    cluster: usize,
    compute: Speeds,
    status: Status,
    pipelines: usize,
    nodes_used: usize,
    longest: usize,
    value_per_s: Option<f64>,
    bound_per_s: Option<f64>,
    gap: Option<f64>,
    solve_s: f64,
    single_per_s: Option<f64>,
    copies_per_s: Option<f64>,
    greedy_per_s: Option<f64>,
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
            compute: row.speeds,
            status: row.status,
            pipelines: row.pipelines,
            nodes_used: row.nodes_used,
            longest: row.longest,
            value_per_s: row.value_per_s,
            bound_per_s: row.bound_per_s,
            gap: row.gap,
            solve_s: row.solve_s,
            single_per_s: row.single_per_s,
            copies_per_s: row.copies_per_s,
            greedy_per_s: row.greedy_per_s,
        })?;
    }
    writer.flush()?;
    Ok(())
}
