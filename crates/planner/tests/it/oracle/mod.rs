//! Oracles for the planners: random small requests, their exact optimum by brute force, and by a dense dynamic
//! program for somewhat larger ones. None of it shares code with `planner`; the brute force asks the checker whether
//! a placement is valid.

mod brute;
mod carriers;
mod claims;
mod cuts;
mod dense;
mod every;
pub mod graph_changes;
mod graphs;
mod instance;
mod networks;
mod packings;
mod shape;
mod tableau;

pub use brute::brute_force;
pub use claims::{
    Heard, StopAfter, assert_choice_true, assert_document_true, assert_true_of_all_cuts, objective, planned, planned_in,
};
pub use cuts::EveryCut;
pub use dense::{dense_dp, dense_front, dense_least_bytes};
pub use every::{brute_front, brute_least_bytes, brute_quickest, brute_replan};
pub use graphs::{random_graph_document, random_graph_request};
pub use instance::{Kind, Size, random_document, random_request};
pub use networks::{random_network_document, random_network_request};
pub use packings::{BestPacking, LeastShipped, ROUNDING as PACKING_ROUNDING};

use cutpoint_planner::check::StageProposal;

/// The exact answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum OracleAnswer {
    /// No placement exists.
    Infeasible,
    /// The best placement.
    Optimal(Optimum),
}

/// A best placement: with `max_throughput` the smallest latency among the smallest periods; with `min_latency` and
/// `min_nodes` any that is best.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// Seconds, a number of nodes, or with a base the bytes that are shipped.
    pub objective: f64,
    /// Bit for bit as the law's formulas give it.
    pub period_s: f64,
    /// Summed from source to sink.
    pub latency_s: f64,
    /// A placement that attains it.
    pub stages: Vec<StageProposal>,
}

impl OracleAnswer {
    /// The optimum, if any.
    pub fn optimum(&self) -> Option<&Optimum> {
        match self {
            Self::Infeasible => None,
            Self::Optimal(optimum) => Some(optimum),
        }
    }
}
