//! Notifies those who watch a job of its changes, once a change is durable.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::watch;

use crate::domain::id::Id;

/// The watched jobs.
#[derive(Default)]
pub(super) struct Changes {
    watched: Mutex<FxHashMap<Id, watch::Sender<()>>>,
}

impl Changes {
    /// Starts to watch a job. The watch sees every change that is announced after this call.
    pub(super) fn watch(&self, id: &Id) -> Watch<'_> {
        let mut watched = self.watched();
        let sender = watched.entry(id.clone()).or_insert_with(|| watch::channel(()).0);
        Watch { changes: self, id: id.clone(), receiver: sender.subscribe() }
    }

    /// Announces a change of a job.
    pub(super) fn announce(&self, id: &Id) {
        if let Some(sender) = self.watched().get(id) {
            sender.send_replace(());
        }
    }

    /// Announces that any watched job may have changed.
    pub(super) fn announce_all(&self) {
        self.watched().values().for_each(|sender| sender.send_replace(()));
    }

    fn watched(&self) -> MutexGuard<'_, FxHashMap<Id, watch::Sender<()>>> {
        // A panic cannot leave the map inconsistent.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch of a job. Dropping it ends the watch.
pub(super) struct Watch<'a> {
    changes: &'a Changes,
    id: Id,
    receiver: watch::Receiver<()>,
}

impl Watch<'_> {
    /// Waits for a change after the last one seen.
    pub(super) async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender lives as long as this watch. Without a sender there would be no change to wait for.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut watched = self.changes.watched();
        if watched.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::domain::id::IdKind;

    #[tokio::test]
    async fn watchers_hear_of_their_job_and_leave_nothing_behind() {
        let changes = Changes::default();
        let [here, there] = [1, 2].map(|number| Id::new(IdKind::Job, uuid::Uuid::from_u128(number)));
        let mut first = changes.watch(&here);
        let mut second = changes.watch(&here);

        changes.announce(&there);
        assert!(first.changed().now_or_never().is_none());
        changes.announce(&here);
        first.changed().await;
        second.changed().await;
        assert!(first.changed().now_or_never().is_none());

        drop(first);
        assert_eq!(changes.watched().len(), 1);
        drop(second);
        assert_eq!(changes.watched().len(), 0);
    }
}
