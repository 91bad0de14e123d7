//! The history of a deployment: proposals, applications, withdrawals and plans that gave nothing.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::domain::deployment::{DeploymentReason, HistoryKind};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;
use crate::store::page::Keyed;
use crate::store::row::{Reading, integer};
use crate::store::sql::{self, QueryBuilder};
use crate::store::{Connection, Listed, Page, PageKey, Store, StoreError};

/// Something that happened to a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// Its number, which grows.
    #[schema(minimum = 1)]
    pub sequence: u64,
    /// What happened.
    pub kind: HistoryKind,
    /// Why.
    pub reason: DeploymentReason,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The placement; absent where a plan gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub placement_id: Option<Id>,
    /// The revision of the cluster at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub cluster_revision: Option<u64>,
    /// The period of the placement at that time, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// Bytes of parameters to ship from what was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shipped_bytes: Option<u64>,
    /// Why a plan gave nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// An entry to add.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    kind: HistoryKind,
    reason: DeploymentReason,
    placement_id: Option<Id>,
    cluster_revision: Option<u64>,
    period_s: Option<f64>,
    shipped_bytes: Option<u64>,
    detail: Option<String>,
}

impl Entry {
    /// Returns an entry without a placement.
    pub fn of(kind: HistoryKind, reason: DeploymentReason) -> Self {
        Self {
            kind,
            reason,
            placement_id: None,
            cluster_revision: None,
            period_s: None,
            shipped_bytes: None,
            detail: None,
        }
    }

    /// Adds the placement and the revision of the cluster.
    #[must_use]
    pub fn about(self, placement_id: &Id, cluster_revision: u64) -> Self {
        Self { placement_id: Some(placement_id.clone()), cluster_revision: Some(cluster_revision), ..self }
    }

    /// Adds figures of the placement.
    #[must_use]
    pub fn with(self, period_s: f64, shipped_bytes: Option<u64>) -> Self {
        Self { period_s: Some(period_s), shipped_bytes, ..self }
    }

    /// Adds why a plan gave nothing.
    #[must_use]
    pub fn because(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

impl Store {
    /// Returns the history of a deployment.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the deployment, or the database failed.
    pub async fn deployment_history(
        &self,
        tenant: &Tenant,
        id: &Id,
        page: Page,
    ) -> Result<Listed<HistoryEntry>, StoreError> {
        let mut connection = self.read().await?;
        let deployment = find(&mut connection, tenant, id.as_str()).await?;
        let mut query = QueryBuilder::new(
            "SELECT deployment_id AS id, sequence, kind, reason, created_at, placement_id, cluster_revision, period_s,
                 shipped_bytes, detail FROM deployment_history WHERE deployment_id = ",
        );
        query.push_bind(deployment.id.as_str().to_owned());
        page.read::<EntryRow, HistoryEntry>(&mut connection, "deployment_history", query).await
    }

    /// Returns `true` if a placement was proposed for a deployment or applied by it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn knows_placement(&self, deployment_id: &Id, placement_id: &Id) -> Result<bool, StoreError> {
        let select =
            sql::query_scalar("SELECT COUNT(*) FROM deployment_history WHERE deployment_id = $1 AND placement_id = $2");
        let select = select.bind(deployment_id.as_str()).bind(placement_id.as_str());
        let known: i64 = select.fetch_one(&mut self.read().await?).await?;
        Ok(known > 0)
    }

    /// Deletes entries from before a time. Proposals and applications stay as long as their placements, since these may be
    /// applied again. Returns how many were deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_history(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let delete = sql::query(
                    "DELETE FROM deployment_history WHERE created_at < $1 AND (kind IN ('failed', 'withdrawn')
                         OR NOT EXISTS (SELECT 1 FROM placements WHERE placements.id = deployment_history.placement_id))",
                );
                Ok(delete.bind(before.as_microsecond()).execute(connection).await?)
            })
        })
        .await
    }
}

