//! Deletion of placements on request, and the sweep that applies the retention settings.
//!
//! The sweep selects rows with a reading connection and deletes them through the writer, a few at a time, so that it
//! delays no other write. It keeps the newest placement of each model on each cluster, and every placement that is a
//! base or an occupant of such a placement or of a job that has not ended.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::deployments::fallbacks;
use super::idempotency::forget_resource;
use super::news::News;
use super::placements::forget_names_of;
use super::row::Reading;
use super::sql::{self, QueryBuilder};
use super::{Connection, Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;

/// The retention settings. By default everything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The age at which placements are deleted.
    pub placements_age: Option<Duration>,
    /// How many of the newest placements of a model on a cluster are kept.
    pub placements_of_pair: Option<u32>,
    /// The time after its end at which a job's record is deleted.
    pub jobs_age: Option<Duration>,
}

/// The numbers of rows that a sweep has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Placements.
    pub placements: u64,
    /// Records of jobs.
    pub jobs: u64,
    /// Revisions of clusters that are not the newest and that no job or placement refers to.
    pub revisions: u64,
}

/// The most rows that one operation of the writer deletes.
const BATCH: usize = 64;

/// The condition that placement `p` is the newest of its model on its cluster.
macro_rules! is_newest {
    ($p:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM placements AS newer WHERE newer.model_id = ",
            $p,
            ".model_id AND newer.cluster_id = ",
            $p,
            ".cluster_id AND newer.sequence > ",
            $p,
            ".sequence)"
        )
    };
}

/// The condition that a job that has not ended refers to placement `p`.
macro_rules! is_named_by_open_job {
    ($p:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM named_placements JOIN jobs ON jobs.id = named_placements.job_id
                     WHERE named_placements.placement_id = ",
            $p,
            ".id AND jobs.finished_at IS NULL)"
        )
    };
}

/// The condition that placement `p` is applied by a deployment, proposed for one, or kept for the loss of a node.
macro_rules! is_deployed {
    ($p:literal) => {
        concat!(
            "(EXISTS (SELECT 1 FROM deployments WHERE applied_placement_id = ",
            $p,
            ".id) OR EXISTS (SELECT 1 FROM deployments WHERE proposed_placement_id = ",
            $p,
            ".id) OR EXISTS (SELECT 1 FROM deployment_fallbacks WHERE placement_id = ",
            $p,
            ".id))"
        )
    };
}

/// The condition that the sweep may delete placement `p`.
macro_rules! may_go {
    ($p:literal) => {
        concat!(
            "NOT ",
            is_deployed!($p),
            " AND NOT ",
            is_newest!($p),
            " AND NOT ",
            is_named_by_open_job!($p),
            " AND NOT EXISTS (SELECT 1 FROM named_placements JOIN placements AS namer
                                ON namer.job_id = named_placements.job_id
                              WHERE named_placements.placement_id = ",
            $p,
            ".id AND ",
            is_newest!("namer"),
            ")"
        )
    };
}

/// The condition that a job has ended and its idempotency key has expired, so that no retry can ask for it.
macro_rules! is_over {
    () => {
        "finished_at IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM idempotency_keys WHERE idempotency_keys.resource_id = jobs.id)"
    };
}

impl Store {
    /// Deletes a placement. The record of its job stays.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if it is applied or proposed, or a job that has not ended refers to it; [`StoreError::NotFound`]; or
    /// the database failed.
    pub async fn delete_placement(&self, tenant: &Tenant, id: &Id) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        let deleted = self.write(move |connection| {
            Box::pin(async move {
                let user = sql::query_scalar(
                    "SELECT jobs.id FROM named_placements JOIN jobs ON jobs.id = named_placements.job_id
                     WHERE named_placements.placement_id = $1 AND jobs.tenant = $2 AND jobs.finished_at IS NULL LIMIT 1",
                );
                let user: Option<String> =
                    user.bind(id.as_str()).bind(tenant.as_str()).fetch_optional(&mut *connection).await?;
                if let Some(user) = user {
                    let by = Reading { id: &user }.id("id", IdKind::Job, &user)?;
                    return Err(StoreError::InUse { id, by });
                }
                let user = sql::query_scalar(
                    "SELECT id FROM deployments
                     WHERE (applied_placement_id = $1 OR proposed_placement_id = $1) AND tenant = $2 LIMIT 1",
                );
                let user: Option<String> =
                    user.bind(id.as_str()).bind(tenant.as_str()).fetch_optional(&mut *connection).await?;
                if let Some(user) = user {
                    let by = Reading { id: &user }.id("id", IdKind::Deployment, &user)?;
                    return Err(StoreError::InUse { id, by });
                }
                let delete =
                    sql::query_scalar("DELETE FROM placements WHERE id = $1 AND tenant = $2 RETURNING job_id");
                let job_id: Option<String> =
                    delete.bind(id.as_str()).bind(tenant.as_str()).fetch_optional(&mut *connection).await?;
                let missing = || StoreError::NotFound { kind: IdKind::Placement, id: id.as_str().to_owned() };
                let job_id = job_id.ok_or_else(missing)?;
                forget_placement(connection, &id, &job_id).await
            })
        });
        deleted.await?;
        self.deletions.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Returns the number of deletions of placements in this process. Caches are stale once it has increased.
    pub fn placement_deletions(&self) -> u64 {
        self.deletions.load(Ordering::Acquire)
    }

