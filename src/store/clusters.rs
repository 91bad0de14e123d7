//! Clusters: inventories whose revisions are immutable; a change makes a new revision.

use jiff::Timestamp;

use super::{Idempotency, Listed, Page, Registered, Store, StoreError};
use crate::domain::cluster::ClusterInventory;
use crate::domain::id::Id;

/// An inventory as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDocument {
    /// Its name.
    pub name: String,
    /// SHA-256 of the document.
    pub content_hash: String,
    /// The JSON text.
    pub document: String,
    /// How many nodes it lists.
    pub nodes: u64,
    /// How many links it lists.
    pub links: u64,
}

impl ClusterDocument {
    /// Writes an inventory down, once, outside of any transaction.
    pub fn new(inventory: &ClusterInventory) -> Self {
        todo!()
    }
}

/// One revision of a cluster, without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its id.
    pub id: Id,
    /// The revision, from 1.
    pub revision: u64,
    /// The revision's name.
    pub name: String,
    /// SHA-256 of the revision's document.
    pub content_hash: String,
    /// How many nodes the revision lists.
    pub nodes: u64,
    /// How many links the revision lists.
    pub links: u64,
    /// When the cluster was registered.
    pub created_at: Timestamp,
    /// When this revision was made.
    pub revised_at: Timestamp,
}

impl Store {
    /// Registers a cluster at revision 1, always a new one.
    pub async fn register_cluster(
        &self,
        cluster: ClusterDocument,
        idempotency: Option<Idempotency>,
    ) -> Result<Registered<Cluster>, StoreError> {
        todo!()
    }

    /// Makes a new revision of a cluster that is at `expected_revision` ([`StoreError::RevisionChanged`] otherwise).
    pub async fn replace_cluster(
        &self,
        id: &Id,
        expected_revision: u64,
        cluster: ClusterDocument,
    ) -> Result<Cluster, StoreError> {
        todo!()
    }

    /// A revision of a cluster, without its document; `None` for the newest.
    pub async fn cluster(&self, id: &Id, revision: Option<u64>) -> Result<Cluster, StoreError> {
        todo!()
    }

    /// A revision of a cluster with its document as JSON text; `None` for the newest.
    pub async fn cluster_document(&self, id: &Id, revision: Option<u64>) -> Result<(Cluster, String), StoreError> {
        todo!()
    }

    /// The newest revisions of all clusters, by the clusters' creation.
    pub async fn clusters(&self, page: Page) -> Result<Listed<Cluster>, StoreError> {
        todo!()
    }

    /// Deletes a cluster with its revisions, if no job and no placement refers to it ([`StoreError::InUse`] otherwise).
    pub async fn delete_cluster(&self, id: &Id) -> Result<(), StoreError> {
        todo!()
    }
}
