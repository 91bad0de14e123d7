//! Queued jobs with damaged rows. They are failed, so that they do not block the queue.

use sqlx::Row as _;

use super::job::JobRow;
use super::jobs::one_waits_less;
use super::row::{self, leave_out};
use super::{Job, JobErrorCode, Store, StoreError};
use crate::domain::id::Id;
use crate::domain::named::Named;

impl Store {
    /// Fails the oldest queued job, or the queued job `only`, if it still is the damaged one with this id and column.
    /// Another job that has become the oldest meanwhile is left alone if it can be read.
    pub(super) async fn fail_damaged_job(
        &self,
        only: Option<&Id>,
        id: String,
        column: String,
    ) -> Result<(), StoreError> {
        let (only, now, waiting) = (only.cloned(), self.clock.now(), self.waiting.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let only = only.as_ref().map(Id::as_str);
                // The row is selected as a claim selects it and not by its id, since the id may be damaged.
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
