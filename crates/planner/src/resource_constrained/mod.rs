//! Decisions for all problems but the plain least period: latency, number of nodes, shipped bytes,
//! limits of latency, and overlap `none`.
//!
//! Labels carry the resources that a partial walk has consumed. They are extended stage by stage.
//! Dominance and the completion bounds of the walk relaxation prune them. Labels remember visited
//! hosts, and these memories grow along cycles. Efforts are counted in labels, not in seconds. Each
//! file names its source.

pub mod anneal;
pub mod beam;
pub mod best_two;
pub mod capacity;
pub mod completion_bounds;
pub mod decide;
pub mod extensions;
pub mod label;
pub mod label_search;
pub mod limits;
pub mod loads;
pub mod medium_prices;
pub mod occupations;
pub mod resources;
pub mod shipping;
pub mod steps;

pub use self::decide::{Sums, Tables};
pub use self::label_search::BYTES_PER_LABEL;
pub use self::limits::{Goal, Limits};
pub use self::medium_prices::MediumPrices;
