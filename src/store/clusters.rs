//! Clusters: inventories with immutable revisions. A change creates a new revision.

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::hash::{json_text, text_hash};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::deployments::counters;
use super::events;
use super::heartbeats;
use super::idempotency::{forget_resource, recall, remember};
use super::jobs::push_name;
use super::models::user_id;
use super::page::Keyed;
use super::row::{Reading, integer};
use super::sql::{self, QueryBuilder};
use super::{Connection, Idempotency, Listed, Page, PageKey, Registered, Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;

/// An inventory in its stored form.
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
    /// The ids of its nodes.
    pub node_ids: Vec<String>,
}

impl ClusterDocument {
    /// Serialises an inventory. This is done outside of transactions.
    pub fn new(inventory: &ClusterInventory) -> Self {
        let document = json_text(inventory);
        Self {
            name: inventory.name.clone(),
            content_hash: text_hash(&document),
            document,
            nodes: inventory.nodes.len() as u64,
            links: inventory.links.len() as u64,
            node_ids: inventory.nodes.iter().map(|node| node.id.clone()).collect(),
        }
    }
}

/// A revision of a cluster without its inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    /// The cluster's position in the order of inserts.
    #[serde(skip)]
    pub sequence: u64,
}

/// A revision and its cluster.
macro_rules! select_revision {
    ($more:literal) => {
        concat!(
            "SELECT clusters.id AS id, cluster_revisions.revision AS revision, name, content_hash, nodes, links,
                    created_at, revised_at, sequence",
            $more,
            " FROM clusters JOIN cluster_revisions ON cluster_revisions.cluster_id = clusters.id"
        )
    };
}

/// Selects revision $2 of cluster $1 of tenant $3, or the newest.
macro_rules! one_revision {
    () => {
        " WHERE clusters.id = $1 AND cluster_revisions.revision = COALESCE($2, clusters.revision)
            AND clusters.tenant = $3"
    };
}

#[derive(sqlx::FromRow)]
struct ClusterRow {
    id: String,
    revision: i64,
    name: String,
    content_hash: String,
    nodes: i64,
    links: i64,
    created_at: i64,
    revised_at: i64,
    sequence: i64,
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    #[sqlx(flatten)]
    cluster: ClusterRow,
    document: String,
}

impl TryFrom<ClusterRow> for ClusterSummary {
    type Error = StoreError;

    fn try_from(row: ClusterRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        Ok(Self {
            id: reading.id("id", IdKind::Cluster, &row.id)?,
            revision: reading.count("revision", row.revision)?,
            nodes: reading.count("nodes", row.nodes)?,
            links: reading.count("links", row.links)?,
            created_at: reading.time("created_at", row.created_at)?,
            revised_at: reading.time("revised_at", row.revised_at)?,
            sequence: reading.count("sequence", row.sequence)?,
            name: row.name,
            content_hash: row.content_hash,
        })
    }
}

impl Keyed for ClusterSummary {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Cluster, sequence: self.sequence }
    }
}

