//! A database without space: refused writes, reads, and recovery. A limit on pages makes SQLite refuse writes as on a
//! full disk.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::*;
use crate::store::sqlite::FreeSpace;
use crate::store::{Space, StoreError};

/// A disk whose free space the test sets.
#[derive(Default)]
struct Disk(AtomicU64);

impl Space for Disk {
    fn free_bytes(&self) -> Option<u64> {
        Some(self.0.load(Ordering::SeqCst))
    }
}

/// A store on a disk, and a folder that stays until the test ends.
async fn store_on(disk: &Arc<Disk>) -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (clock, ids) = (Arc::new(ManualClock::new()), Arc::new(RandomIds::default()));
    let settings = settings(&folder);
    // The migrations leave free pages, which would count as space.
    Store::open_on(&settings, disk.clone(), clock.clone(), ids.clone()).await.unwrap().close().await;
    let mut connection = SqliteConnection::connect(&settings.database_url).await.unwrap();
    sqlx::query("VACUUM").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    (Store::open_on(&settings, disk.clone(), clock, ids).await.unwrap(), folder)
}

/// A model whose document takes this many bytes.
async fn put(store: &Store, name: &str, bytes: usize) -> Result<Id, StoreError> {
    let document = ModelDocument { document: "x".repeat(bytes), ..ModelDocument::new(&model(name)) };
    Ok(store.register_model(&Tenant::default(), document, None).await?.row.id)
}

const LARGE: usize = 100_000;
const NO_MORE_PAGES: &str = "PRAGMA max_page_count = 1";
const MORE_PAGES: &str = "PRAGMA max_page_count = 1000000";

#[tokio::test]
async fn a_write_without_space_is_refused_and_the_writer_goes_on() {
    let disk = Arc::new(Disk(AtomicU64::new(1000)));
    let (store, _folder) = store_on(&disk).await;
    store.tamper(NO_MORE_PAGES).await;

    // The writes form one group. Each gets its own result, whether SQLite rolls back a statement or the transaction.
    let (before, large, behind) =
        tokio::join!(put(&store, "before", 1), put(&store, "large", LARGE), put(&store, "behind", 1));

    assert!(matches!(large, Err(StoreError::NoSpace(_))), "{large:?}");
    let stored = store.models(&Tenant::default(), page(10)).await.unwrap().items;
    for (name, written) in [("before", before), ("behind", behind)] {
        let is_stored = stored.iter().any(|model| model.name == name);
        assert!(matches!((&written, is_stored), (Ok(_), true) | (Err(StoreError::NoSpace(_)), false)), "{written:?}");
    }
    put(&store, "small", 1).await.unwrap();
    store.tamper(MORE_PAGES).await;
    put(&store, "large", LARGE).await.unwrap();
}

#[tokio::test]
async fn a_shortage_ends_when_there_is_more_space_than_when_a_write_failed() {
    let disk = Arc::new(Disk(AtomicU64::new(1000)));
    let (store, _folder) = store_on(&disk).await;
    assert_eq!(store.shortage().await.unwrap(), None);
    store.tamper(NO_MORE_PAGES).await;
    put(&store, "large", LARGE).await.unwrap_err();

    let shortage = store.shortage().await.unwrap().unwrap();
    assert_eq!((shortage.room_bytes, shortage.failed_at_bytes), (1000, 1000));
    // The success of other writes does not mean that there is space for the failed one.
    put(&store, "small", 1).await.unwrap();
    assert!(store.shortage().await.unwrap().is_some());
    disk.0.store(500, Ordering::SeqCst);
    assert_eq!(store.shortage().await.unwrap().unwrap().room_bytes, 500);
    disk.0.store(1001, Ordering::SeqCst);
    assert_eq!(store.shortage().await.unwrap(), None);

    put(&store, "large", LARGE).await.unwrap_err();
    assert_eq!(store.shortage().await.unwrap().unwrap().failed_at_bytes, 1001);
}

#[tokio::test]
async fn what_is_deleted_makes_room() {
    let disk = Arc::new(Disk(AtomicU64::new(1000)));
    let (store, _folder) = store_on(&disk).await;
    let first = put(&store, "first", LARGE).await.unwrap();
    store.tamper(NO_MORE_PAGES).await;
    put(&store, "second", LARGE).await.unwrap_err();
    assert!(store.shortage().await.unwrap().is_some());

    store.delete_model(&Tenant::default(), &first).await.unwrap();

    assert_eq!(store.shortage().await.unwrap(), None);
    put(&store, "second", LARGE).await.unwrap();
}

#[tokio::test]
async fn an_error_of_the_file_system_is_lack_of_space_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("missing").join("a.db").display());
    let cannot_open = SqliteConnection::connect(&url).await.unwrap_err();
    let other = sqlx::Error::PoolClosed;
    for (free, is_lack) in [(0, true), (1 << 30, false)] {
        let free_space = FreeSpace::new(Arc::new(Disk(AtomicU64::new(free))));
        assert_eq!((free_space.lacks(&cannot_open), free_space.lacks(&other)), (is_lack, false), "{cannot_open}");
    }
}
