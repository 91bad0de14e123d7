//! The writer: a task that commits operations in groups.
//!
//! All waiting operations run in one transaction, each in its own savepoint: a group costs one fsync, and a failed
//! operation does not affect the others. Callers get results only after the commit. An operation whose caller has gone
//! away still runs completely or not at all.
//!
//! What differs between the engines is behind [`Transactions`].

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::histogram;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Connection, StoreError};
use crate::clock::Clock;
use crate::telemetry::metric;

/// The capacity of the channel. Callers wait once it is full.
const WAITING_LIMIT: usize = 4096;

/// How an engine runs the transactions of the writer.
pub(super) trait Transactions: Send + Sync + 'static {
    /// Begins a transaction with a savepoint `operation`.
    fn begin(&mut self) -> impl Future<Output = Result<Connection, sqlx::Error>> + Send;

    /// Commits a transaction whose last savepoint is open.
    fn commit(&self, connection: &mut Connection) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Takes back a connection after a transaction.
    fn release(&mut self, connection: Connection, committed: bool) -> impl Future<Output = ()> + Send;

    /// Returns `true` if an error means that there is no space.
    fn lacks_space(&self, error: &sqlx::Error) -> bool;

    /// Records that a write has failed for lack of space.
    fn ran_out(&self, connection: &mut Connection) -> impl Future<Output = ()> + Send;

    /// Closes what is open.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// A handle to the writer. Clones share one task.
#[derive(Clone)]
pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
}

enum Request {
    Write(Box<dyn Operation>),
    Close(oneshot::Sender<()>),
}

/// Returns `true` for an error that means that there is no space.
type Lacks<'c> = &'c (dyn Fn(&sqlx::Error) -> bool + Sync);

/// A write with its result type erased.
trait Operation: Send {
    /// Runs the write within the open transaction.
    fn run<'c>(&'c mut self, connection: &'c mut Connection, lacks_space: Lacks<'c>) -> BoxFuture<'c, Ran>;

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
enum Failure {
    NoSpace(String),
    Unavailable(String),
    Other(String),
}

impl Failure {
    fn of(transactions: &impl Transactions, error: sqlx::Error) -> Self {
        if transactions.lacks_space(&error) {
            return Self::NoSpace(error.to_string());
        }
        match StoreError::from(error) {
            StoreError::Unavailable(words) => Self::Unavailable(words),
            StoreError::NoSpace(words) => Self::NoSpace(words),
            error => Self::Other(error.to_string()),
        }
    }

