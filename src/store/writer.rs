//! The writer: one task that owns the only connection that writes, and commits operations in groups.
//!
//! Whatever waits is put into one transaction, each operation in a savepoint of its own: a group costs one fsync,
//! and an operation that fails takes nothing with it. An operation is answered after its commit, never before. One
//! whose caller has gone away still runs as a whole, or not at all.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::histogram;
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};

use super::{Connection, StoreError};
use crate::clock::Clock;
use crate::telemetry::metric;

/// How many operations may wait before callers do.
const WAITING_LIMIT: usize = 4096;

/// Where operations are handed in; clones feed one task.
#[derive(Clone)]
pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
}

enum Request {
    Write(Box<dyn Operation>),
    Close(oneshot::Sender<()>),
}

/// A write whose result type is known to it alone.
trait Operation: Send {
    /// Runs it within the open transaction; says whether to keep what it wrote.
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool>;

    /// Answers the caller: with the result, or with why the commit failed.
    fn answer(self: Box<Self>, commit_failure: Option<&str>);
}

struct Write<T, F> {
    work: Option<F>,
    /// None where it was not run, because the transaction did not begin or had ended by itself.
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Write<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            // The future is made within: a panic while it is made counts as well.
            let guarded = AssertUnwindSafe(async move { work(connection).await });
            let result = guarded.catch_unwind().await.unwrap_or(Err(StoreError::Panicked));
            self.result.insert(result).is_ok()
        })
    }

    fn answer(self: Box<Self>, commit_failure: Option<&str>) {
        let result = match (self.result, commit_failure) {
            (Some(Ok(_)) | None, Some(failure)) => Err(StoreError::Commit(failure.to_owned())),
            (Some(result), _) => result,
            (None, None) => Err(StoreError::Closed),
        };
        // Nobody waits for the answer any more: the write stands all the same.
        let _ = self.reply.send(result);
    }
}

impl Writer {
    /// Starts the task.
    pub(super) fn start(connection: Connection, group_limit: usize, clock: Arc<dyn Clock>) -> Self {
        let (requests, inbox) = mpsc::channel(WAITING_LIMIT);
        tokio::spawn(serve(connection, inbox, group_limit.max(1), clock));
        Self { requests }
    }

    /// Runs an operation and returns its result once it is durable.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let operation = Write { work: Some(work), result: None, reply };
        let sent = self.requests.send(Request::Write(Box::new(operation))).await;
        sent.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Finishes what waits, then closes the connection.
    pub(super) async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.requests.send(Request::Close(closed)).await.is_ok() {
            // An error means that the task has ended: closed as well.
            let _ = wait.await;
        }
    }
}

async fn serve(
    mut connection: Connection,
    mut inbox: mpsc::Receiver<Request>,
    group_limit: usize,
    clock: Arc<dyn Clock>,
) {
    let mut group: Vec<Box<dyn Operation>> = Vec::with_capacity(group_limit);
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = inbox.recv().await else { break };
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Write(operation) => group.push(operation),
                Request::Close(closed) => {
                    closing = Some(closed);
                    break;
                }
            }
            next = if group.len() < group_limit { inbox.try_recv().ok() } else { None };
        }
        if !group.is_empty() {
            let began = clock.monotonic();
            let failure = commit(&mut connection, &mut group).await.err().map(|error| error.to_string());
            histogram!(metric::TRANSACTION_DURATION).record(clock.monotonic().saturating_sub(began));
            histogram!(metric::TRANSACTION_WRITES).record(group.len() as f64);
            if let Some(failure) = &failure {
                tracing::error!(operations = group.len(), %failure, "a group of writes was not committed");
            }
            group.drain(..).for_each(|operation| operation.answer(failure.as_deref()));
        }
    }
    drop(inbox);
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database did not close cleanly");
    }
    if let Some(closed) = closing {
        // Whoever asked has gone away.
        let _ = closed.send(());
    }
}

/// Runs a group in one transaction. After an error nothing of it is kept and no transaction is open.
async fn commit(connection: &mut Connection, group: &mut [Box<dyn Operation>]) -> Result<(), sqlx::Error> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    let written = run_each(connection, group).await;
    let committed = match written {
        Ok(()) => execute(connection, "COMMIT").await,
        Err(error) => Err(error),
    };
    if committed.is_err() {
        // The database may have rolled back by itself, and then has nothing to roll back.
        if let Err(error) = execute(connection, "ROLLBACK").await {
            tracing::debug!(%error, "nothing to roll back");
        }
    }
    committed
}

async fn run_each(connection: &mut Connection, group: &mut [Box<dyn Operation>]) -> Result<(), sqlx::Error> {
    for operation in group {
        execute(connection, "SAVEPOINT operation").await?;
        if !operation.run(connection).await {
            execute(connection, "ROLLBACK TO operation").await?;
        }
        execute(connection, "RELEASE operation").await?;
    }
    Ok(())
}

async fn execute(connection: &mut Connection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(|_| ())
}
