//! Clusters with deployments: a counter of changes, and the operations of whoever looks at them.
//!
//! A claim raises the token of the cluster. What was found is written only if token and counter are still the same, so
//! that a proposal is made once, by one server, for a state that it has seen whole.

use std::time::Duration;

use cutpoint_planner::domain::placement::Status;
use jiff::Timestamp;

use super::fallbacks::{self, Fallback};
use super::history::{self, Entry, proposals_since};
use super::{Deployment, find, of_cluster, save};
use crate::domain::deployment::DeploymentReason;
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;
use crate::store::events::{self, EventType};
use crate::store::row::Reading;
use crate::store::sql;
use crate::store::{ClusterSummary, Connection, MeasurementSummary, NewJob, Store, StoreError, measurements};

/// How long measurements count for deployments. What is slow for a while is not avoided for ever.
pub const MEASUREMENTS_COUNT: Duration = Duration::from_secs(24 * 3600);
/// How far back proposals count for the limit of a policy.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// The right to write what was found about a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The cluster.
    pub cluster_id: Id,
    /// Its tenant.
    pub tenant: Tenant,
    /// How often what is applied has changed.
    pub occupancy: i64,
    changes: i64,
    handled: i64,
    token: i64,
}

impl Claim {
    /// Returns the counter of changes at the time of the claim.
    pub fn changes(&self) -> i64 {
        self.changes
    }

    /// Returns `true` if something has changed that was not looked at yet.
    pub fn is_urgent(&self) -> bool {
        self.changes > self.handled
    }
}

/// A cluster with everything about its deployments.
#[derive(Debug)]
pub struct Site {
    /// The newest revision.
    pub cluster: ClusterSummary,
    /// Its inventory, JSON text.
    pub inventory: String,
    /// Its deployments, the oldest first.
    pub deployments: Vec<Deployment>,
    /// The proposals of the last hour, and the last one of each deployment however old it is, with their times by the steady
    /// clock in microseconds, the oldest first.
    pub proposals: Vec<(String, i64)>,
    /// The plans for its deployments whose end was not yet looked at.
    pub plans: Vec<Plan>,
    /// The placements for the loss of nodes.
    pub fallbacks: Vec<Fallback>,
    /// The newest measurements of each placement that was applied, with its deployment, the newest first, as long as they count.
    pub measured: Vec<(Id, MeasurementSummary)>,
    /// The counter of changes.
    pub changes: i64,
    /// How often what is applied has changed.
    pub occupancy: i64,
}

/// A job that plans for a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The job.
    pub job_id: Id,
    /// The deployment.
    pub deployment_id: Id,
    /// Why it plans.
    pub reason: DeploymentReason,
    /// The state of the cluster that it plans for.
    pub stamp: String,
    /// The node whose loss it plans for.
    pub lost_node: Option<String>,
    /// How it ended; `None` before.
    pub end: Option<PlanEnd>,
}

impl Plan {
    /// Returns the revision of the cluster that it plans for.
    pub fn revision(&self) -> &str {
        self.stamp.split_once('.').map_or(&self.stamp, |(revision, _)| revision)
    }
}

/// How a plan ended.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanEnd {
    /// With a placement: its id and document.
    Placed(Id, String),
    /// With the proof that there is none.
    Impossible,
    /// With neither, and why.
    Failed(String),
}

/// A job to insert for a deployment.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// Its id.
    pub job_id: Id,
    /// The job.
    pub job: NewJob,
    /// The deployment.
    pub deployment_id: Id,
    /// Why it plans.
    pub reason: DeploymentReason,
    /// The state of the cluster that it plans for.
    pub stamp: String,
    /// The node whose loss it plans for.
    pub lost_node: Option<String>,
}

/// What was found about a cluster.
#[derive(Debug, Default)]
pub struct Findings {
    /// Deployments that changed, and whether their revision grows.
    pub saves: Vec<(Deployment, bool)>,
    /// Entries of their history.
    pub history: Vec<(Id, Entry)>,
    /// Events, in order.
    pub events: Vec<(EventType, Id)>,
    /// Plans that nobody waits for any more: their end was looked at, or another takes their place.
    pub ended: Vec<Id>,
    /// Those of them that still run, and are to be stopped.
    pub stopped: Vec<Id>,
    /// Plans to begin.
    pub plans: Vec<NewPlan>,
    /// Placements for the loss of nodes.
    pub fallbacks: Vec<Fallback>,
    /// When to look again if nothing changes, by the steady clock.
    pub wake_at: Option<Timestamp>,
    /// How many plans and proposals were dropped because nobody needs to move.
    pub moves_avoided: u64,
}