impl Store {
    /// Registers a new cluster at revision 1.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`], or the database failed.
    pub async fn register_cluster(
        &self,
        tenant: &Tenant,
        cluster: ClusterDocument,
        idempotency: Option<Idempotency>,
    ) -> Result<Registered<ClusterSummary>, StoreError> {
        let (store, tenant) = (self.clone(), tenant.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                let since = store.keys_since();
                if let Some(known) = recall(connection, &tenant, idempotency.as_ref(), since).await? {
                    // A retry returns the revision that the first request created, and not the newest.
                    let row = find(connection, &tenant, &known.resource_id, Some(1)).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                let row = store.insert_cluster(connection, &tenant, cluster, None, now).await?;
                remember(connection, &tenant, idempotency, &row.id, true, store.steady.now()).await?;
                Ok(Registered { row, created: true, replayed: false })
            })
        })
        .await
    }

    /// Creates a new revision of a cluster whose newest is `expected_revision`.
    ///
    /// # Errors
    /// [`StoreError::RevisionChanged`], [`StoreError::NotFound`], or the database failed.
    pub async fn replace_cluster(
        &self,
        tenant: &Tenant,
        id: &Id,
        expected_revision: u64,
        cluster: ClusterDocument,
    ) -> Result<ClusterSummary, StoreError> {
        let (store, tenant, id) = (self.clone(), tenant.clone(), id.clone());
        let replaced = self.write(move |connection| {
            Box::pin(async move {
                let newest = find(connection, &tenant, id.as_str(), None).await?;
                let update = sql::query("UPDATE clusters SET revision = revision + 1 WHERE id = $1 AND revision = $2");
                let updated =
                    update.bind(id.as_str()).bind(wanted(expected_revision)).execute(&mut *connection).await?;
                if updated == 0 {
                    return Err(StoreError::RevisionChanged {
                        id,
                        expected: expected_revision,
                        current: newest.revision,
                    });
                }
                let ClusterDocument { name, content_hash, nodes, links, document, node_ids } = cluster;
                let (revision, revised_at) = (newest.revision + 1, store.clock.now());
                let row = ClusterSummary { revision, name, content_hash, nodes, links, revised_at, ..newest };
                insert_revision(connection, &row, document).await?;
                heartbeats::forget_others(connection, &row.id, &node_ids).await?;
                let has_deployments = counters::touch(connection, &row.id).await?;
                let announced = events::of_cluster(connection, &store, &tenant, &row, has_deployments).await?;
                Ok((row, announced))
            })
        });
        let (row, announced) = replaced.await?;
        self.wake_courier(announced);
        Ok(row)
    }

    /// Returns a revision of a cluster without its document; `None` means the newest.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn cluster(&self, tenant: &Tenant, id: &Id, revision: Option<u64>) -> Result<ClusterSummary, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, tenant, id.as_str(), revision).await
    }

    /// Returns a revision of a cluster with its document as JSON text; `None` means the newest.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn cluster_document(
        &self,
        tenant: &Tenant,
        id: &Id,
        revision: Option<u64>,
    ) -> Result<(ClusterSummary, String), StoreError> {
        let select = concat!(select_revision!(", document"), one_revision!());
        let select = sql::query_as(select).bind(id.as_str()).bind(revision.map(wanted)).bind(tenant.as_str());
        let row: Option<DocumentRow> = select.fetch_optional(&mut self.read().await?).await?;
        let row = row.ok_or_else(|| missing(id.as_str(), revision))?;
        let document = Reading { id: id.as_str() }.document("document", row.document)?;
        Ok((row.cluster.try_into()?, document))
    }

    /// Returns the newest revisions of a tenant's clusters in the order of inserts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn clusters(&self, tenant: &Tenant, page: Page) -> Result<Listed<ClusterSummary>, StoreError> {
        self.clusters_named(tenant, None, page).await
    }

    /// Returns those of a tenant's clusters whose newest names contain a text, in upper or lower case.
    ///
    /// # Errors
    /// The database failed.
    pub async fn clusters_named(
        &self,
        tenant: &Tenant,
        part: Option<&str>,
        page: Page,
    ) -> Result<Listed<ClusterSummary>, StoreError> {
        let newest =
            concat!(select_revision!(""), " WHERE cluster_revisions.revision = clusters.revision AND tenant = ");
        let mut query = QueryBuilder::new(newest);
        query.push_bind(tenant.as_str().to_owned());
        push_name(&mut query, part);
        let mut connection = self.read().await?;
        page.read::<ClusterRow, ClusterSummary>(&mut connection, "clusters", query).await
    }

    /// Deletes a cluster with its revisions if no job or placement refers to it, and if its newest revision is
    /// `expected_revision`, if given.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::RevisionChanged`], [`StoreError::NotFound`], or the database failed.
    pub async fn delete_cluster(&self, tenant: &Tenant, id: &Id, expected: Option<u64>) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let current = find(connection, &tenant, id.as_str(), None).await?.revision;
                if let Some(expected) = expected.filter(|expected| *expected != current) {
                    return Err(StoreError::RevisionChanged { id, expected, current });
                }
                if let Some(by) = user(connection, &id).await? {
                    return Err(StoreError::InUse { id, by });
                }
                let delete = sql::query("DELETE FROM clusters WHERE id = $1").bind(id.as_str());
                if delete.execute(&mut *connection).await? == 0 {
                    return Err(missing(id.as_str(), None));
                }
                forget_resource(connection, &id).await
            })
        })
        .await
    }

    /// Returns the cluster that was registered from an inline inventory with this content, and registers it if there is
    /// none.
    pub(super) async fn put_inline_cluster(
        &self,
        connection: &mut Connection,
        tenant: &Tenant,
        cluster: ClusterDocument,
        now: Timestamp,
    ) -> Result<ClusterSummary, StoreError> {
        let select = concat!(
            select_revision!(""),
            " WHERE clusters.tenant = $1 AND inline_hash = $2 AND cluster_revisions.revision = 1"
        );
        let select = sql::query_as(select).bind(tenant.as_str()).bind(&cluster.content_hash);
        let known: Option<ClusterRow> = select.fetch_optional(&mut *connection).await?;
        if let Some(known) = known {
            return known.try_into();
        }
        let inline_hash = cluster.content_hash.clone();
        self.insert_cluster(connection, tenant, cluster, Some(inline_hash), now).await
    }

    async fn insert_cluster(
        &self,
        connection: &mut Connection,
        tenant: &Tenant,
        cluster: ClusterDocument,
        inline_hash: Option<String>,
        now: Timestamp,
    ) -> Result<ClusterSummary, StoreError> {
        let id = self.ids.id(IdKind::Cluster);
        let insert = sql::query_scalar(
            "INSERT INTO clusters (id, tenant, revision, inline_hash, created_at, sequence)
             VALUES ($1, $2, 1, $3, $4, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM clusters)) RETURNING sequence",
        );
        let insert = insert.bind(id.as_str()).bind(tenant.as_str()).bind(inline_hash).bind(now.as_microsecond());
        let sequence: i64 = insert.fetch_one(&mut *connection).await?;
        let sequence = Reading { id: id.as_str() }.count("sequence", sequence)?;
        let ClusterDocument { name, content_hash, nodes, links, document, .. } = cluster;
        let row = ClusterSummary {
            id,
            revision: 1,
            name,
            content_hash,
            nodes,
            links,
            created_at: now,
            revised_at: now,
            sequence,
        };
        insert_revision(connection, &row, document).await?;
        Ok(row)
    }
}

