//! Several servers on one database of PostgreSQL.

use sqlx::postgres::PgConnectOptions;

use super::*;
use crate::store::leases::Abandoned;
use crate::store::postgres::{MIGRATIONS, migrate};
use crate::store::{JobFilter, JobStatus, News, Registered, StoreError, shown_url, sql, sqlite};

const LEASE: Duration = Duration::from_secs(15);

/// Opens the database of a fixture as another server.
async fn other(fixture: &Fixture) -> Store {
    let ids = Arc::new(RandomIds::default());
    Store::open(&settings(&fixture.folder), fixture.clock.clone(), ids).await.unwrap()
}

async fn insert(store: &Store, job: NewJob, limit: u32) -> Result<Registered<Job>, StoreError> {
    store.insert_job(RandomIds::default().id(IdKind::Job), job, most(limit)).await
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn each_job_is_claimed_by_one_server() {
    let fixture = Fixture::new().await;
    let stores = [fixture.store.clone(), other(&fixture).await, other(&fixture).await, other(&fixture).await];
    for number in 0..40 {
        insert(&stores[number % 4], new_job("one"), 1000).await.unwrap();
    }
    let claims = (0..48).map(|number| stores[number % 4].claim_job("boot", LEASE, None));
    let claimed = futures::future::try_join_all(claims).await.unwrap();
    let mut ids: Vec<Id> = claimed.into_iter().flatten().map(|claimed| claimed.job.id).collect();
    // A claim that finds the last rows locked by others finds none.
    while let Some(claimed) = stores[0].claim_job("boot", LEASE, None).await.unwrap() {
        ids.push(claimed.job.id);
    }
    assert_eq!(ids.len(), 40);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn the_queue_has_one_limit_over_all_servers() {
    let fixture = Fixture::new().await;
    let stores = [fixture.store.clone(), other(&fixture).await];
    let inserts = (0..20).map(|number| insert(&stores[number % 2], new_job("one"), 5));
    let inserted = futures::future::join_all(inserts).await;
    assert_eq!(inserted.iter().filter(|inserted| inserted.is_ok()).count(), 5);
    let full = inserted.iter().filter(|inserted| matches!(inserted, Err(StoreError::QueueFull { .. }))).count();
    assert_eq!(full, 15);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn an_idempotency_key_is_one_job_over_all_servers() {
    let fixture = Fixture::new().await;
    let stores = [fixture.store.clone(), other(&fixture).await];
    let job = || NewJob { idempotency: key("k", "f"), ..new_job("one") };
    let inserts = (0..10).map(|number| insert(&stores[number % 2], job(), 1000));
    let inserted = futures::future::try_join_all(inserts).await.unwrap();
    assert_eq!(inserted.iter().filter(|inserted| !inserted.replayed).count(), 1);
    let jobs = stores[1].jobs(&Tenant::default(), JobFilter::default(), page(10)).await.unwrap();
    assert_eq!(jobs.items.len(), 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_start_leaves_the_jobs_of_live_servers_alone() {
    let fixture = Fixture::new().await;
    let job = fixture.insert("one").await;
    fixture.claim().await;
    let other = other(&fixture).await;
    let recovered = other.recover_jobs(Abandoned::NotOwnedBy("other".to_owned()), 3).await.unwrap();
    assert_eq!(recovered.requeued, []);
    fixture.clock.advance(LEASE + Duration::from_secs(1));
    let recovered = other.recover_jobs(Abandoned::NotOwnedBy("other".to_owned()), 3).await.unwrap();
    assert_eq!(recovered.requeued, [job.id]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn leases_end_by_the_clock_of_the_database() {
    let fixture = Fixture::new().await;
    let settings = StoreSettings { follow_database_clock: true, ..settings(&fixture.folder) };
    // Both clocks stand still, a year ahead and a year behind.
    let mut stores = Vec::new();
    for days in [365, -365] {
        let clock = Arc::new(ManualClock::new());
        clock.turn(jiff::SignedDuration::from_hours(days * 24));
        stores.push(Store::open(&settings, clock, Arc::new(RandomIds::default())).await.unwrap());
    }
    insert(&stores[0], new_job("one"), 10).await.unwrap();
    stores[0].claim_job("boot", Duration::from_secs(3600), None).await.unwrap().unwrap();
    let abandoned = || Abandoned::Expired { alive: Vec::new() };
    assert_eq!(stores[1].recover_jobs(abandoned(), 3).await.unwrap().requeued.len(), 0);
    insert(&stores[1], new_job("two"), 10).await.unwrap();
    stores[1].claim_job("boot", Duration::ZERO, None).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(stores[0].recover_jobs(abandoned(), 3).await.unwrap().requeued.len(), 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn servers_hear_of_each_others_jobs() {
    let fixture = Fixture::new().await;
    let other = other(&fixture).await;
    let mut news = other.news_of_others();
    // Says so once it listens.
    while news.next().await != News::Anything {}
    let job = fixture.insert("one").await;
    while news.next().await != News::Queued {}
    let claimed = fixture.claim().await;
    while news.next().await != News::Job(job.id.clone()) {}
    let ended = fixture.store.end_job(&claimed.lease, Figures::default(), answered(Status::Optimal)).await.unwrap();
    while news.next().await != News::Job(job.id.clone()) {}
    assert_eq!(other.job(&Tenant::default(), &job.id).await.unwrap().status, JobStatus::Succeeded);
    let deletions = other.placement_deletions();
    fixture.store.delete_placement(&Tenant::default(), &ended.placement_id.unwrap()).await.unwrap();
    while news.next().await != News::Deleted {}
    while other.placement_deletions() == deletions {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_pool_that_is_used_up_is_not_available() {
    let fixture = Fixture::new().await;
    let settings = StoreSettings { connections: 1, wait: Duration::from_millis(50), ..settings(&fixture.folder) };
    let store = Store::open(&settings, fixture.clock.clone(), Arc::new(RandomIds::default())).await.unwrap();
    let held = loop {
        // The listener uses the only connection for a moment.
        if let Ok(held) = store.read().await {
            break held;
        }
    };
    assert!(matches!(store.models(&Tenant::default(), page(1)).await, Err(StoreError::Unavailable(_))));
    drop(held);
    while store.models(&Tenant::default(), page(1)).await.is_err() {}
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn connections_that_were_closed_are_replaced() {
    let fixture = Fixture::new().await;
    fixture.insert("one").await;
    const PID: &str = "SELECT CAST(pg_backend_pid() AS BIGINT)";
    let reader: i64 = sql::query_scalar(PID).fetch_one(&mut fixture.store.read().await.unwrap()).await.unwrap();
    let writer: i64 = fixture
        .store
        .write(|connection| Box::pin(async move { Ok(sql::query_scalar(PID).fetch_one(connection).await?) }))
        .await
        .unwrap();
    let mut connection = PgConnection::connect(&settings(&fixture.folder).database_url).await.unwrap();
    for pid in [reader, writer] {
        let end = sqlx::query("SELECT pg_terminate_backend(CAST($1 AS INT))").bind(pid);
        end.execute(&mut connection).await.unwrap();
    }
    // Writes find a new connection. A read that meets a closed one is not available, and the next is.
    fixture.insert("two").await;
    let jobs = loop {
        match fixture.store.jobs(&Tenant::default(), JobFilter::default(), page(10)).await {
            Err(StoreError::Unavailable(_)) => {}
            jobs => break jobs.unwrap(),
        }
    };
    assert_eq!(jobs.items.len(), 2);
}

/// Passes connections on to the database of a URL until it is told to stand still. Returns the URL of the proxy.
async fn proxy(database_url: &str) -> (String, tokio::sync::watch::Sender<bool>) {
    let mut url = url::Url::parse(database_url).unwrap();
    let database = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    let (stands, watched) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let (database, mut watched) = (database.clone(), watched.clone());
            tokio::spawn(async move {
                let _ = watched.wait_for(|stands| !stands).await.unwrap();
                let mut server = tokio::net::TcpStream::connect(database).await.unwrap();
                let stopped = async move { watched.wait_for(|stands| *stands).await.map(|_| ()) };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                    stopped = stopped => stopped.unwrap(),
                }
                // Both ends stay open and hear nothing.
                std::future::pending::<()>().await;
            });
        }
    });
    (url.into(), stands)
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_database_that_does_not_answer_is_given_up_and_taken_up_again() {
    let fixture = Fixture::new().await;
    let (database_url, stands) = proxy(&settings(&fixture.folder).database_url).await;
    let settings = StoreSettings {
        database_url,
        statement_timeout: Duration::from_secs(1),
        wait: Duration::from_millis(500),
        ..settings(&fixture.folder)
    };
    let store = Store::open(&settings, fixture.clock.clone(), Arc::new(RandomIds::default())).await.unwrap();
    store.check().await.unwrap();
    stands.send(true).unwrap();
    let tenant = Tenant::default();
    let read = || store.models(&tenant, page(1));
    let (read_there, written) = tokio::join!(read(), insert(&store, new_job("one"), 10));
    assert!(matches!(read_there, Err(StoreError::Unavailable(_))), "{read_there:?}");
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    stands.send(false).unwrap();
    while store.check().await.is_err() {}
    insert(&store, new_job("two"), 10).await.unwrap();
    assert_eq!(read().await.unwrap().items.len(), 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_first_start_that_was_interrupted_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut connection = PgConnection::connect(&settings.database_url).await.unwrap();
    // Before its first migration, sqlx commits the table of migrations.
    sqlx::migrate::Migrate::ensure_migrations_table(&mut connection, "_sqlx_migrations").await.unwrap();
    connection.close().await.unwrap();
    let store = Store::open(&settings, Arc::new(ManualClock::new()), Arc::new(RandomIds::default())).await.unwrap();
    store.check().await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_schema_of_another_program_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut connection = PgConnection::connect(&settings.database_url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE theirs (a INT)").execute(&mut connection).await.unwrap();
    let opened = Store::open(&settings, Arc::new(ManualClock::new()), Arc::new(RandomIds::default())).await;
    assert!(matches!(opened, Err(StoreError::Foreign { .. })));
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut connection).await.unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_migration_that_only_adds_leaves_older_servers_at_work_and_another_one_is_refused_beside_them() {
    let fixture = Fixture::new().await;
    let url = settings(&fixture.folder).database_url;
    let options = PgConnectOptions::from_str(&url).unwrap().application_name("cutpoint/9999");
    let with = |version: i64, sql: &'static str| {
        let mut migrations = MIGRATIONS.migrations.to_vec();
        let newest = migrations[0].clone();
        migrations.push(sqlx::migrate::Migration::new(
            version,
            "test".into(),
            newest.migration_type,
            sqlx::SqlSafeStr::into_sql_str(sql),
            false,
        ));
        sqlx::migrate::Migrator { migrations: migrations.into(), ..sqlx::migrate::Migrator::DEFAULT }
    };
    // Adds.
    migrate(&with(9001, "CREATE TABLE more (a INT)"), &[], &url, &options, true).await.unwrap();
    fixture.insert("beside").await;
    other(&fixture).await.close().await;
    // Breaks.
    let breaking = with(9002, "UPDATE cutpoint_schema SET oldest = 9002");
    let refused = migrate(&breaking, &[9002], &url, &options, true).await;
    assert!(matches!(refused, Err(StoreError::OlderServers { migration: 9002, .. })), "{refused:?}");
    fixture.insert("still").await;
}

#[test]
fn a_url_is_shown_without_its_password() {
    assert_eq!(shown_url("postgres://u:secret@db/x"), "postgres://u:%E2%80%A6@db/x");
    assert_eq!(shown_url("postgres://u@db/x?password=secret&a=b"), "postgres://u@db/x?a=b");
    assert_eq!(shown_url("postgres://u@db/x"), "postgres://u@db/x");
    // The password has a character that ends the host.
    assert!(!shown_url("postgres://u:se#cret@db/x").contains("cret"));
    assert_eq!(shown_url("sqlite://a.db"), "sqlite://a.db");
}

#[test]
fn both_engines_have_migrations_of_the_same_numbers() {
    let of = |migrator: &sqlx::migrate::Migrator| -> Vec<i64> {
        migrator.iter().map(|migration| migration.version).filter(|version| *version >= 12).collect()
    };
    assert_eq!(of(&MIGRATIONS), of(&sqlite::MIGRATIONS));
}
