//! Models: immutable profiles, known again by content hash.

use jiff::Timestamp;

use super::{Idempotency, Listed, Page, Registered, Store, StoreError};
use crate::domain::id::Id;
use crate::domain::model::ModelProfile;

/// A profile as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDocument {
    /// Its name.
    pub name: String,
    /// SHA-256 of the document.
    pub content_hash: String,
    /// The JSON text.
    pub document: String,
    /// Figures for lists.
    pub statistics: ModelStatistics,
}

impl ModelDocument {
    /// Writes a profile down, once, outside of any transaction.
    pub fn new(profile: &ModelProfile) -> Self {
        todo!()
    }
}

/// Figures of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelStatistics {
    /// Layers.
    pub layers: u64,
    /// Edges between layers.
    pub edges: u64,
    /// Inner cut points under policy `any`.
    pub cut_points: u64,
    /// Inner cut points under policy `single_tensor`.
    pub single_tensor_cut_points: u64,
    /// Bytes of all parameters.
    pub param_bytes: u64,
    /// Operations of all layers for one input.
    pub flops: u64,
    /// Bytes of the model's inputs.
    pub input_bytes: u64,
    /// Bytes of the model's outputs.
    pub output_bytes: u64,
}

/// A registered model without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// SHA-256 of the document.
    pub content_hash: String,
    /// Its figures.
    pub statistics: ModelStatistics,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Store {
    /// Registers a model, or finds the row that has the same content.
    pub async fn register_model(
        &self,
        model: ModelDocument,
        idempotency: Option<Idempotency>,
    ) -> Result<Registered<Model>, StoreError> {
        todo!()
    }

    /// A model without its document.
    pub async fn model(&self, id: &Id) -> Result<Model, StoreError> {
        todo!()
    }

    /// A model's document, as JSON text.
    pub async fn model_document(&self, id: &Id) -> Result<String, StoreError> {
        todo!()
    }

    /// Models by creation.
    pub async fn models(&self, page: Page) -> Result<Listed<Model>, StoreError> {
        todo!()
    }

    /// Deletes a model that no job and no placement refers to ([`StoreError::InUse`] otherwise).
    pub async fn delete_model(&self, id: &Id) -> Result<(), StoreError> {
        todo!()
    }
}
