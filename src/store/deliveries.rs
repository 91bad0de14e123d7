//! Deliveries: queries for clients, and the operations of the dispatcher.
//!
//! A claim increments the number of the attempt, and the attempt's outcome is stored only under that number. So an
//! attempt that a later claim has superseded changes nothing. A delivery whose process died becomes due again.

use std::time::Duration;

use jiff::Timestamp;

use super::delivery::{ClaimedDelivery, Delivery, DeliveryAttempt, DeliveryRow, DeliveryStatus, DueDelivery, Verdict};
use super::jobs::push_names;
use super::news::News;
use super::row::{Reading, integer, leave_out};
use super::sql::{self, QueryBuilder};
use super::webhook::{Webhook, WebhookRow};
use super::{Connection, Listed, Page, Store, StoreError, webhooks};
use crate::clock::SteadyClock;
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;

/// Deliveries with their messages.
const SELECT: &str = "SELECT * FROM (
    SELECT webhook_messages.id AS id, webhook_deliveries.webhook_id AS webhook_id, job_id, event_type, status, attempts,
           next_attempt_at, webhook_deliveries.created_at AS created_at,
           webhook_deliveries.sequence AS sequence, last_attempt_at, last_duration_us, last_outcome,
           last_status_code, last_detail
    FROM webhook_deliveries JOIN webhook_messages ON webhook_messages.id = webhook_deliveries.message_id) AS listed
    WHERE webhook_id = ";

#[derive(sqlx::FromRow)]
struct DueRow {
    webhook_id: String,
    message_id: String,
}

#[derive(sqlx::FromRow)]
struct ClaimRow {
    attempts: i64,
    attempts_before: i64,
}

impl Store {
    /// Returns a webhook's deliveries with one of these statuses in the order of inserts. No status means any.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the webhook, or the database failed.
    pub async fn deliveries(
        &self,
        tenant: &Tenant,
        webhook_id: &Id,
        statuses: &[DeliveryStatus],
        page: Page,
    ) -> Result<Listed<Delivery>, StoreError> {
        let mut connection = self.read().await?;
        let webhook = webhooks::find(&mut connection, tenant, webhook_id.as_str()).await?;
        let mut query = QueryBuilder::new(SELECT);
        query.push_bind(webhook.id.as_str().to_owned());
        push_names(&mut query, statuses);
        let mut listed = page.read::<DeliveryRow, Delivery>(&mut connection, "webhook_deliveries", query).await?;
        listed.items = listed.items.into_iter().map(|delivery| for_client(&self.steady, delivery)).collect();
        Ok(listed)
    }

    /// Makes a delivery due now, even if an attempt is running. An ended delivery restarts the schedule.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::WebhookDisabled`], or the database failed.
    pub async fn resend(&self, tenant: &Tenant, webhook_id: &Id, message_id: &Id) -> Result<Delivery, StoreError> {
        let (tenant, webhook_id, message_id) = (tenant.clone(), webhook_id.clone(), message_id.clone());
        let (steady, now) = (self.steady.clone(), self.steady.now().as_microsecond());
        let delivery = self.write(move |connection| {
            Box::pin(async move {
                let webhook = webhooks::find(connection, &tenant, webhook_id.as_str()).await?;
                if webhook.disabled.is_some() {
                    return Err(StoreError::WebhookDisabled { id: webhook.id });
                }
                let update = sql::query(
                    "UPDATE webhook_deliveries SET status = 'pending', next_attempt_at = $3, claimed_until = NULL,
                            attempts_before = CASE WHEN status = 'pending' THEN attempts_before ELSE attempts END
                     WHERE webhook_id = $1 AND message_id = $2",
                );
                let update = update.bind(webhook_id.as_str()).bind(message_id.as_str()).bind(now);
                if update.execute(&mut *connection).await? == 0 {
                    return Err(StoreError::NotFound { kind: IdKind::Message, id: message_id.as_str().to_owned() });
                }
                connection.tell(News::Deliveries);
                Ok(for_client(&steady, find(connection, &webhook_id, &message_id).await?))
            })
        });
        let delivery = delivery.await?;
        self.wake_courier(true);
        Ok(delivery)
    }