/// Returns `true` if a deployment has applied a placement before.
pub(super) async fn was_applied(
    connection: &mut Connection,
    deployment_id: &Id,
    placement_id: &Id,
) -> Result<bool, StoreError> {
    let select = sql::query_scalar(
        "SELECT COUNT(*) FROM deployment_history WHERE deployment_id = $1 AND placement_id = $2 AND kind = 'applied'",
    );
    let select = select.bind(deployment_id.as_str()).bind(placement_id.as_str());
    let applied: i64 = select.fetch_one(connection).await?;
    Ok(applied > 0)
}

/// Adds an entry at a time of the wall clock and of the steady clock.
pub(in crate::store) async fn add(
    connection: &mut Connection,
    deployment_id: &Id,
    entry: &Entry,
    (now, steady_now): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO deployment_history (sequence, deployment_id, kind, reason, created_at, steady_at, placement_id,
             cluster_revision, period_s, shipped_bytes, detail)
         VALUES ((SELECT COALESCE(MAX(sequence), 0) + 1 FROM deployment_history), $1, $2, $3, $4, $5, $6, $7, $8, $9,
             $10)",
    )
    .bind(deployment_id.as_str())
    .bind(entry.kind.name())
    .bind(entry.reason.name())
    .bind(now.as_microsecond())
    .bind(steady_now.as_microsecond())
    .bind(entry.placement_id.as_ref().map(Id::as_str))
    .bind(entry.cluster_revision.map(|revision| integer("revision", revision)).transpose()?)
    .bind(entry.period_s)
    .bind(entry.shipped_bytes.map(|bytes| integer("shipped_bytes", bytes)).transpose()?)
    .bind(&entry.detail)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns when the deployments of a cluster got proposals since a time, and in any case when each got its last one, by the
/// steady clock in microseconds, the oldest first.
pub(super) async fn proposals_since(
    connection: &mut Connection,
    cluster_id: &Id,
    since: Timestamp,
) -> Result<Vec<(String, i64)>, StoreError> {
    let select = sql::query_as(
        "SELECT deployment_id, steady_at FROM (
             SELECT deployment_id, steady_at, sequence FROM deployment_history
             WHERE deployment_id IN (SELECT id FROM deployments WHERE cluster_id = $1) AND kind = 'proposed'
               AND steady_at > $2
             UNION
             SELECT last.deployment_id, last.steady_at, last.sequence FROM deployments
             JOIN deployment_history AS last ON last.deployment_id = deployments.id AND last.kind = 'proposed'
               AND last.steady_at = (SELECT MAX(steady_at) FROM deployment_history
                                     WHERE deployment_id = deployments.id AND kind = 'proposed')
             WHERE deployments.cluster_id = $1) AS proposals
         ORDER BY sequence",
    );
    Ok(select.bind(cluster_id.as_str()).bind(since.as_microsecond()).fetch_all(connection).await?)
}

impl Keyed for HistoryEntry {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::HistoryEntry, sequence: self.sequence }
    }
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: String,
    sequence: i64,
    kind: String,
    reason: String,
    created_at: i64,
    placement_id: Option<String>,
    cluster_revision: Option<i64>,
    period_s: Option<f64>,
    shipped_bytes: Option<i64>,
    detail: Option<String>,
}

impl TryFrom<EntryRow> for HistoryEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        let placement_id = row.placement_id.as_deref();
        let count = |column, number: Option<i64>| number.map(|number| reading.count(column, number)).transpose();
        Ok(Self {
            sequence: reading.count("sequence", row.sequence)?,
            kind: reading.named("kind", &row.kind)?,
            reason: reading.named("reason", &row.reason)?,
            at: reading.time("created_at", row.created_at)?,
            placement_id: placement_id.map(|id| reading.id("placement_id", IdKind::Placement, id)).transpose()?,
            cluster_revision: count("cluster_revision", row.cluster_revision)?,
            period_s: row.period_s,
            shipped_bytes: count("shipped_bytes", row.shipped_bytes)?,
            detail: row.detail,
        })
    }
}
