//! The end of a search that finds no space in the database.

use tokio::sync::watch;

use super::*;
use crate::store::{JobStatus, Space};

/// A disk that counts the queries of its free space.
struct Disk(watch::Sender<u32>);

impl Space for Disk {
    fn free_bytes(&self) -> Option<u64> {
        self.0.send_modify(|asked| *asked += 1);
        Some(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_space_is_kept_until_there_is_some() {
    let (asked, mut attempts) = watch::channel(0);
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let large = move |_: &PlanRequest, _: &Env<'_>| {
        gone.lock().unwrap().recv().unwrap();
        let placement = document(Status::Optimal, Termination::Optimal, Some(1.0));
        Ok(PlacementDocument { solver_version: "x".repeat(100_000), ..placement })
    };
    let folder = tempfile::tempdir().unwrap();
    let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
    let store = Store::open_on(&settings(&folder), Arc::new(Disk(asked)), clock.clone(), ids.clone()).await.unwrap();
    let queue_settings =
        QueueSettings { heartbeat: Duration::from_millis(5), lease: Duration::from_millis(20), ..quick_settings() };
    let queue = Queue::start(store.clone(), clock, ids, queue_settings, Arc::new(large)).await.unwrap();
    let fixture = Fixture { queue, store, folder };
    let job = fixture.submit("one").await;
    fixture.wait_for(&job.id, |job| job.status == JobStatus::Running).await;
    fixture.store.tamper("PRAGMA max_page_count = 1").await;
    go.send(()).unwrap();

    // More attempts than fit into the lease.
    attempts.wait_for(|asked| *asked >= 40).await.unwrap();
    assert_eq!(fixture.store.job(&Tenant::default(), &job.id).await.unwrap().status, JobStatus::Running);
    fixture.store.tamper("PRAGMA max_page_count = 1000000").await;

    let ended = fixture.finished(&job.id).await;
    assert_eq!((ended.status, ended.crashes), (JobStatus::Succeeded, 0));
}
