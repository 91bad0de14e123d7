//! Clusters as clients see them.

use cutpoint_planner::domain::cluster::ClusterInventory;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::Id;
use crate::store;

/// A revision of a cluster without its inventory.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClusterSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// The revision, from 1.
    #[schema(minimum = 1)]
    pub revision: u64,
    /// Its name.
    pub name: String,
    /// SHA-256 of the inventory, hexadecimal.
    pub content_hash: String,
    /// How many nodes it lists.
    pub nodes: u64,
    /// How many links it lists.
    pub links: u64,
    /// When the cluster was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When this revision was made.
    #[schema(value_type = String, format = DateTime)]
    pub revised_at: Timestamp,
}

/// A revision of a cluster. The answer is written around the stored inventory; this is its shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cluster {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// The revision, from 1.
    #[schema(minimum = 1)]
    pub revision: u64,
    /// Its name.
    pub name: String,
    /// SHA-256 of the inventory, hexadecimal.
    pub content_hash: String,
    /// How many nodes it lists.
    pub nodes: u64,
    /// How many links it lists.
    pub links: u64,
    /// When the cluster was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When this revision was made.
    #[schema(value_type = String, format = DateTime)]
    pub revised_at: Timestamp,
    /// The inventory.
    pub inventory: ClusterInventory,
}

/// A page of clusters at their newest revisions, newest cluster first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClusterPage {
    /// The clusters.
    pub items: Vec<ClusterSummary>,
    /// Give it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Ids of what stands in this part of the list and is damaged in the database; reading one says what is wrong. Absent
    /// where all of it can be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub unreadable: Vec<String>,
}

impl From<store::Cluster> for ClusterSummary {
    fn from(cluster: store::Cluster) -> Self {
        let store::Cluster { id, revision, name, content_hash, nodes, links, created_at, revised_at, .. } = cluster;
        Self { id, revision, name, content_hash, nodes, links, created_at, revised_at }
    }
}