    /// Wakes the dispatcher if there are new deliveries.
    pub(super) fn wake_courier(&self, announced: bool) {
        if announced {
            self.outbox.notify_one();
        }
    }

    /// Waits for new due deliveries.
    pub async fn deliveries_came(&self) {
        self.outbox.notified().await;
    }

    /// Returns due deliveries without a claim, the longest due first. At most `of_each` belong to one webhook, so that
    /// one with many does not delay the others.
    ///
    /// # Errors
    /// The database failed.
    pub async fn due_deliveries(&self, of_each: u32, most: u32) -> Result<Vec<DueDelivery>, StoreError> {
        let rows: Vec<DueRow> = sql::query_as(
            "SELECT webhook_id, message_id FROM (
                 SELECT webhook_id, message_id, next_attempt_at,
                        ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY next_attempt_at, message_id) AS place
                 FROM webhook_deliveries
                 WHERE status = 'pending' AND next_attempt_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)
             ) AS due
             WHERE place <= $2 ORDER BY next_attempt_at, message_id LIMIT $3",
        )
        .bind(self.steady.now().as_microsecond())
        .bind(i64::from(of_each))
        .bind(i64::from(most))
        .fetch_all(&mut self.read().await?)
        .await?;
        let due = rows.into_iter().filter_map(|row| match DueDelivery::try_from(row) {
            Ok(due) => Some(Ok(due)),
            Err(StoreError::Unreadable { id, column, .. }) => {
                leave_out("webhook_deliveries", &id, &column);
                None
            }
            Err(error) => Some(Err(error)),
        });
        due.collect()
    }

    /// Returns when the next delivery becomes due, by [`Store::steady_now`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_delivery_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let select = sql::query_scalar(
            "SELECT next_attempt_at FROM webhook_deliveries WHERE status = 'pending' AND next_attempt_at > $1
             ORDER BY next_attempt_at LIMIT 1",
        );
        let next = select.bind(self.steady.now().as_microsecond()).fetch_optional(&mut self.read().await?).await;
        let next: Option<i64> = match next.map_err(StoreError::from) {
            // SQLite sorts values that are not numbers after all numbers, so no other delivery is due earlier.
            Err(StoreError::Unreadable { .. }) => None,
            next => next?,
        };
        next.map(|time| Reading { id: "the deliveries" }.time("next_attempt_at", time)).transpose()
    }

    /// Claims due deliveries for one attempt each. Those that are no longer due are skipped. A delivery that is
    /// damaged, or whose webhook is, fails.
    ///
    /// # Errors
    /// The database failed.
    pub async fn claim_deliveries(
        &self,
        due: Vec<DueDelivery>,
        claim: Duration,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let (now, wall) = (self.steady.now(), self.clock.now());
        self.write(move |connection| {
            Box::pin(async move {
                let mut claimed = Vec::with_capacity(due.len());
                for DueDelivery { webhook_id, message_id } in due {
                    match claim_one(connection, webhook_id.clone(), message_id.clone(), (now, wall), claim).await {
                        Ok(one) => claimed.extend(one),
                        Err(StoreError::Unreadable { id, column, .. }) => {
                            fail_one(connection, &webhook_id, &message_id).await?;
                            leave_out("webhook_deliveries", &id, &column);
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(claimed)
            })
        })
        .await
    }

    /// Stores the outcome of an attempt and returns `true`. Returns `false` and changes nothing if the attempt was
    /// superseded: the delivery was requested again meanwhile, or its webhook was deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn record_attempt(
        &self,
        claimed: &ClaimedDelivery,
        attempt: DeliveryAttempt,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let (claimed, now) = (claimed.clone(), self.clock.now().as_microsecond());
        self.write(move |connection| {
            Box::pin(async move {
                let recorded = record(connection, &claimed, attempt, verdict).await?;
                if recorded && verdict == Verdict::Gone {
                    let disable = sql::query(
                        "UPDATE webhooks SET disabled_at = $3, disabled_reason = 'gone', version = version + 1
                         WHERE id = $1 AND url = $2 AND disabled_at IS NULL",
                    );
                    let disable = disable.bind(claimed.webhook_id.as_str()).bind(&claimed.url).bind(now);
                    if disable.execute(&mut *connection).await? == 1 {
                        fail_pending(connection, &claimed.webhook_id).await?;
                    }
                }
                Ok(recorded)
            })
        })
        .await
    }

    /// Releases every claim at the start, when no attempt can be running. With PostgreSQL other servers may run attempts,
    /// so that claims end by their time alone. `longest` is the longest delay between two attempts: a delivery that is
    /// due later, because the clock was set back, becomes due now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unclaim_deliveries(&self, longest: Duration) -> Result<u64, StoreError> {
        let now = self.steady.now();
        let is_shared = self.engine.is_shared();
        let latest = now.checked_add(longest).unwrap_or(Timestamp::MAX).as_microsecond();
        self.write(move |connection| {
            Box::pin(async move {
                let due = sql::query(
                    "UPDATE webhook_deliveries SET next_attempt_at = $1 WHERE status = 'pending' AND next_attempt_at > $2",
                );
                due.bind(now.as_microsecond()).bind(latest).execute(&mut *connection).await?;
                if is_shared {
                    return Ok(0);
                }
                let unclaim = "UPDATE webhook_deliveries SET claimed_until = NULL WHERE claimed_until IS NOT NULL";
                Ok(sql::query(unclaim).execute(connection).await?)
            })
        })
        .await
    }

    /// Deletes messages older than this with their deliveries, unless a delivery is pending. Returns how many were
    /// deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_messages(&self, age: Duration) -> Result<u64, StoreError> {
        // Setting the clock forward must not make messages old.
        let before =
            self.clock.now().min(self.steady.now()).checked_sub(age).unwrap_or(Timestamp::MIN).as_microsecond();
        self.write(move |connection| {
            Box::pin(async move {
                let delete = sql::query(
                    "DELETE FROM webhook_messages WHERE created_at < $1
                       AND NOT EXISTS (SELECT 1 FROM webhook_deliveries
                                       WHERE message_id = webhook_messages.id AND status = 'pending')",
                );
                Ok(delete.bind(before).execute(connection).await?)
            })
        })
        .await
    }
}

