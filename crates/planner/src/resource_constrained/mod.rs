//! Decisions for everything that is not a plain least period: latencies, numbers of nodes, nodes that do one thing at a
//! time, limits of latency.
//!
//! Labels carry the resources that a partial walk has consumed. They are extended stage by stage, pruned by dominance and
//! by completion bounds of the walk relaxation. They remember visited hosts; memories grow along cycles. Efforts are
//! counted in labels, never in seconds. Each file names its source.

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
pub mod resources;
pub mod shipping;
pub mod steps;

pub use self::decide::Tables;
pub use self::label_search::BYTES_PER_LABEL;
pub use self::limits::{Goal, Limits};