    fn error(&self) -> StoreError {
        match self {
            Self::NoSpace(words) => StoreError::NoSpace(words.clone()),
            Self::Unavailable(words) => StoreError::Unavailable(words.clone()),
            Self::Other(words) => StoreError::Commit(words.clone()),
        }
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
    fn run<'c>(&'c mut self, connection: &'c mut Connection, lacks_space: Lacks<'c>) -> BoxFuture<'c, Ran> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ran::Refused };
            // The future is created inside, so that a panic in its creation is caught too.
            let guarded = AssertUnwindSafe(async move { work(connection).await });
            let result = guarded.catch_unwind().await.unwrap_or(Err(StoreError::Panicked));
            let (result, ran) = match result {
                Ok(done) => (Ok(done), Ran::Kept),
                Err(StoreError::Database(error)) if lacks_space(&error) => {
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
    /// Starts the writer's task. `site` hears of committed changes of clusters with deployments.
    pub(super) fn start(
        transactions: impl Transactions,
        group_limit: usize,
        clock: Arc<dyn Clock>,
        site: watch::Sender<()>,
    ) -> Self {
        let (requests, inbox) = mpsc::channel(WAITING_LIMIT);
        tokio::spawn(serve(transactions, inbox, group_limit.max(1), clock, site));
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

/// Runs an operation in a transaction of its own, beside the writer, and returns its result once it is durable.
pub(super) async fn write_beside<T, F>(
    mut transactions: impl Transactions,
    clock: Arc<dyn Clock>,
    work: F,
) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    // The task goes on if the caller goes away.
    tokio::spawn(async move {
        let mut group: Vec<Box<dyn Operation>> = vec![Box::new(Write { work: Some(work), result: None, reply })];
        run(&mut transactions, &mut group, &*clock).await;
    });
    answer.await.map_err(|_| StoreError::Closed)?
}

async fn serve(
    mut transactions: impl Transactions,
    mut inbox: mpsc::Receiver<Request>,
    group_limit: usize,
    clock: Arc<dyn Clock>,
    site: watch::Sender<()>,
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
        if !group.is_empty() && run(&mut transactions, &mut group, &*clock).await {
            site.send_replace(());
        }
    }
    drop(inbox);
    transactions.close().await;
    if let Some(closed) = closing {
        // The caller has gone away.
        let _ = closed.send(());
    }
}

/// Commits a group and answers its callers. Returns `true` if a cluster with deployments was changed.
async fn run(transactions: &mut impl Transactions, group: &mut Vec<Box<dyn Operation>>, clock: &dyn Clock) -> bool {
    let began = clock.monotonic();
    let committed = commit(transactions, group).await;
    histogram!(metric::TRANSACTION_DURATION).record(clock.monotonic().saturating_sub(began));
    histogram!(metric::TRANSACTION_WRITES).record(group.len() as f64);
    if let Err(failure) = &committed {
        let failure = failure.error();
        tracing::error!(operations = group.len(), %failure, "a group of writes was not committed");
    }
    let site = matches!(committed, Ok(true));
    let failure = committed.err();
    group.drain(..).for_each(|operation| operation.answer(failure.as_ref()));
    site
}

/// Runs a group in one transaction. After an error, the transaction is rolled back and closed.
/// Returns `true` if a cluster with deployments was changed.
async fn commit(transactions: &mut impl Transactions, group: &mut [Box<dyn Operation>]) -> Result<bool, Failure> {
    let mut connection = match transactions.begin().await {
        Ok(connection) => connection,
        Err(error) => return Err(Failure::of(transactions, error)),
    };
    let mut no_space = false;
    let ran = run_group(transactions, &mut connection, group, &mut no_space).await;
    let committed = match ran {
        Ok(()) => transactions.commit(&mut connection).await.map_err(|error| Failure::of(transactions, error)),
        Err(failure) => Err(failure),
    };
    if committed.is_err() {
        // SQLite may have rolled back already.
        if let Err(error) = connection.run("ROLLBACK").await {
            tracing::debug!(%error, "nothing to roll back");
        }
    }
    if no_space || matches!(committed, Err(Failure::NoSpace(_))) {
        transactions.ran_out(&mut connection).await;
    }
    let site = connection.take_site();
    transactions.release(connection, committed.is_ok()).await;
    committed.map(|()| site)
}

/// Runs a group. Its last savepoint stays open.
async fn run_group<T: Transactions>(
    transactions: &T,
    connection: &mut Connection,
    group: &mut [Box<dyn Operation>],
    no_space: &mut bool,
) -> Result<(), Failure> {
    let failed = |error: sqlx::Error| Failure::of(transactions, error);
    let lacks_space = |error: &sqlx::Error| transactions.lacks_space(error);
    for (index, operation) in group.iter_mut().enumerate() {
        if index > 0 {
            // Each call switches threads, so the end of one operation and the beginning of the next share a call.
            connection.run("RELEASE operation; SAVEPOINT operation").await.map_err(failed)?;
        }
        let told = connection.told();
        let undone = match operation.run(connection, &lacks_space).await {
            Ran::Kept => continue,
            Ran::Refused => connection.run("ROLLBACK TO operation").await.map_err(failed),
            Ran::NoSpace(words) => {
                *no_space = true;
                // If the savepoint is gone, SQLite has rolled back the whole transaction for the same reason.
                let undone = connection.run("ROLLBACK TO operation").await;
                undone.map_err(|_| Failure::NoSpace(words))
            }
        };
        connection.untell(told);
        undone?;
    }
    Ok(())
}