impl TryFrom<DueRow> for DueDelivery {
    type Error = StoreError;

    fn try_from(row: DueRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.message_id };
        Ok(Self {
            webhook_id: reading.id("webhook_id", IdKind::Webhook, &row.webhook_id)?,
            message_id: reading.id("message_id", IdKind::Message, &row.message_id)?,
        })
    }
}

/// Converts a delivery for clients, whose times are of the wall clock.
fn for_client(steady: &SteadyClock, delivery: Delivery) -> Delivery {
    let next_attempt_at = delivery.next_attempt_at.map(|time| steady.to_wall_time(time));
    Delivery { next_attempt_at, ..delivery }
}

/// Fails the pending deliveries of a webhook.
pub(super) async fn fail_pending(connection: &mut Connection, webhook_id: &Id) -> Result<(), StoreError> {
    let fail = sql::query(
        "UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL, claimed_until = NULL
         WHERE webhook_id = $1 AND status = 'pending'",
    );
    fail.bind(webhook_id.as_str()).execute(connection).await?;
    Ok(())
}

async fn fail_one(connection: &mut Connection, webhook_id: &Id, message_id: &Id) -> Result<(), StoreError> {
    let fail = sql::query(
        "UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL, claimed_until = NULL
         WHERE webhook_id = $1 AND message_id = $2",
    );
    fail.bind(webhook_id.as_str()).bind(message_id.as_str()).execute(connection).await?;
    Ok(())
}