async fn insert_revision(
    connection: &mut Connection,
    row: &ClusterSummary,
    document: String,
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO cluster_revisions (cluster_id, revision, name, content_hash, nodes, links, revised_at, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(row.id.as_str())
    .bind(integer("revision", row.revision)?)
    .bind(&row.name)
    .bind(&row.content_hash)
    .bind(integer("nodes", row.nodes)?)
    .bind(integer("links", row.links)?)
    .bind(row.revised_at.as_microsecond())
    .bind(document)
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads a revision of a cluster; `None` means the newest.
pub(super) async fn find(
    connection: &mut Connection,
    tenant: &Tenant,
    id: &str,
    revision: Option<u64>,
) -> Result<ClusterSummary, StoreError> {
    let select = concat!(select_revision!(""), one_revision!());
    let select = sql::query_as(select).bind(id).bind(revision.map(wanted)).bind(tenant.as_str());
    let row: Option<ClusterRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| missing(id, revision))?.try_into()
}

/// Converts a revision for a query. One that is too large for the database does not exist.
fn wanted(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

/// Returns a job, placement or deployment that refers to a cluster.
async fn user(connection: &mut Connection, id: &Id) -> Result<Option<Id>, StoreError> {
    let select = sql::query_scalar(
        "SELECT id FROM jobs WHERE cluster_id = $1 UNION ALL SELECT id FROM placements WHERE cluster_id = $1
         UNION ALL SELECT id FROM deployments WHERE cluster_id = $1 LIMIT 1",
    );
    let user: Option<String> = select.bind(id.as_str()).fetch_optional(connection).await?;
    user.map(|user| user_id(&user)).transpose()
}

fn missing(id: &str, revision: Option<u64>) -> StoreError {
    let id = match revision {
        Some(revision) => format!("{id} revision {revision}"),
        None => id.to_owned(),
    };
    StoreError::NotFound { kind: IdKind::Cluster, id }
}
