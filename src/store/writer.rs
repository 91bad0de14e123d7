//! The writer: a task that owns the only writing connection and commits operations in groups.
//!
//! All waiting operations run in one transaction, each in its own savepoint: a group costs one fsync, and a failed
//! operation does not affect the others. Callers get results only after the commit. An operation whose caller has gone
//! away still runs completely or not at all.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::histogram;
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};

use super::space::FreeSpace;
use super::{Connection, StoreError};
use crate::clock::Clock;
use crate::telemetry::metric;

/// The capacity of the channel. Callers wait once it is full.
const WAITING_LIMIT: usize = 4096;

/// A handle to the writer. Clones share one task.
#[derive(Clone)]
pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
}

enum Request {
    Write(Box<dyn Operation>),
    Close(oneshot::Sender<()>),
}

/// A write with its result type erased.
trait Operation: Send {
    /// Runs the write within the open transaction.
    fn run<'c>(&'c mut self, connection: &'c mut Connection, free_space: &'c FreeSpace) -> BoxFuture<'c, Ran>;

    /// Sends the caller the result, or the error of the commit.
    fn answer(self: Box<Self>, commit_failure: Option<&Failure>);
}

/// How an operation ended.
enum Ran {
    /// It succeeded: its writes are kept.
    Kept,
    /// It failed: its writes are rolled back.
    Refused,
    /// There was no space, with the message of the database. SQLite may have rolled back the transaction.
    NoSpace(String),
}

/// The reason why a group was not committed.
struct Failure {
    words: String,
    no_space: bool,
}

impl Failure {
    fn of(free_space: &FreeSpace, error: &sqlx::Error) -> Self {
        Self { words: error.to_string(), no_space: free_space.lacks(error) }
    }

    fn error(&self) -> StoreError {
        let words = self.words.clone();
        if self.no_space { StoreError::NoSpace(words) } else { StoreError::Commit(words) }
    }
}

struct Write<T, F> {
    work: Option<F>,
    /// `None` if the operation did not run, because the transaction did not begin or was rolled back by SQLite.
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Write<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    fn run<'c>(&'c mut self, connection: &'c mut Connection, free_space: &'c FreeSpace) -> BoxFuture<'c, Ran> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ran::Refused };
            // The future is created inside, so that a panic in its creation is caught too.
            let guarded = AssertUnwindSafe(async move { work(connection).await });
            let result = guarded.catch_unwind().await.unwrap_or(Err(StoreError::Panicked));
            let (result, ran) = match result {
                Ok(done) => (Ok(done), Ran::Kept),
                Err(StoreError::Database(error)) if free_space.lacks(&error) => {
                    let words = error.to_string();
                    (Err(StoreError::NoSpace(words.clone())), Ran::NoSpace(words))
                }
                Err(error) => (Err(error), Ran::Refused),
            };
            self.result = Some(result);
            ran
        })
    }

    fn answer(self: Box<Self>, commit_failure: Option<&Failure>) {
        let result = match (self.result, commit_failure) {
            (Some(Ok(_)) | None, Some(failure)) => Err(failure.error()),
            (Some(result), _) => result,
            (None, None) => Err(StoreError::Closed),
        };
        // The caller has gone away. The write is kept all the same.
        let _ = self.reply.send(result);
    }
}

impl Writer {
    /// Starts the writer's task.
    pub(super) fn start(
        connection: Connection,
        group_limit: usize,
        clock: Arc<dyn Clock>,
        free_space: FreeSpace,
    ) -> Self {
        let (requests, inbox) = mpsc::channel(WAITING_LIMIT);
        tokio::spawn(serve(connection, inbox, group_limit.max(1), clock, free_space));
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

    /// Finishes waiting operations and closes the connection.
    pub(super) async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.requests.send(Request::Close(closed)).await.is_ok() {
            // An error means that the task has ended, so the connection is closed.
            let _ = wait.await;
        }
    }
}

async fn serve(
    mut connection: Connection,
    mut inbox: mpsc::Receiver<Request>,
    group_limit: usize,
    clock: Arc<dyn Clock>,
    free_space: FreeSpace,
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
            let committed = commit(&mut connection, &mut group, &free_space).await;
            histogram!(metric::TRANSACTION_DURATION).record(clock.monotonic().saturating_sub(began));
            histogram!(metric::TRANSACTION_WRITES).record(group.len() as f64);
            if let Err(failure) = &committed {
                tracing::error!(
                    operations = group.len(),
                    failure = failure.words,
                    "a group of writes was not committed"
                );
            }
            if matches!(committed, Ok(Committed { no_space: true }) | Err(Failure { no_space: true, .. })) {
                free_space.ran_out(&mut connection).await;
            }
            let failure = committed.err();
            group.drain(..).for_each(|operation| operation.answer(failure.as_ref()));
        }
    }
    drop(inbox);
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database did not close cleanly");
    }
    if let Some(closed) = closing {
        // The caller has gone away.
        let _ = closed.send(());
    }
}

/// A committed group.
struct Committed {
    /// Whether an operation in it failed for lack of space.
    no_space: bool,
}

/// Runs a group in one transaction. After an error, the transaction is rolled back and closed.
async fn commit(
    connection: &mut Connection,
    group: &mut [Box<dyn Operation>],
    free_space: &FreeSpace,
) -> Result<Committed, Failure> {
    let committed = match run_group(connection, group, free_space).await {
        Ok(committed) => match execute(connection, "RELEASE operation; COMMIT").await {
            Ok(()) => Ok(committed),
            Err(error) => Err(Failure::of(free_space, &error)),
        },
        Err(failure) => Err(failure),
    };
    if committed.is_err() {
        // SQLite may have rolled back already.
        if let Err(error) = execute(connection, "ROLLBACK").await {
            tracing::debug!(%error, "nothing to roll back");
        }
    }
    committed
}

/// Runs a group. Its last savepoint stays open.
async fn run_group(
    connection: &mut Connection,
    group: &mut [Box<dyn Operation>],
    free_space: &FreeSpace,
) -> Result<Committed, Failure> {
    let failed = |error: sqlx::Error| Failure::of(free_space, &error);
    let mut no_space = false;
    let mut next = "BEGIN IMMEDIATE; SAVEPOINT operation";
    for operation in group {
        // Each call switches threads, so the end of one operation and the beginning of the next share a call.
        execute(connection, next).await.map_err(failed)?;
        next = "RELEASE operation; SAVEPOINT operation";
        let undone = match operation.run(connection, free_space).await {
            Ran::Kept => Ok(()),
            Ran::Refused => execute(connection, "ROLLBACK TO operation").await.map_err(failed),
            Ran::NoSpace(words) => {
                no_space = true;
                // If the savepoint is gone, SQLite has rolled back the whole transaction for the same reason.
                let undone = execute(connection, "ROLLBACK TO operation").await;
                undone.map_err(|_| Failure { words, no_space })
            }
        };
        undone?;
    }
    Ok(Committed { no_space })
}

async fn execute(connection: &mut Connection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(|_| ())
}
