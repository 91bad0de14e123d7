//! Hears what other servers of the database did: wakes those who watch a job and idle workers, and stops searches that a
//! client asked another server to stop.

use std::sync::Arc;

use super::Inner;
use crate::domain::id::Id;
use crate::store::{News, NewsOfOthers};

/// Passes news on until the queue shuts down.
pub(super) async fn hear(queue: Arc<Inner>, mut news: NewsOfOthers) {
    loop {
        let item = tokio::select! {
            () = queue.closing.cancelled() => return,
            item = news.next() => item,
        };
        match item {
            News::Job(id) => {
                queue.changes.announce(&id);
                stop_if_asked(&queue, id);
            }
            News::Queued => queue.wake.notify_one(),
            News::Anything => {
                queue.changes.announce_all();
                queue.wake.notify_one();
            }
            News::Deliveries | News::Deleted | News::Site => {}
        }
    }
}

/// Ends the search of a job that runs here if its row says so. Without the news, its next heartbeat hears of it.
fn stop_if_asked(queue: &Arc<Inner>, id: Id) {
    if !queue.running().contains_key(&id) {
        return;
    }
    let queue = queue.clone();
    tokio::spawn(async move {
        if queue.store.is_stop_requested(&id).await.unwrap_or(false) {
            queue.end_search(&id);
        }
    });
}
