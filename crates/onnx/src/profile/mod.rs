//! From the flat model to a model profile and a report of where its figures come from.

mod build;
mod constants;
mod document;
mod finish;
mod ids;
mod live;
mod report;

pub(crate) use build::profile_of;
pub use document::{Document, Edge, Group, Layer};
pub use report::{InputReport, OperatorReport, Report, TensorReport};

/// A model profile and where its figures come from.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Profile {
    /// The profile, as the service reads it.
    pub document: Document,
    /// Where its figures come from, and what was left out.
    pub report: Report,
}
