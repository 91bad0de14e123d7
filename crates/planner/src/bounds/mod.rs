//! Proven lower bounds of all placements: by walks, over a grid of positions, or from work and memory alone.

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
    /// No placement has a smaller period. Infinite where it is proven that no placement exists.
    fn least_period(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped>;

    /// No placement has a smaller latency.
    fn least_latency(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped>;
}

/// Bounds for all cuts of an instance, over a grid where there are many.
pub fn of(instance: &Instance) -> Box<dyn Bounds + '_> {
    if !instance.cuts.are_all() {
        Box::new(EveryCut::new(instance))
    } else if is_large(instance) {
        Box::new(GridBounds::new(instance, &some_cuts::spread(instance, affordable_cuts(instance))))
    } else {
        Box::new(Walks(instance))
    }
}