    /// Deletes expired placements, jobs and revisions.
    ///
    /// # Errors
    /// The database failed. Earlier deletions of the sweep persist.
    pub async fn sweep(&self, retention: Retention) -> Result<Swept, StoreError> {
        let before = |age: Duration| self.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN).as_microsecond();
        let mut swept = Swept::default();
        if retention.placements_age.is_some() || retention.placements_of_pair.is_some() {
            let ids = self.placements_to_go(retention.placements_age.map(before), retention.placements_of_pair).await?;
            for some in ids.chunks(BATCH) {
                swept.placements += self.delete_placements(some.to_vec()).await?;
                self.deletions.fetch_add(1, Ordering::Release);
            }
        }
        if let Some(age) = retention.jobs_age {
            let ids = sql::query_scalar(concat!("SELECT id FROM jobs WHERE finished_at < $1 AND ", is_over!()));
            let ids = ids.bind(before(age));
            let ids: Vec<String> = ids.fetch_all(&mut self.read().await?).await?;
            for some in ids.chunks(BATCH) {
                swept.jobs += self.delete_jobs(some.to_vec()).await?;
            }
        }
        if swept.placements + swept.jobs > 0 {
            swept.revisions = self.delete_unnamed_revisions().await?;
        }
        Ok(swept)
    }

    /// Returns the expired placements, the oldest first.
    pub(super) async fn placements_to_go(
        &self,
        before: Option<i64>,
        most: Option<u32>,
    ) -> Result<Vec<String>, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT p.id FROM (SELECT id, model_id, cluster_id, sequence, created_at, ROW_NUMBER() OVER
                 (PARTITION BY model_id, cluster_id ORDER BY sequence DESC) AS age FROM placements) AS p WHERE (FALSE",
        );
        if let Some(before) = before {
            query.push(" OR p.created_at < ").push_bind(before);
        }
        if let Some(most) = most {
            query.push(" OR p.age > ").push_bind(i64::from(most));
        }
        query.push(concat!(") AND ", may_go!("p"), " ORDER BY p.sequence"));
        Ok(query.build_query_scalar().fetch_all(&mut self.read().await?).await?)
    }

    /// Deletes those of these placements that may still be deleted. Returns how many.
    pub(super) async fn delete_placements(&self, ids: Vec<String>) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let mut deleted = 0;
                for id in ids {
                    let delete = sql::query_scalar(concat!(
                        "DELETE FROM placements WHERE id = $1 AND ",
                        may_go!("placements"),
                        " RETURNING job_id"
                    ));
                    let job_id: Option<String> = delete.bind(&id).fetch_optional(&mut *connection).await?;
                    if let Some(job_id) = job_id {
                        let id = Reading { id: &id }.id("id", IdKind::Placement, &id)?;
                        forget_placement(connection, &id, &job_id).await?;
                        deleted += 1;
                    }
                }
                Ok(deleted)
            })
        })
        .await
    }

    /// Deletes the records of these ended jobs. Returns how many.
    async fn delete_jobs(&self, ids: Vec<String>) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let mut deleted = 0;
                for id in ids {
                    let delete = sql::query(concat!("DELETE FROM jobs WHERE id = $1 AND ", is_over!()));
                    deleted += delete.bind(&id).execute(&mut *connection).await?;
                    let id = Reading { id: &id }.id("id", IdKind::Job, &id)?;
                    forget_names_of(connection, &id).await?;
                }
                Ok(deleted)
            })
        })
        .await
    }

    /// Deletes revisions of clusters that are not the newest and that no row refers to. Returns how many.
    async fn delete_unnamed_revisions(&self) -> Result<u64, StoreError> {
        let unnamed = "SELECT cluster_id, revision FROM cluster_revisions
             WHERE revision < (SELECT revision FROM clusters WHERE id = cluster_id)
               AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.cluster_id = cluster_revisions.cluster_id
                                 AND jobs.cluster_revision = cluster_revisions.revision)
               AND NOT EXISTS (SELECT 1 FROM placements WHERE placements.cluster_id = cluster_revisions.cluster_id
                                 AND placements.cluster_revision = cluster_revisions.revision)";
        let unnamed: Vec<(String, i64)> = sql::query_as(unnamed).fetch_all(&mut self.read().await?).await?;
        let mut deleted = 0;
        for some in unnamed.chunks(BATCH) {
            let some = some.to_vec();
            deleted += self
                .write(move |connection| {
                    Box::pin(async move {
                        let mut deleted = 0;
                        for (cluster_id, revision) in some {
                            // A placement that a job has referred to since is skipped.
                            let delete = sql::query(
                                "DELETE FROM cluster_revisions WHERE cluster_id = $1 AND revision = $2
                                   AND NOT EXISTS (SELECT 1 FROM jobs
                                                   WHERE jobs.cluster_id = $1 AND jobs.cluster_revision = $2)
                                   AND NOT EXISTS (SELECT 1 FROM placements WHERE placements.cluster_id = $1
                                                     AND placements.cluster_revision = $2)",
                            );
                            let delete = delete.bind(cluster_id).bind(revision);
                            deleted += delete.execute(&mut *connection).await?;
                        }
                        Ok(deleted)
                    })
                })
                .await?;
        }
        Ok(deleted)
    }
}

/// Deletes the references to a deleted placement, and those of its job if that has no record either.
async fn forget_placement(connection: &mut Connection, id: &Id, job_id: &str) -> Result<(), StoreError> {
    connection.tell(News::Deleted);
    let forget = sql::query("DELETE FROM named_placements WHERE placement_id = $1").bind(id.as_str());
    forget.execute(&mut *connection).await?;
    fallbacks::forget_placement(connection, id).await?;
    forget_resource(connection, id).await?;
    if job_id == id.as_str() {
        // It was made by hand.
        return Ok(());
    }
    let job_id = Reading { id: job_id }.id("job_id", IdKind::Job, job_id)?;
    forget_names_of(connection, &job_id).await
}
