//! The controller that closes the gap between a proven bound and the best known value.
//!
//! It does not depend on models or nodes. It asks an [`Oracle`] for decisions at limits on a
//! [`Scale`]. Each objective has its own oracle in `goals`.

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
