//! The database of PostgreSQL that tests use, where there is one: each test has a schema of its own in it.

#![allow(dead_code)]

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The URL that CUTPOINT_TEST_POSTGRES_URL gives.
pub(crate) fn server() -> Option<String> {
    std::env::var("CUTPOINT_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

/// The name of a folder's own schema.
pub(crate) fn schema_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap().to_string_lossy().to_lowercase();
    let name: String = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    format!("cutpoint_test_{name}")
}

/// The URL of a folder's own schema, which exists.
pub(crate) fn of_folder(folder: &Path) -> Option<String> {
    let (server, schema) = (server()?, schema_of(folder));
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    // Tests that need the URL may run within a runtime, which cannot wait for another future here.
    let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
    let created = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    created.join().unwrap();
    Some(url)
}
