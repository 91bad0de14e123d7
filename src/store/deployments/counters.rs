//! Counters of clusters with deployments: how often something has changed, and how often what is applied has.
//!
//! Every operation that may change what is to be done raises them in its own transaction.

use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::store::news::News;
use crate::store::{Connection, StoreError, sql};

/// Begins to watch a cluster, or says that something about its deployments has changed.
pub(super) async fn open(connection: &mut Connection, tenant: &Tenant, cluster_id: &Id) -> Result<(), StoreError> {
    let insert = sql::query(
        "INSERT INTO deployment_clusters (cluster_id, tenant) VALUES ($1, $2)
         ON CONFLICT (cluster_id) DO UPDATE SET changes = deployment_clusters.changes + 1",
    );
    insert.bind(cluster_id.as_str()).bind(tenant.as_str()).execute(&mut *connection).await?;
    connection.tell(News::Site);
    Ok(())
}

/// Says that something about a cluster or its deployments has changed. Returns `false` if it never had any.
pub(in crate::store) async fn touch(connection: &mut Connection, cluster_id: &Id) -> Result<bool, StoreError> {
    let touch = sql::query("UPDATE deployment_clusters SET changes = changes + 1 WHERE cluster_id = $1");
    let touched = touch.bind(cluster_id.as_str()).execute(&mut *connection).await? > 0;
    if touched {
        connection.tell(News::Site);
    }
    Ok(touched)
}

/// Says that something was measured of a placement, if it is applied.
pub(in crate::store) async fn measured(connection: &mut Connection, placement_id: &Id) -> Result<(), StoreError> {
    let touch = sql::query(
        "UPDATE deployment_clusters SET changes = changes + 1
         WHERE cluster_id IN (SELECT cluster_id FROM deployments WHERE applied_placement_id = $1)",
    );
    if touch.bind(placement_id.as_str()).execute(&mut *connection).await? > 0 {
        connection.tell(News::Site);
    }
    Ok(())
}

/// Says that what is applied on a cluster has changed.
pub(super) async fn occupancy_changed(connection: &mut Connection, cluster_id: &Id) -> Result<(), StoreError> {
    let touch = sql::query(
        "UPDATE deployment_clusters SET changes = changes + 1, occupancy = occupancy + 1 WHERE cluster_id = $1",
    );
    touch.bind(cluster_id.as_str()).execute(&mut *connection).await?;
    connection.tell(News::Site);
    Ok(())
}

/// Returns the counter of a cluster.
pub(super) async fn changes(connection: &mut Connection, cluster_id: &Id) -> Result<i64, StoreError> {
    let select = sql::query_scalar("SELECT changes FROM deployment_clusters WHERE cluster_id = $1");
    Ok(select.bind(cluster_id.as_str()).fetch_optional(connection).await?.unwrap_or(0))
}

/// Says that a job has ended, if it plans for a deployment.
pub(in crate::store) async fn job_ended(connection: &mut Connection, job_id: &Id) -> Result<(), StoreError> {
    let touch = sql::query(
        "UPDATE deployment_clusters SET changes = changes + 1
         WHERE cluster_id IN (SELECT cluster_id FROM deployment_jobs WHERE job_id = $1)",
    );
    if touch.bind(job_id.as_str()).execute(&mut *connection).await? > 0 {
        connection.tell(News::Site);
    }
    Ok(())
}
