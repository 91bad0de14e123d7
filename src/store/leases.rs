//! The operations of workers on jobs: claim, heartbeat, end, put back, recover. No other module claims jobs.
//!
//! A claim raises the job's fencing token in the same UPDATE that takes it; every later write of the worker names that
//! token. Once another has claimed the job, or it was put back, the old worker's writes find no row and change nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::job::JobRow;
use super::jobs::one_waits_less;
use super::news::News;
use super::placements::{self, Origin};
use super::row::{self, integer, leave_out};
use super::sql;
use super::turns::next_in_turn;
use super::{Connection, Job, JobError, JobErrorCode, JobProgress, JobStatus, Store, StoreError, outbox};
use crate::clock::Clock;
use crate::domain::figures::PlacementFigures;
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::unit::counted;
use jiff::Timestamp;

/// The right to store a job's search, until another worker claims the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job_id: Id,
    token: i64,
    /// When the search began, by the monotonic clock of this process.
    began: Duration,
    /// When it ended, if it has.
    ended: Option<Duration>,
}

impl Lease {
    /// Returns the lease of a search that ended at this monotonic time. Later writes count its duration up to then.
    pub fn of_ended(&self, ended: Duration) -> Self {
        Self { ended: Some(ended), ..self.clone() }
    }
}

/// The best placement of a search so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Incumbent {
    /// Its objective, in the objective's unit. Smaller is better.
    pub objective: f64,
    /// The placement document, JSON text.
    pub document: String,
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The lease.
    pub lease: Lease,
    /// The job, now running.
    pub job: Job,
    /// The incumbent of an interrupted run.
    pub incumbent: Option<Incumbent>,
}

/// Figures of a search, as a client sees them with the job.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// The incumbent's period.
    pub period_s: Option<f64>,
    /// The proven lower bound of an objective that is a time.
    pub lower_bound_s: Option<f64>,
    /// The proven lower bound of the objective `min_nodes`.
    pub lower_bound_nodes: Option<u64>,
    /// (objective − bound) / objective.
    pub gap: Option<f64>,
}

impl Figures {
    /// Returns the figures in a job's row, from an interrupted run.
    pub fn of(job: &Job) -> Self {
        job.progress.map_or_else(
            Self::default,
            |JobProgress { period_s, lower_bound_s, lower_bound_nodes, gap, .. }| Self {
                period_s,
                lower_bound_s,
                lower_bound_nodes,
                gap,
            },
        )
    }
}

/// The results of a search since the last heartbeat.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The current figures.
    pub figures: Figures,
    /// A better incumbent, if there is one.
    pub incumbent: Option<Incumbent>,
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With a placement, or the proof that there is none.
    Answered {
        /// The document's figures; their status is not unknown.
        figures: Box<PlacementFigures>,
        /// The placement document, JSON text.
        document: String,
    },
    /// The job was stopped before there was a placement.
    Cancelled,
    /// With an error.
    Failed(JobError),
}

/// A rule for running jobs that no longer have a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Abandoned {
    /// At the start of a process with this name. A file of SQLite has one process at a time, so that all others are dead:
    /// their jobs. With PostgreSQL others may live: jobs whose lease has expired.
    NotOwnedBy(String),
    /// Jobs whose lease has expired, except for those that run in this process, whose heartbeat is late.
    Expired {
        /// Jobs that run in this process.
        alive: Vec<Id>,
    },
}

/// The abandoned jobs by outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Jobs put back into the queue.
    pub requeued: Vec<Id>,
    /// Jobs that failed, because they had been put back too often.
    pub failed: Vec<Id>,
}

/// Claims a job: $1 the process, $2 the end of the lease, $3 now, $4 the only job, $5 the tenant that was served last.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET status = 'running', lease_owner = $1, lease_token = lease_token + 1, lease_expires_at = $2,
                    started_at = $3, elapsed_us = 0, started_version = version + 1, version = version + 1
             WHERE status = 'queued' AND id = ",
            next_in_turn!("$4", "$5", $lock),
            " RETURNING *"
        )
    };
}

#[derive(sqlx::FromRow)]
struct IncumbentRow {
    objective: f64,
    document: String,
}

