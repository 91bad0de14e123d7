//! The results of the orders, one row for each, and their form as comma-separated values.

use std::io;
use std::sync::Arc;

use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::CutPolicy;
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::{CutCount, cut_count};
use serde::Serialize;

use super::Network;
use crate::experiment::Run;

/// An order of a model's file.
pub(super) struct Order {
    pub(super) model: Arc<ModelProfile>,
    cuts: String,
    shuffle: usize,
}

impl Order {
    pub(super) fn new(model: Arc<ModelProfile>, shuffle: usize) -> Self {
        let cuts = match cut_count(&model, CutPolicy::Any) {
            CutCount::Exactly(count) => count.to_string(),
            CutCount::MoreThan(count) => format!("more than {count}"),
        };
        Self { model, cuts, shuffle }
    }
}

/// An order of a model on a cluster, and its answer.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) model: String,
    pub(super) layers: usize,
    /// A number, or `more than` followed by a number.
    pub(super) cuts: String,
    /// The number of cuts that the search considered; none without a placement.
    pub(super) considered: Option<u64>,
    pub(super) nodes: usize,
    pub(super) network: Network,
    /// The number of the shuffle; 0 for the file as it is.
    pub(super) shuffle: usize,
    pub(super) status: Status,
    pub(super) period_s: Option<f64>,
    pub(super) lower_bound_s: Option<f64>,
    pub(super) gap: Option<f64>,
    pub(super) solve_s: f64,
}

impl Row {
    pub(super) fn new(order: &Order, nodes: usize, network: Network, run: &Run) -> Self {
        let Order { model, cuts, shuffle } = order;
        Self {
            model: model.name.clone(),
            layers: model.layers.len(),
            cuts: cuts.clone(),
            considered: run.cuts.map(|cuts| cuts.considered),
            nodes,
            network,
            shuffle: *shuffle,
            status: run.status,
            period_s: run.period_s,
            lower_bound_s: run.lower_bound_s,
            gap: run.gap,
            solve_s: run.solve_s,
        }
    }

    /// Returns `true` if the answer is proven.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.status, Status::Optimal | Status::Infeasible)
    }

    /// Returns the number of nodes and the network, which identify the cluster.
    pub(super) fn cluster(&self) -> (usize, Network) {
        (self.nodes, self.network)
    }
}

/// Writes a heading and all rows.
pub(super) fn write(rows: &[Row], to: impl io::Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    writer.flush()?;
    Ok(())
}
