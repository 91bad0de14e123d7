//! The one controller that closes the gap between a proven bound and the best known value.
//!
//! It knows neither models nor nodes: it asks an [`Oracle`] for decisions at limits on a
//! [`Scale`]. Each objective is an oracle of its own in `goals`.

pub mod bisect;
pub mod controller;
pub mod effort;
pub mod oracle;
pub mod scale;

pub use self::controller::{close, close_after_first, narrow};
pub use self::effort::{Effort, Pace};
pub use self::oracle::{Gap, Oracle};
pub use self::scale::Scale;

#[cfg(test)]
mod tests;