impl Findings {
    /// Asks for another look at this time at the latest.
    pub fn look_again_at(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |known| known.min(at)));
    }
}

#[derive(sqlx::FromRow)]
struct ClaimRow {
    cluster_id: String,
    tenant: String,
    lease_token: i64,
    changes: i64,
    handled: i64,
    occupancy: i64,
}

#[derive(sqlx::FromRow)]
struct PlanRow {
    job_id: String,
    deployment_id: String,
    reason: String,
    stamp: String,
    lost_node: Option<String>,
    job_status: Option<String>,
    finished_at: Option<i64>,
    error_detail: Option<String>,
    placement_id: Option<String>,
    placement_status: Option<String>,
    document: Option<String>,
}

impl Store {
    /// Makes clusters that a dead process has claimed free at the start. With PostgreSQL other servers may live, and
    /// leases expire.
    ///
    /// # Errors
    /// The database failed.
    pub async fn recover_sites(&self) -> Result<(), StoreError> {
        if self.engine.is_shared() {
            return Ok(());
        }
        self.write(|connection| {
            Box::pin(async move {
                sql::query("UPDATE deployment_clusters SET lease_expires_at = NULL").execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Claims a cluster that is to be looked at: the one whose last claim is the longest ago, so that none is before its turn,
    /// however often it changes. Returns `None` if there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn claim_site(&self, lease: Duration) -> Result<Option<Claim>, StoreError> {
        const DUE: &str = "SELECT COUNT(*) FROM deployment_clusters WHERE (changes > handled OR wake_at <= $1)
             AND (lease_expires_at IS NULL OR lease_expires_at <= $1)";
        let now = self.steady.now();
        let due = sql::query_scalar(DUE).bind(now.as_microsecond());
        let due: i64 = due.fetch_one(&mut self.read().await?).await?;
        if due == 0 {
            return Ok(None);
        }
        let expires = now.checked_add(lease).unwrap_or(Timestamp::MAX).as_microsecond();
        self.write(move |connection| {
            Box::pin(async move {
                let claim = sql::query_as(
                    "UPDATE deployment_clusters SET lease_token = lease_token + 1, lease_expires_at = $2, looked_at = $1
                     WHERE cluster_id = (SELECT cluster_id FROM deployment_clusters
                         WHERE (changes > handled OR wake_at <= $1)
                           AND (lease_expires_at IS NULL OR lease_expires_at <= $1)
                         ORDER BY looked_at, cluster_id LIMIT 1)
                     RETURNING cluster_id, tenant, lease_token, changes, handled, occupancy",
                );
                let claim = claim.bind(now.as_microsecond()).bind(expires);
                let row: Option<ClaimRow> = claim.fetch_optional(connection).await?;
                row.map(Claim::try_from).transpose()
            })
        })
        .await
    }

    /// Returns when a cluster can next be looked at, by [`Store::steady_now`]: once something is to be done, and nobody has
    /// claimed it. A time that has passed means now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_site_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let select = sql::query_scalar(
            "SELECT MIN(CASE WHEN lease_expires_at > due THEN lease_expires_at ELSE due END)
             FROM (SELECT CASE WHEN changes > handled THEN 0 ELSE wake_at END AS due, lease_expires_at
                   FROM deployment_clusters) AS dues
             WHERE due IS NOT NULL",
        );
        let next: Option<i64> = select.fetch_one(&mut self.read().await?).await?;
        next.map(|time| Reading { id: "a cluster with deployments" }.time("wake_at", time)).transpose()
    }

    /// Reads a cluster with everything about its deployments.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn site(&self, tenant: &Tenant, cluster_id: &Id) -> Result<Site, StoreError> {
        let mut connection = self.read().await?;
        let counters = sql::query_as("SELECT changes, occupancy FROM deployment_clusters WHERE cluster_id = $1");
        let counters: Option<(i64, i64)> = counters.bind(cluster_id.as_str()).fetch_optional(&mut connection).await?;
        // They are read first: whatever changes after this, whoever writes by them writes nothing.
        let (changes, occupancy) = counters.unwrap_or_default();
        let deployments = of_cluster(&mut connection, tenant, cluster_id).await?;
        let since = self.steady.now().checked_sub(AN_HOUR).unwrap_or(Timestamp::MIN);
        let proposals = proposals_since(&mut connection, cluster_id, since).await?;
        let plans = plans(&mut connection, cluster_id).await?;
        let fallbacks = fallbacks::of_cluster(&mut connection, cluster_id).await?;
        let measured_since = self.clock.now().checked_sub(MEASUREMENTS_COUNT).unwrap_or(Timestamp::MIN);
        let measured = measurements::of_deployments(&mut connection, cluster_id, measured_since).await?;
        drop(connection);
        let (cluster, inventory) = self.cluster_document(tenant, cluster_id, None).await?;
        Ok(Site { cluster, inventory, deployments, proposals, plans, fallbacks, measured, changes, occupancy })
    }

    /// Writes what was found about a cluster. Returns `false`, and writes nothing, if something has changed since the
    /// claim.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a placement that was deleted since it was read, or the database failed.
    pub async fn finish_site(&self, claim: &Claim, findings: Findings) -> Result<bool, StoreError> {
        let (store, claim) = (self.clone(), claim.clone());
        let finished = self.write(move |connection| {
            Box::pin(async move {
                // Changed deployments are a change for everybody else who has read them, and none to look at again.
                let finish = sql::query(
                    "UPDATE deployment_clusters SET changes = changes + $5, handled = changes + $5, wake_at = $4,
                         lease_expires_at = NULL
                     WHERE cluster_id = $1 AND lease_token = $2 AND changes = $3",
                );
                let finish = finish.bind(claim.cluster_id.as_str()).bind(claim.token).bind(claim.changes);
                let finish = finish.bind(findings.wake_at.map(Timestamp::as_microsecond));
                let finish = finish.bind(i64::from(!findings.saves.is_empty()));
                if finish.execute(&mut *connection).await? == 0 {
                    return Ok((false, false));
                }
                let announced = write(connection, &store, &claim, findings).await?;
                Ok((true, announced))
            })
        });
        let (finished, announced) = finished.await?;
        self.wake_courier(announced);
        Ok(finished)
    }

    /// Prolongs a claim that is still held. One that was given back meanwhile, or expired and was given to another, stays so.
    ///
    /// # Errors
    /// The database failed.
    pub async fn renew_site(&self, claim: &Claim, lease: Duration) -> Result<(), StoreError> {
        let claim = claim.clone();
        let expires = self.steady.now().checked_add(lease).unwrap_or(Timestamp::MAX).as_microsecond();
        self.write(move |connection| {
            Box::pin(async move {
                let renew = sql::query(
                    "UPDATE deployment_clusters SET lease_expires_at = $3
                     WHERE cluster_id = $1 AND lease_token = $2 AND lease_expires_at IS NOT NULL",
                );
                let renew = renew.bind(claim.cluster_id.as_str()).bind(claim.token).bind(expires);
                renew.execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives a claim back without results. The cluster is looked at again if it has changed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn release_site(&self, claim: &Claim) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let release = sql::query(
                    "UPDATE deployment_clusters SET lease_expires_at = NULL WHERE cluster_id = $1 AND lease_token = $2",
                );
                release.bind(claim.cluster_id.as_str()).bind(claim.token).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives a claim back without results. The cluster is looked at again after a delay.
    ///
    /// # Errors
    /// The database failed.
    pub async fn defer_site(&self, claim: &Claim, delay: Duration) -> Result<(), StoreError> {
        let claim = claim.clone();
        let until = self.steady.now().checked_add(delay).unwrap_or(Timestamp::MAX).as_microsecond();
        self.write(move |connection| {
            Box::pin(async move {
                let defer = sql::query(
                    "UPDATE deployment_clusters SET lease_expires_at = $3 WHERE cluster_id = $1 AND lease_token = $2",
                );
                let defer = defer.bind(claim.cluster_id.as_str()).bind(claim.token).bind(until);
                defer.execute(connection).await?;
                Ok(())
            })
        })
        .await
    }
}

async fn write(
    connection: &mut Connection,
    store: &Store,
    claim: &Claim,
    findings: Findings,
) -> Result<bool, StoreError> {
    let (now, steady_now) = (store.clock.now(), store.steady.now());
    for (mut deployment, revised) in findings.saves {
        save(connection, &mut deployment, revised, now).await?;
    }
    for (id, entry) in &findings.history {
        history::add(connection, id, entry, (now, steady_now)).await?;
    }
    for job_id in &findings.ended {
        let end = sql::query("DELETE FROM deployment_jobs WHERE job_id = $1").bind(job_id.as_str());
        end.execute(&mut *connection).await?;
    }
    for plan in findings.plans {
        let NewPlan { job_id, job, deployment_id, reason, stamp, lost_node } = plan;
        store.put_job(connection, job_id.clone(), job, now).await?;
        let insert = sql::query(
            "INSERT INTO deployment_jobs (job_id, deployment_id, cluster_id, reason, stamp, lost_node)
             VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let insert = insert.bind(job_id.as_str()).bind(deployment_id.as_str()).bind(claim.cluster_id.as_str());
        insert.bind(reason.name()).bind(&stamp).bind(&lost_node).execute(&mut *connection).await?;
    }
    for fallback in &findings.fallbacks {
        fallbacks::put(connection, &claim.tenant, fallback).await?;
    }
    let mut announced = false;
    for (event_type, id) in findings.events {
        let deployment = find(connection, &claim.tenant, id.as_str()).await?;
        announced |= events::of_deployment(connection, store, event_type, &deployment, now).await?;
    }
    Ok(announced)
}

async fn plans(connection: &mut Connection, cluster_id: &Id) -> Result<Vec<Plan>, StoreError> {
    let select = sql::query_as(
        "SELECT deployment_jobs.job_id AS job_id, deployment_id, reason, stamp, lost_node, jobs.status AS job_status,
                finished_at, error_detail, placements.id AS placement_id, placements.status AS placement_status,
                placements.document AS document
         FROM deployment_jobs LEFT JOIN jobs ON jobs.id = deployment_jobs.job_id
              LEFT JOIN placements ON placements.job_id = deployment_jobs.job_id
         WHERE deployment_jobs.cluster_id = $1 ORDER BY deployment_jobs.job_id",
    );
    let rows: Vec<PlanRow> = select.bind(cluster_id.as_str()).fetch_all(connection).await?;
    rows.into_iter().map(Plan::try_from).collect()
}

impl TryFrom<ClaimRow> for Claim {
    type Error = StoreError;

    fn try_from(row: ClaimRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.cluster_id };
        Ok(Self {
            cluster_id: reading.id("cluster_id", IdKind::Cluster, &row.cluster_id)?,
            tenant: reading.tenant(&row.tenant)?,
            occupancy: row.occupancy,
            changes: row.changes,
            handled: row.handled,
            token: row.lease_token,
        })
    }
}

impl TryFrom<PlanRow> for Plan {
    type Error = StoreError;

    fn try_from(row: PlanRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.job_id };
        let end = match (row.placement_id, row.document, row.job_status) {
            (Some(_), _, _) if row.placement_status.as_deref() == Some(Status::Infeasible.name()) => {
                Some(PlanEnd::Impossible)
            }
            (Some(id), Some(document), _) => {
                Some(PlanEnd::Placed(reading.id("placement_id", IdKind::Placement, &id)?, document))
            }
            (_, _, Some(_)) if row.finished_at.is_none() => None,
            _ => {
                Some(PlanEnd::Failed(row.error_detail.unwrap_or_else(|| "The job was stopped or deleted.".to_owned())))
            }
        };
        Ok(Self {
            job_id: reading.id("job_id", IdKind::Job, &row.job_id)?,
            deployment_id: reading.id("deployment_id", IdKind::Deployment, &row.deployment_id)?,
            reason: reading.named("reason", &row.reason)?,
            stamp: row.stamp,
            lost_node: row.lost_node,
            end,
        })
    }
}
