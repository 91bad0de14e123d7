//! Heartbeats: when the nodes of a cluster were last seen. They are no revisions.

use cutpoint_planner::domain::hash::json_text;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::Reading;
use super::{Connection, Store, StoreError, sql};
use crate::domain::id::Id;

/// When nodes of a cluster were last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Heartbeat {
    /// The node.
    pub node_id: String,
    /// When it was last seen.
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: Timestamp,
}

impl Store {
    /// Records that these nodes were seen now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn record_heartbeats(&self, cluster_id: &str, node_ids: Vec<String>) -> Result<Timestamp, StoreError> {
        let (cluster_id, now) = (cluster_id.to_owned(), self.clock.now());
        self.write(move |connection| {
            Box::pin(async move {
                for node_id in node_ids {
                    sql::query(
                        "INSERT INTO heartbeats (cluster_id, node_id, seen_at) VALUES ($1, $2, $3)
                         ON CONFLICT (cluster_id, node_id) DO UPDATE SET seen_at = excluded.seen_at",
                    )
                    .bind(&cluster_id)
                    .bind(&node_id)
                    .bind(now.as_microsecond())
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(now)
            })
        })
        .await
    }

    /// Returns when the nodes of a cluster were last seen, in the order of their ids.
    ///
    /// # Errors
    /// The database failed.
    pub async fn heartbeats(&self, cluster_id: &str) -> Result<Vec<Heartbeat>, StoreError> {
        let select = sql::query_as("SELECT node_id, seen_at FROM heartbeats WHERE cluster_id = $1 ORDER BY node_id");
        let rows: Vec<(String, i64)> = select.bind(cluster_id).fetch_all(&mut self.read().await?).await?;
        let reading = Reading { id: cluster_id };
        let heartbeat = |(node_id, at)| Ok(Heartbeat { node_id, seen_at: reading.time("seen_at", at)? });
        rows.into_iter().map(heartbeat).collect()
    }
}

/// Forgets nodes that a cluster does not have any more.
pub(super) async fn forget_others(
    connection: &mut Connection,
    cluster_id: &Id,
    node_ids: &[String],
) -> Result<(), StoreError> {
    let forget =
        sql::query("DELETE FROM heartbeats WHERE cluster_id = $1 AND node_id NOT IN (SELECT value FROM json_each($2))");
    forget.bind(cluster_id.as_str()).bind(json_text(&node_ids)).execute(connection).await?;
    Ok(())
}
