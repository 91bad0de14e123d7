//! Queued jobs whose rows are damaged: each ends as failed, so that the next has its turn.

use sqlx::Row as _;

use super::job::JobRow;
use super::jobs::one_waits_less;
use super::row::{self, leave_out};
use super::{Job, JobErrorCode, Store, StoreError};
use crate::domain::id::Id;
use crate::domain::named::Named;

impl Store {
    /// Ends the oldest queued job, or the queued job `only`, as failed. It is the one of this id, whose column cannot be
    /// read; another that has come to its place stays where it can be read.
    pub(super) async fn set_aside_job(&self, only: Option<&Id>, id: String, column: String) -> Result<(), StoreError> {
        let (only, now, waiting) = (only.cloned(), self.clock.now(), self.waiting.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let only = only.as_ref().map(Id::as_str);
                // As a claim takes it. It is named by its place, since its id may be what is damaged.
                let select = sqlx::query(
                    "SELECT * FROM jobs WHERE status = 'queued' AND id = COALESCE($1,
                         (SELECT id FROM jobs WHERE status = 'queued' ORDER BY sequence LIMIT 1))",
                );
                let Some(row) = select.bind(only).fetch_optional(&mut *connection).await? else { return Ok(()) };
                let is_same = row.try_get::<String, _>("id").is_ok_and(|found| found == id);
                if !is_same && row::read::<JobRow, Job>(&row).is_ok() {
                    return Ok(());
                }
                let fail = sqlx::query(
                    "UPDATE jobs SET status = 'failed', termination = NULL, placement_id = NULL, error_code = $2,
                            error_detail = $3, finished_at = $4, version = version + 1
                     WHERE status = 'queued' AND id = COALESCE($1,
                         (SELECT id FROM jobs WHERE status = 'queued' ORDER BY sequence LIMIT 1))",
                );
                let detail =
                    format!("Column {column} of the job's record cannot be read. Post the job again with its inputs.");
                let fail = fail.bind(only).bind(JobErrorCode::InputUnreadable.name()).bind(detail);
                fail.bind(now.as_microsecond()).execute(connection).await?;
                one_waits_less(&waiting);
                leave_out("jobs", &id, &column);
                Ok(())
            })
        })
        .await
    }
}