async fn find(connection: &mut Connection, webhook_id: &Id, message_id: &Id) -> Result<Delivery, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push_bind(webhook_id.as_str()).push(" AND id = ").push_bind(message_id.as_str().to_owned());
    let row: DeliveryRow = query.build_query_as().fetch_one(connection).await?;
    row.try_into()
}

async fn claim_one(
    connection: &mut Connection,
    webhook_id: Id,
    message_id: Id,
    (now, wall): (Timestamp, Timestamp),
    claim: Duration,
) -> Result<Option<ClaimedDelivery>, StoreError> {
    let update = sql::query_as(
        "UPDATE webhook_deliveries SET attempts = attempts + 1, claimed_until = $4
         WHERE webhook_id = $1 AND message_id = $2 AND status = 'pending' AND next_attempt_at <= $3
           AND (claimed_until IS NULL OR claimed_until <= $3)
         RETURNING attempts, attempts_before",
    );
    let until = now.checked_add(claim).unwrap_or(Timestamp::MAX).as_microsecond();
    let update = update.bind(webhook_id.as_str()).bind(message_id.as_str()).bind(now.as_microsecond()).bind(until);
    let row: Option<ClaimRow> = update.fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let select = sql::query_as("SELECT * FROM webhooks WHERE id = $1").bind(webhook_id.as_str());
    let webhook: WebhookRow = select.fetch_one(&mut *connection).await?;
    let webhook = Webhook::try_from(webhook)?;
    let select = sql::query_scalar("SELECT payload FROM webhook_messages WHERE id = $1").bind(message_id.as_str());
    let payload: String = select.fetch_one(connection).await?;
    let reading = Reading { id: message_id.as_str() };
    let attempt = reading.count("attempts", row.attempts)?;
    let try_number = reading.count("attempts_before", row.attempts - row.attempts_before)?;
    // A secret that seems expired because the clock was set forward still signs.
    let secrets = webhook.secrets_at(now.min(wall));
    Ok(Some(ClaimedDelivery { attempt, try_number, url: webhook.url, secrets, payload, webhook_id, message_id }))
}

/// Stores the state of a delivery after an attempt. A delivery whose webhook was disabled during the attempt stays
/// failed. One that is pending without a claim was requested again, so the attempt is superseded.
async fn record(
    connection: &mut Connection,
    claimed: &ClaimedDelivery,
    attempt: DeliveryAttempt,
    verdict: Verdict,
) -> Result<bool, StoreError> {
    let (status, next) = match verdict {
        Verdict::Delivered => (DeliveryStatus::Delivered, None),
        Verdict::Again(at) => (DeliveryStatus::Pending, Some(at)),
        Verdict::Failed | Verdict::Gone => (DeliveryStatus::Failed, None),
    };
    let update = sql::query(
        "UPDATE webhook_deliveries
         SET status = CASE WHEN $4 = 'pending' THEN status ELSE $4 END,
             next_attempt_at = CASE WHEN status = 'pending' THEN $5 END,
             claimed_until = NULL, last_attempt_at = $6, last_duration_us = $7, last_outcome = $8,
             last_status_code = $9, last_detail = $10
         WHERE webhook_id = $1 AND message_id = $2 AND attempts = $3
           AND (claimed_until IS NOT NULL OR status <> 'pending')",
    );
    let duration_us = u64::try_from(attempt.duration.as_micros()).unwrap_or(u64::MAX);
    let update = update.bind(claimed.webhook_id.as_str()).bind(claimed.message_id.as_str());
    let update = update.bind(integer("attempt", claimed.attempt)?).bind(status.name());
    let update = update.bind(next.map(Timestamp::as_microsecond)).bind(attempt.at.as_microsecond());
    let update = update.bind(integer("duration_us", duration_us)?).bind(attempt.outcome.name());
    let update = update.bind(attempt.status_code.map(i64::from)).bind(attempt.detail);
    Ok(update.execute(connection).await? == 1)
}
