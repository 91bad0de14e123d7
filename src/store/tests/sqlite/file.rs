//! The file: what the pragmas say, other programs that hold it, and what a closed store leaves.

use sqlx::Connection as _;

use super::super::writer::{names, put};
use super::super::*;
use crate::store::{StoreError, sql};

#[tokio::test]
async fn readers_cannot_write_and_commits_are_durable() {
    let fixture = Fixture::new().await;
    let refused = sql::query("DELETE FROM models").execute(&mut fixture.store.read().await.unwrap()).await;
    assert!(refused.unwrap_err().to_string().contains("readonly"));

    let (mode, synchronous, foreign_keys): (String, i64, i64) = fixture
        .store
        .write(|connection| {
            Box::pin(async move {
                let mode = sql::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
                let synchronous = sql::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await?;
                let foreign_keys = sql::query_scalar("PRAGMA foreign_keys").fetch_one(connection).await?;
                Ok((mode, synchronous, foreign_keys))
            })
        })
        .await
        .unwrap();
    assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_no_closed_store() {
    let fixture = Fixture::new().await;
    let url = format!("sqlite://{}", fixture.folder.path().join("test.db").display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = put(&fixture.store, "held").await;
    assert!(matches!(refused, Err(StoreError::Commit(_))), "{refused:?}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    put(&fixture.store, "next").await.unwrap();
    assert_eq!(names(&fixture.store).await, ["next"]);
}

#[tokio::test]
async fn a_closed_store_is_one_file() {
    let fixture = Fixture::new().await;
    put(&fixture.store, "a").await.unwrap();
    assert_eq!(names(&fixture.store).await, ["a"]);
    fixture.store.close().await;
    let files = std::fs::read_dir(fixture.folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["test.db"]);
}
