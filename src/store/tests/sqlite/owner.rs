//! Detection of a database's owner: foreign files are refused and unchanged, databases of older versions are accepted.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::*;
use crate::store::sqlite::MIGRATIONS;
use crate::store::{APPLICATION_ID, Standing, StoreError, standing};

/// Returns every file of a folder with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

async fn connect(folder: &TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::from_str(&settings(folder).database_url).unwrap();
    SqliteConnection::connect_with(&options.create_if_missing(true)).await.unwrap()
}

/// Creates a database with these statements in its own folder.
async fn database(statements: &'static str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    folder
}

async fn open(folder: &TempDir) -> Result<Store, StoreError> {
    Store::open(&settings(folder), Arc::new(ManualClock::new()), Arc::new(RandomIds::default())).await
}

/// Opens the file in a folder, and checks that it is refused and unchanged.
async fn refused(folder: &TempDir) -> StoreError {
    let before = files(folder.path());
    let error = open(folder).await.unwrap_err();
    assert!(files(folder.path()) == before, "changed by {error}");
    error
}

/// A database of version 0.2.0 with a webhook in it.
async fn version_0_2_0() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    MIGRATIONS.run_to(4, &mut connection).await.unwrap();
    let row = "INSERT INTO webhooks (id, tenant, url, secret, created_at) VALUES
        ('whk_01931e5c-9d2f-7c1a-b0c4-000000000001', 'default', 'https://example.net/',
         'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', 5)";
    sqlx::query(row).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    folder
}

async fn application_id(folder: &TempDir) -> i32 {
    let mut connection = connect(folder).await;
    sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_stays_as_it_is() {
    let migrations = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL);";
    let cases = [
        ("CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('ada')", "\"users\""),
        ("CREATE TABLE users (name TEXT); PRAGMA journal_mode = WAL", "\"users\""),
        (
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, checksum BLOB NOT NULL);
             INSERT INTO _sqlx_migrations VALUES (1, x'00')",
            "migrations of its own",
        ),
        (
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, checksum BLOB NOT NULL);
             INSERT INTO _sqlx_migrations VALUES (20240101, x'00')",
            "migrations of its own",
        ),
        ("PRAGMA application_id = 7; CREATE TABLE jobs (id TEXT)", "application_id is 7"),
    ];
    for (statements, words) in cases {
        let error = refused(&database(statements).await).await;
        assert!(matches!(&error, StoreError::Foreign { what, .. } if what.contains(words)), "{statements}: {error}");
    }
    let mixed = database(migrations).await;
    let mut connection = connect(&mixed).await;
    sqlx::query("CREATE TABLE users (name TEXT)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    assert!(matches!(refused(&mixed).await, StoreError::Foreign { .. }));
}

#[tokio::test]
async fn a_database_of_another_program_that_crashed_or_runs_is_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = connect(&folder).await;
    let statements = "PRAGMA journal_mode = WAL; CREATE TABLE users (name TEXT)";
    sqlx::raw_sql(statements).execute(&mut running).await.unwrap();
    // All data is still in the write-ahead log.
    let copy = tempfile::tempdir().unwrap();
    for name in ["test.db", "test.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }

    assert!(matches!(open(&folder).await, Err(StoreError::Foreign { .. })));
    assert!(matches!(refused(&copy).await, StoreError::Foreign { .. }));

    let users: Vec<String> = sqlx::query_scalar("SELECT name FROM users").fetch_all(&mut running).await.unwrap();
    assert!(users.is_empty());
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_stays_as_it_is() {
    for text in ["a", "notes of a meeting, longer than the head of a database", "SQLite format 2\0"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("test.db"), text).unwrap();
        let error = refused(&folder).await;
        assert!(matches!(&error, StoreError::Foreign { what, .. } if what == "not an SQLite database"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("test.db")).unwrap();
    assert!(matches!(refused(&folder).await, StoreError::Foreign { .. }));
}

#[tokio::test]
async fn a_database_of_version_0_2_0_is_taken_over_with_what_it_holds() {
    let folder = version_0_2_0().await;
    assert_eq!(application_id(&folder).await, 0);

    let store = open(&folder).await.unwrap();

    assert_eq!(store.webhooks(&Tenant::default(), page(10)).await.unwrap().items.len(), 1);
    store.close().await;
    assert_eq!(application_id(&folder).await, APPLICATION_ID);
    assert_eq!(standing(&settings(&folder).database_url).await.unwrap(), Standing::Ours);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_in_plain_words() {
    for folder in [version_0_2_0().await, {
        let fixture = Fixture::new().await;
        fixture.store.close().await;
        fixture.folder
    }] {
        let mut connection = connect(&folder).await;
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (9999, 'of the future', TRUE, x'00', 0)";
        sqlx::query(newer).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let error = refused(&folder).await;
        assert!(matches!(&error, StoreError::Newer { schema: 9999, .. }), "{error}");
        assert!(error.to_string().contains("newer version of Cutpoint"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_file_and_a_database_that_crashed_at_once_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.db"), "").unwrap();
    let store = open(&folder).await.unwrap();
    store.register_model(&Tenant::default(), ModelDocument::new(&model("a")), None).await.unwrap();
    // The write-ahead log holds all data, and the copy has no other files.
    let copy = tempfile::tempdir().unwrap();
    for name in ["test.db", "test.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let copied = open(&copy).await.unwrap();
    assert_eq!(copied.models(&Tenant::default(), page(10)).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_database_that_is_used_is_known_again() {
    let fixture = Fixture::new().await;
    assert_eq!(standing(&settings(&fixture.folder).database_url).await.unwrap(), Standing::Ours);
    let missing = tempfile::tempdir().unwrap();
    assert_eq!(standing(&settings(&missing).database_url).await.unwrap(), Standing::Missing);
}

#[tokio::test]
async fn a_backup_of_an_older_version_is_no_migration() {
    let folder = version_0_2_0().await;
    let before = files(folder.path());
    let copy = folder.path().join("copy.db");

    let bytes = crate::store::backup(&settings(&folder).database_url, &copy).await.unwrap();

    assert_eq!(std::fs::metadata(&copy).unwrap().len(), bytes);
    std::fs::remove_file(folder.path().join("test.db")).unwrap();
    std::fs::rename(&copy, folder.path().join("test.db")).unwrap();
    assert_eq!(files(folder.path()).len(), before.len());
    assert_eq!(application_id(&folder).await, 0);
    let store = open(&folder).await.unwrap();
    assert_eq!(store.webhooks(&Tenant::default(), page(10)).await.unwrap().items.len(), 1);
}
