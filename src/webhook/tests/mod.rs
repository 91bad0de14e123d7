//! Tests of the dispatcher with a receiver on loopback, a clock that stands still, and a resolver with given answers.

mod addresses;
mod endings;
mod receiver;
mod retries;
mod tls;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutpoint_planner::domain::placement::Status;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio_rustls::rustls::RootCertStore;

use self::receiver::Receiver;
use super::dispatcher::Round;
use super::{DispatcherSettings, Guard, Resolve, Sender};
use crate::clock::{CountingIds, ManualClock, RandomIds};
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::store::tests::{answered, job_of, most, new_job, request, settings};
use crate::store::{
    AttemptOutcome, Delivery, DeliveryAttempt, DeliveryStatus, Figures, Job, NewWebhook, Order, Page, Store, Webhook,
};

/// Names and their consecutive answers. The last answer repeats.
#[derive(Default)]
struct Names(Mutex<VecDeque<Vec<IpAddr>>>);

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let read = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(read).collect())))
    }
}

impl Resolve for Names {
    fn resolve<'n>(&'n self, _: &'n str) -> BoxFuture<'n, io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A store with a dispatcher that runs only when the test calls it.
struct Fixture {
    store: Store,
    clock: Arc<ManualClock>,
    round: Round,
    folder: TempDir,
}

impl Fixture {
    /// Loopback is allowed.
    async fn new() -> Self {
        Self::with(Guard::new(["127.0.0.0/8".parse().unwrap()]), Names::new(&[&["127.0.0.1"]])).await
    }

    async fn with(guard: Guard, names: Arc<Names>) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new()));
        Self::open(folder, clock, guard, names, RootCertStore::empty()).await
    }

    async fn open(
        folder: TempDir,
        clock: Arc<ManualClock>,
        guard: Guard,
        names: Arc<Names>,
        roots: RootCertStore,
    ) -> Self {
        let store = Store::open(&settings(&folder), clock.clone(), Arc::new(RandomIds::default())).await.unwrap();
        let sender = Sender::new(guard, names, roots, Duration::from_millis(500)).unwrap();
        // Every random number is near 0.
        let ids = Arc::new(CountingIds::default());
        let round = Round::new(store.clone(), clock.clone(), ids, sender, DispatcherSettings::default());
        Self { store, clock, round, folder }
    }

    /// Opens the same database as another process.
    async fn restart(self) -> Self {
        self.store.close().await;
        let guard = Guard::new(["127.0.0.0/8".parse().unwrap()]);
        let again =
            Self::open(self.folder, self.clock, guard, Names::new(&[&["127.0.0.1"]]), RootCertStore::empty()).await;
        again.store.unclaim_deliveries(Duration::from_secs(12 * 3600)).await.unwrap();
        again
    }

    async fn webhook(&self, url: &str) -> Webhook {
        let new = NewWebhook { url: url.to_owned(), description: None };
        self.store.register_webhook(&Tenant::default(), new, None).await.unwrap().row
    }

    /// Inserts a job and ends it.
    async fn job(&self, name: &str) -> Job {
        let id = crate::clock::Ids::id(&RandomIds::default(), crate::domain::id::IdKind::Job);
        self.store.insert_job(id, new_job(name), most(1000)).await.unwrap();
        let claimed = self.store.claim_job("boot", Duration::from_secs(15), None).await.unwrap().unwrap();
        self.store.end_job(&claimed.lease, Figures::default(), answered(Status::Optimal)).await.unwrap()
    }

    /// Makes every due attempt.
    async fn attempt_all(&mut self) {
        loop {
            self.round.take().await.unwrap();
            let Some(ended) = self.round.running.join_next().await else { return };
            self.round.settle(ended);
        }
    }

    async fn deliveries(&self, webhook: &Webhook) -> Vec<Delivery> {
        let page = Page { limit: 100, order: Order::OldestFirst, after: None };
        self.store.deliveries(&Tenant::default(), &webhook.id, &[], page).await.unwrap().items
    }

    async fn delivery(&self, webhook: &Webhook) -> Delivery {
        let mut deliveries = self.deliveries(webhook).await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries.remove(0)
    }

    /// Returns the only delivery of the webhook and its last ended attempt.
    async fn attempted(&mut self, webhook: &Webhook) -> (Delivery, DeliveryAttempt) {
        self.attempt_all().await;
        let delivery = self.delivery(webhook).await;
        let attempt = delivery.last_attempt.clone().expect("an attempt");
        (delivery, attempt)
    }

    async fn now(&self, webhook: &Id) -> Webhook {
        self.store.webhook(&Tenant::default(), webhook).await.unwrap()
    }
}