impl Store {
    /// Claims the oldest queued job of the next tenant in turn, or the queued job `only`, for a process. A job with a
    /// damaged row fails, and the next is claimed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn claim_job(
        &self,
        owner: &str,
        lease: Duration,
        only: Option<&Id>,
    ) -> Result<Option<Claimed>, StoreError> {
        loop {
            match self.try_claim(owner, lease, only).await {
                Err(StoreError::Unreadable { id, column, .. }) => self.fail_damaged_job(only, id, column).await?,
                claimed => return claimed,
            }
        }
    }

    async fn try_claim(&self, owner: &str, lease: Duration, only: Option<&Id>) -> Result<Option<Claimed>, StoreError> {
        let (owner, only, waiting) = (owner.to_owned(), only.cloned(), self.waiting.clone());
        let (clock, steady) = (self.clock.clone(), self.steady.clone());
        let turn = self.last_served();
        let claimed = self.write_row(move |connection| {
            Box::pin(async move {
                let now = clock.now();
                let claim = sql::query(connection.pick(claim!(""), claim!(" FOR UPDATE SKIP LOCKED")));
                let claim = claim.bind(owner).bind(expiry(steady.now(), lease)).bind(now.as_microsecond());
                let claim = claim.bind(only.as_ref().map(Id::as_str)).bind(&turn);
                let row = claim.fetch_optional(&mut *connection).await?;
                let Some(row) = row else { return Ok(None) };
                let job: Job = row::read::<JobRow, Job>(&row)?;
                let token = row.try_get("lease_token").map_err(|error| row::named(error, job.id.as_str()))?;
                let incumbent = incumbent(connection, &job.id).await?;
                connection.tell(News::Job(job.id.clone()));
                one_waits_less(&waiting);
                Ok(Some(Claimed {
                    lease: Lease { job_id: job.id.clone(), token, began: clock.monotonic(), ended: None },
                    job,
                    incumbent,
                }))
            })
        });
        let claimed = claimed.await?;
        if let Some(claimed) = &claimed {
            self.serve(&claimed.job.tenant);
        }
        Ok(claimed)
    }

    /// Renews a lease and stores the new results, if any. Returns `true` if a client asked to stop the job.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], or the database failed.
    pub async fn heartbeat(&self, lease: &Lease, period: Duration, found: Option<Found>) -> Result<bool, StoreError> {
        let (lease, clock, steady) = (lease.clone(), self.clock.clone(), self.steady.clone());
        self.write_row(move |connection| {
            Box::pin(async move {
                let renew = sql::query_scalar(
                    "UPDATE jobs SET lease_expires_at = $3, elapsed_us = $4
                     WHERE id = $1 AND lease_token = $2 AND status = 'running' RETURNING stop_requested",
                );
                let renew = renew.bind(lease.job_id.as_str()).bind(lease.token).bind(expiry(steady.now(), period));
                let renew = renew.bind(elapsed_us(&lease, &*clock));
                let stop_requested: Option<bool> = renew.fetch_optional(&mut *connection).await?;
                let stop_requested = stop_requested.ok_or_else(|| lost(&lease))?;
                if let Some(found) = found {
                    connection.tell(News::Job(lease.job_id.clone()));
                    store_figures(connection, &lease, found.figures, found.incumbent.is_some()).await?;
                    store_incumbent(connection, &lease, found.incumbent).await?;
                }
                Ok(stop_requested)
            })
        })
        .await
    }

    /// Returns `true` if a client asked to stop a job that has not ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_stop_requested(&self, job_id: &Id) -> Result<bool, StoreError> {
        let select = sql::query_scalar("SELECT stop_requested FROM jobs WHERE id = $1 AND finished_at IS NULL");
        let asked: Option<bool> = select.bind(job_id.as_str()).fetch_optional(&mut self.read().await?).await?;
        Ok(asked.unwrap_or(false))
    }

    /// Ends a job and stores its placement in one transaction.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], or the database failed.
    pub async fn end_job(&self, lease: &Lease, figures: Figures, ending: Ending) -> Result<Job, StoreError> {
        let (lease, ids) = (lease.clone(), self.ids.clone());
        let (clock, steady) = (self.clock.clone(), self.steady.clone());
        let placement_id = self.ids.id(IdKind::Placement);
        let ended = self.write(move |connection| {
            Box::pin(async move {
                let now = clock.now();
                store_figures(connection, &lease, figures, false).await?;
                connection.tell(News::Job(lease.job_id.clone()));
                let job = end(connection, &lease, &ending, &placement_id, now, elapsed_us(&lease, &*clock)).await?;
                // The incumbent of a failed job stays, since the checker accepted it.
                if job.status != JobStatus::Failed {
                    let delete = sql::query("DELETE FROM incumbents WHERE job_id = $1").bind(job.id.as_str());
                    delete.execute(&mut *connection).await?;
                }
                if let Ending::Answered { figures, document } = ending {
                    placements::insert(connection, Origin::of(&job), &placement_id, now, &figures, &document).await?;
                }
                let announced = outbox::announce(connection, &*ids, &job, now, steady.now()).await?;
                Ok((job, announced))
            })
        });
        let (job, announced) = ended.await?;
        self.wake_courier(announced);
        Ok(job)
    }

    /// Puts a running job back into the queue with its results. This does not count as a crash.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], or the database failed.
    pub async fn release_job(&self, lease: &Lease, found: Found) -> Result<(), StoreError> {
        let (lease, waiting) = (lease.clone(), self.waiting.clone());
        self.write_row(move |connection| {
            Box::pin(async move {
                store_figures(connection, &lease, found.figures, found.incumbent.is_some()).await?;
                store_incumbent(connection, &lease, found.incumbent).await?;
                let update = sql::query(
                    "UPDATE jobs SET status = 'queued', lease_owner = NULL, lease_expires_at = NULL,
                            started_at = NULL, elapsed_us = NULL, queued_version = version + 1, version = version + 1
                     WHERE id = $1 AND lease_token = $2 AND status = 'running'",
                );
                let update = update.bind(lease.job_id.as_str()).bind(lease.token);
                held(&lease, update.execute(&mut *connection).await?)?;
                connection.tell(News::Job(lease.job_id.clone()));
                connection.tell(News::Queued);
                waiting.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        })
        .await
    }

    /// Puts abandoned jobs back into the queue. A job fails after `most_crashes` times.
    ///
    /// # Errors
    /// The database failed.
    pub async fn recover_jobs(&self, abandoned: Abandoned, most_crashes: u32) -> Result<Recovered, StoreError> {
        let (clock, steady, ids) = (self.clock.clone(), self.steady.clone(), self.ids.clone());
        let is_shared = self.engine.is_shared();
        let recovered = self.write(move |connection| {
            Box::pin(async move {
                let time = clock.now();
                let now = time.as_microsecond();
                let (owner, expired_before, alive) = match &abandoned {
                    Abandoned::NotOwnedBy(owner) if is_shared => {
                        (owner.as_str(), steady.now().as_microsecond(), [].as_slice())
                    }
                    Abandoned::NotOwnedBy(owner) => (owner.as_str(), i64::MAX, [].as_slice()),
                    // No process has this name.
                    Abandoned::Expired { alive } => ("", steady.now().as_microsecond(), alive.as_slice()),
                };
                let alive = json_text(&alive.iter().map(Id::as_str).collect::<Vec<_>>());
                let fail = sql::query(
                    "UPDATE jobs SET status = 'failed', lease_owner = NULL, lease_expires_at = NULL, finished_at = $4,
                            error_code = $5, error_detail = $6, version = version + 1
                     WHERE status = 'running' AND lease_owner <> $1 AND lease_expires_at < $2 AND crashes >= $3
                       AND id NOT IN (SELECT value FROM json_each($7))
                     RETURNING *",
                );
                let fail = fail.bind(owner).bind(expired_before).bind(i64::from(most_crashes)).bind(now);
                let fail = fail.bind(JobErrorCode::CrashedTooOften.name()).bind(crash_detail(most_crashes));
                let fail = fail.bind(&alive);
                let rows = fail.fetch_all(&mut *connection).await?;
                let (mut failed, mut announced) = (Vec::with_capacity(rows.len()), false);
                for row in &rows {
                    let job = match row::read::<JobRow, Job>(row) {
                        Ok(job) => job,
                        // The job has failed like the others, but its message cannot be written without reading it.
                        Err(StoreError::Unreadable { id, column, .. }) => {
                            leave_out("jobs", &id, &column);
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                    announced |= outbox::announce(connection, &*ids, &job, time, steady.now()).await?;
                    connection.tell(News::Job(job.id.clone()));
                    failed.push(job.id);
                }
                let requeue = sql::query(
                    "UPDATE jobs SET status = 'queued', lease_owner = NULL, lease_expires_at = NULL, started_at = NULL,
                            elapsed_us = NULL, crashes = crashes + 1, queued_version = version + 1, version = version + 1
                     WHERE status = 'running' AND lease_owner <> $1 AND lease_expires_at < $2
                       AND id NOT IN (SELECT value FROM json_each($3))
                     RETURNING id",
                );
                let requeue = requeue.bind(owner).bind(expired_before).bind(&alive);
                let rows = requeue.fetch_all(&mut *connection).await?;
                // A job with a damaged id waits too. It fails when a worker claims it.
                let ids = rows.iter().filter_map(|row| row.try_get::<String>("id").ok());
                let requeued: Vec<Id> = ids.filter_map(|id| Id::parse(IdKind::Job, &id)).collect();
                if !rows.is_empty() {
                    connection.tell(News::Queued);
                }
                requeued.iter().for_each(|id| connection.tell(News::Job(id.clone())));
                Ok((Recovered { requeued, failed }, announced))
            })
        });
        let (recovered, announced) = recovered.await?;
        self.wake_courier(announced);
        Ok(recovered)
    }
}

fn crash_detail(most_crashes: u32) -> String {
    format!(
        "The service ended {} while it solved this job. Give it more memory, or post the job with a smaller \
         model, a smaller cluster or a shorter time limit.",
        counted(u64::from(most_crashes) + 1, "time")
    )
}

fn expiry(now: Timestamp, lease: Duration) -> i64 {
    now.checked_add(lease).unwrap_or(Timestamp::MAX).as_microsecond()
}

/// Returns how long the search of a lease has run.
fn elapsed_us(lease: &Lease, clock: &dyn Clock) -> i64 {
    let until = lease.ended.unwrap_or_else(|| clock.monotonic());
    i64::try_from(until.saturating_sub(lease.began).as_micros()).unwrap_or(i64::MAX)
}

fn lost(lease: &Lease) -> StoreError {
    StoreError::LeaseLost { id: lease.job_id.clone() }
}

fn held(lease: &Lease, rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(lost(lease)) }
}

async fn incumbent(connection: &mut Connection, job_id: &Id) -> Result<Option<Incumbent>, StoreError> {
    let select = sql::query_as("SELECT objective, document FROM incumbents WHERE job_id = $1").bind(job_id.as_str());
    let row: Option<IncumbentRow> =
        select.fetch_optional(connection).await.map_err(|error| row::named(error, job_id.as_str()))?;
    Ok(row.map(|IncumbentRow { objective, document }| Incumbent { objective, document }))
}

/// Stores the figures and updates the versions of the job's events. `better` says whether the incumbent is new.
async fn store_figures(
    connection: &mut Connection,
    lease: &Lease,
    figures: Figures,
    better: bool,
) -> Result<(), StoreError> {
    let lower_bound_nodes = figures.lower_bound_nodes.map(|nodes| integer("lower_bound_nodes", nodes)).transpose()?;
    let update = sql::query(
        "UPDATE jobs SET period_s = $3, lower_bound_s = $4, lower_bound_nodes = $5, gap = $6, version = version + 1,
                incumbent_version = CASE WHEN $7 OR ($3 IS NOT NULL AND period_s IS DISTINCT FROM $3)
                    THEN version + 1 ELSE incumbent_version END,
                bound_version = CASE WHEN lower_bound_s IS DISTINCT FROM $4
                    OR lower_bound_nodes IS DISTINCT FROM $5 THEN version + 1 ELSE bound_version END
         WHERE id = $1 AND lease_token = $2 AND status = 'running'",
    );
    let update = update.bind(lease.job_id.as_str()).bind(lease.token).bind(figures.period_s);
    let update = update.bind(figures.lower_bound_s).bind(lower_bound_nodes).bind(figures.gap).bind(better);
    held(lease, update.execute(connection).await?)
}

/// Call it after a fenced UPDATE in the same transaction.
async fn store_incumbent(
    connection: &mut Connection,
    lease: &Lease,
    incumbent: Option<Incumbent>,
) -> Result<(), StoreError> {
    let Some(Incumbent { objective, document }) = incumbent else { return Ok(()) };
    sql::query(
        "INSERT INTO incumbents (job_id, objective, document) VALUES ($1, $2, $3)
         ON CONFLICT (job_id) DO UPDATE SET objective = excluded.objective, document = excluded.document",
    )
    .bind(lease.job_id.as_str())
    .bind(objective)
    .bind(document)
    .execute(connection)
    .await?;
    Ok(())
}

async fn end(
    connection: &mut Connection,
    lease: &Lease,
    ending: &Ending,
    placement_id: &Id,
    now: Timestamp,
    elapsed_us: i64,
) -> Result<Job, StoreError> {
    let (status, termination, placement_id, error) = match ending {
        Ending::Answered { figures, .. } if figures.status == Status::Infeasible => {
            (JobStatus::Infeasible, Some(figures.termination), Some(placement_id), None)
        }
        Ending::Answered { figures, .. } => (JobStatus::Succeeded, Some(figures.termination), Some(placement_id), None),
        Ending::Cancelled => (JobStatus::Cancelled, None, None, None),
        Ending::Failed(error) => (JobStatus::Failed, None, None, Some(error)),
    };
    let update = sql::query_as(
        "UPDATE jobs SET status = $3, termination = $4, placement_id = $5, error_code = $6, error_detail = $7,
                finished_at = $8, elapsed_us = $9, lease_owner = NULL, lease_expires_at = NULL, version = version + 1
         WHERE id = $1 AND lease_token = $2 AND status = 'running'
         RETURNING *",
    );
    let update = update.bind(lease.job_id.as_str()).bind(lease.token).bind(status.name());
    let update = update.bind(termination.map(Named::name)).bind(placement_id.map(Id::as_str));
    let update = update.bind(error.map(|error| error.code.name())).bind(error.map(|error| error.detail.as_str()));
    let update = update.bind(now.as_microsecond()).bind(elapsed_us);
    let row: Option<JobRow> = update.fetch_optional(connection).await?;
    row.ok_or_else(|| lost(lease))?.try_into()
}
