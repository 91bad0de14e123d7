//! Queued jobs with damaged rows. They are failed, so that they do not block the queue.

use super::deployments::counters;
use super::job::JobRow;
use super::jobs::one_waits_less;
use super::row::{self, leave_out};
use super::sql;
use super::turns::next_in_turn;
use super::{Job, JobErrorCode, Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;

impl Store {
    /// Fails the job that a claim would take, or the queued job `only`, if it still is the damaged one with this id and column.
    /// Another job whose turn it is meanwhile is left alone if it can be read.
    pub(super) async fn fail_damaged_job(
        &self,
        only: Option<&Id>,
        id: String,
        column: String,
    ) -> Result<(), StoreError> {
        let (only, now, waiting) = (only.cloned(), self.clock.now(), self.waiting.clone());
        let turn = self.last_served();
        self.write(move |connection| {
            Box::pin(async move {
                let only = only.as_ref().map(Id::as_str);
                // The row is selected as a claim selects it and not by its id, since the id may be damaged.
                let select = sql::query(concat!(
                    "SELECT * FROM jobs WHERE status = 'queued' AND id = ",
                    next_in_turn!("$1", "$2", "")
                ));
                let select = select.bind(only).bind(&turn);
                let Some(row) = select.fetch_optional(&mut *connection).await? else { return Ok(()) };
                let is_same = row.try_get::<String>("id").is_ok_and(|found| found == id);
                if !is_same && row::read::<JobRow, Job>(&row).is_ok() {
                    return Ok(());
                }
                let fail = sql::query(concat!(
                    "UPDATE jobs SET status = 'failed', termination = NULL, placement_id = NULL, error_code = $2,
                            error_detail = $3, finished_at = $4, version = version + 1
                     WHERE status = 'queued' AND id = ",
                    next_in_turn!("$1", "$5", "")
                ));
                let detail =
                    format!("Column {column} of the job's record cannot be read. Post the job again with its inputs.");
                let fail = fail.bind(only).bind(JobErrorCode::InputUnreadable.name()).bind(detail);
                fail.bind(now.as_microsecond()).bind(&turn).execute(&mut *connection).await?;
                if let Some(id) = Id::parse(IdKind::Job, &id) {
                    counters::job_ended(connection, &id).await?;
                }
                one_waits_less(&waiting);
                leave_out("jobs", &id, &column);
                Ok(())
            })
        })
        .await
    }
}
