//! Several pipelines on one cluster: each on nodes of its own, the sum of their rates as large as possible, or large
//! enough on the fewest nodes.
//!
//! # What the parts do
//!
//! - [`Packings`] keeps the best packing and what is proven. A search offers pipelines to it, without rates, and tells it
//!   what it proves. Every packing that is offered gets its best rates, is written as a document and passes the checker.
//! - [`search`] is the search. It ends by itself when [`Packings::must_end`] says so or when it has nothing more to try.
//! - [`replan`] looks for a packing that ships fewer bytes from a base, after the search.
//! - [`rates`] gives the best rates of given pipelines, and [`shared_loads`] what their rates share.
//!
//! # What a search may count on
//!
//! The instance of a request for several pipelines has no largest period: the target of `min_nodes` is
//! [`Packings::needed_rate_per_s`] and holds for the sum. `most_stages` is the limit of one pipeline, within `max_stages`
//! and `max_nodes`. The shared media of the instance are those that transfers of one or of several pipelines may use at
//! once. Costs of a pipeline alone are [`costs`](crate::cost::costs). [`score`](crate::cost::score) says whether one
//! alone keeps to all limits.

mod fill;
mod greedy;
mod left;
mod packings;
mod plan;
pub mod rates;
mod replanned;
pub mod shared_loads;
mod written;

pub use self::fill::Worth;
pub use self::packings::Packings;
pub use self::plan::plan;

/// Searches for pipelines and proves how good they can be, until [`Packings::must_end`] returns `true` or nothing is left
/// to try.
pub fn search(packings: &Packings<'_>) {
    fill::search(packings);
    if packings.best().is_none() {
        greedy::search(packings);
    }
}

/// Looks for a packing that ships fewer bytes from the base, within the largest period that the request allows. Does nothing
/// without a base or without a packing.
pub fn replan(packings: &Packings<'_>) {
    fill::replan(packings);
}
