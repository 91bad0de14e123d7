//! From the flat model to a model profile and a report of where its figures come from.

mod build;
mod constants;
mod document;
mod finish;
mod ids;
mod live;
mod report;
mod warnings;

pub(crate) use build::profile_of;
pub use document::{Document, Edge, Group, Layer};
pub(crate) use live::Live;
pub use report::{InputReport, OperatorReport, Report, TensorReport};
pub use warnings::Warning;

/// What the layers of a profile stand for in the flat model.
pub(crate) struct Layout {
    /// What the outputs of the model depend on.
    pub(crate) live: Live,
    /// For each tensor, whether it is the same in every pass.
    pub(crate) constant: Vec<bool>,
    /// For each tensor, the layer that makes it.
    pub(crate) layer_of: Vec<Option<usize>>,
    /// For each layer, its tensor; that of a layer which delivers an output as well.
    pub(crate) tensor_of: Vec<usize>,
}

/// A model profile and where its figures come from.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Profile {
    /// The profile, as the service reads it.
    pub document: Document,
    /// Where its figures come from, and what was left out.
    pub report: Report,
}
