//! Fallbacks: where a deployment goes when a node is lost, planned ahead.

use crate::domain::deployment::FallbackStatus;
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;
use crate::store::news::News;
use crate::store::row::{Reading, integer};
use crate::store::sql;
use crate::store::{Connection, StoreError, placements};

/// What is known of the loss of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// The deployment.
    pub deployment_id: Id,
    /// The node.
    pub node_id: String,
    /// Whether there is a placement to go to.
    pub status: FallbackStatus,
    /// The placement that was applied when it was planned.
    pub base_id: Id,
    /// The state of the cluster that it was planned for.
    pub stamp: String,
    /// The placement to go to.
    pub placement_id: Option<Id>,
    /// Its period, seconds.
    pub period_s: Option<f64>,
    /// Bytes of parameters to ship.
    pub shipped_bytes: Option<u64>,
}

#[derive(sqlx::FromRow)]
struct FallbackRow {
    deployment_id: String,
    node_id: String,
    status: String,
    base_id: String,
    stamp: String,
    placement_id: Option<String>,
    period_s: Option<f64>,
    shipped_bytes: Option<i64>,
}

/// Reads the fallbacks of a cluster's deployments.
pub(super) async fn of_cluster(connection: &mut Connection, cluster_id: &Id) -> Result<Vec<Fallback>, StoreError> {
    let select = sql::query_as(
        "SELECT * FROM deployment_fallbacks
         WHERE deployment_id IN (SELECT id FROM deployments WHERE cluster_id = $1) ORDER BY deployment_id, node_id",
    );
    let rows: Vec<FallbackRow> = select.bind(cluster_id.as_str()).fetch_all(connection).await?;
    rows.into_iter().map(Fallback::try_from).collect()
}

/// Stores what is known of the loss of a node, in place of what was known before; or nothing if the placement was deleted
/// since it was read.
pub(super) async fn put(connection: &mut Connection, tenant: &Tenant, fallback: &Fallback) -> Result<(), StoreError> {
    if let Some(id) = &fallback.placement_id
        && !placements::exists(connection, tenant, id).await?
    {
        return Ok(());
    }
    sql::query(
        "INSERT INTO deployment_fallbacks (deployment_id, node_id, status, base_id, stamp, placement_id, period_s,
             shipped_bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (deployment_id, node_id) DO UPDATE SET status = excluded.status, base_id = excluded.base_id,
             stamp = excluded.stamp, placement_id = excluded.placement_id, period_s = excluded.period_s,
             shipped_bytes = excluded.shipped_bytes",
    )
    .bind(fallback.deployment_id.as_str())
    .bind(&fallback.node_id)
    .bind(fallback.status.name())
    .bind(fallback.base_id.as_str())
    .bind(&fallback.stamp)
    .bind(fallback.placement_id.as_ref().map(Id::as_str))
    .bind(fallback.period_s)
    .bind(fallback.shipped_bytes.map(|bytes| integer("shipped_bytes", bytes)).transpose()?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what leads to a deleted placement. Whoever looks at the clusters plans it anew.
pub(in crate::store) async fn forget_placement(connection: &mut Connection, id: &Id) -> Result<(), StoreError> {
    let touch = sql::query(
        "UPDATE deployment_clusters SET changes = changes + 1 WHERE cluster_id IN (
             SELECT cluster_id FROM deployments
             JOIN deployment_fallbacks ON deployment_fallbacks.deployment_id = deployments.id
             WHERE deployment_fallbacks.placement_id = $1)",
    );
    if touch.bind(id.as_str()).execute(&mut *connection).await? > 0 {
        connection.tell(News::Site);
    }
    let forget = sql::query("DELETE FROM deployment_fallbacks WHERE placement_id = $1").bind(id.as_str());
    forget.execute(connection).await?;
    Ok(())
}

impl TryFrom<FallbackRow> for Fallback {
    type Error = StoreError;

    fn try_from(row: FallbackRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.deployment_id };
        let placement_id = row.placement_id.as_deref();
        Ok(Self {
            deployment_id: reading.id("deployment_id", IdKind::Deployment, &row.deployment_id)?,
            status: reading.named("status", &row.status)?,
            base_id: reading.id("base_id", IdKind::Placement, &row.base_id)?,
            placement_id: placement_id.map(|id| reading.id("placement_id", IdKind::Placement, id)).transpose()?,
            period_s: row.period_s,
            shipped_bytes: row.shipped_bytes.map(|bytes| reading.count("shipped_bytes", bytes)).transpose()?,
            node_id: row.node_id,
            stamp: row.stamp,
        })
    }
}
