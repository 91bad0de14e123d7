//! Proven lower bounds of all placements: by walks, on a grid of positions, or from work and memory
//! alone.

mod every_cut;
mod grid;
pub mod size;
pub mod some_cuts;
mod walks;

pub use self::every_cut::EveryCut;
pub use self::grid::GridBounds;
pub use self::walks::Walks;

use self::size::{affordable_cuts, is_large};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Lower bounds of all placements of an instance.
pub trait Bounds {
    /// Returns a period, in seconds, that no placement is below. It is infinite if no placement
    /// exists.
    ///
    /// Fails with [`Stopped`] if `stop` returns `true`.
    fn least_period(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped>;

    /// Returns a latency, in seconds, that no placement is below.
    ///
    /// Fails with [`Stopped`] if `stop` returns `true`.
    fn least_latency(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped>;
}

/// Returns bounds that hold for all cuts of an instance. They are computed on a grid if there are
/// many cuts.
pub fn of(instance: &Instance) -> Box<dyn Bounds + '_> {
    if !instance.cuts.are_all() {
        Box::new(EveryCut::new(instance))
    } else if is_large(instance) {
        Box::new(GridBounds::new(instance, &some_cuts::spread(instance, affordable_cuts(instance))))
    } else {
        Box::new(Walks(instance))
    }
}
