//! `cutpoint database`: copies the database of the service from one engine to the other.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::complain;
use super::exit::Exit;
use super::interrupt::asked_to_end;
use super::service::store_settings;
use crate::clock::{Clock, RandomIds, SystemClock};
use crate::config::Settings;
use crate::store::{ServerLock, Standing, Store, StoreSettings, shown_url, standing};

/// Copies the database of the service from SQLite to PostgreSQL, or back.
#[derive(Debug, Args)]
pub struct DatabaseArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Copies everything into an empty database of the other engine.
    Copy(CopyArguments),
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Stop all servers first: what they answer during the copy is not in it. Everything is copied in one transaction, or \
nothing. Ids, keys, webhooks and waiting jobs stay the same; jobs that ran begin again under the first server that \
starts on the copy. The original is brought to this version's schema and is not changed otherwise.

Example:
  cutpoint database copy --from sqlite://cutpoint.db --to postgres://cutpoint@db.example/cutpoint")]
struct CopyArguments {
    /// The database to copy.
    #[arg(long, value_name = "URL")]
    from: String,
    /// The database to fill. It must be empty; a schema is created.
    #[arg(long, value_name = "URL")]
    to: String,
}

pub(super) fn run(arguments: &DatabaseArguments) -> Exit {
    let Action::Copy(arguments) = &arguments.action;
    let clock = SystemClock::new();
    match copy(arguments) {
        Ok(rows) => {
            let (to, seconds) = (shown_url(&arguments.to), clock.monotonic().as_secs_f64());
            println!("{to}: {rows} rows in {seconds:.3} s");
            Exit::Success
        }
        Err(error) => complain(&error),
    }
}

fn copy(arguments: &CopyArguments) -> anyhow::Result<u64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let refused = || format!("nothing was copied from {}", shown_url(&arguments.from));
        let interrupted = asked_to_end()?;
        tokio::select! {
            copied = copy_all(arguments) => copied.with_context(refused),
            signal = interrupted => Err(anyhow::anyhow!("{signal}").context(refused())),
        }
    })
}

async fn copy_all(arguments: &CopyArguments) -> anyhow::Result<u64> {
    let CopyArguments { from, to } = arguments;
    if standing(from).await? != Standing::Ours {
        anyhow::bail!("there is no database of Cutpoint at {}", shown_url(from));
    }
    let _served = (ServerLock::take(from)?, ServerLock::take(to)?);
    let (from, to) = (open(from, false).await?, open(to, true).await?);
    let (rows, shows) = (Arc::new(AtomicU64::new(0)), std::io::stderr().is_terminal());
    let total = rows.clone();
    from.copy_to(&to, move |table| {
        total.fetch_add(table.rows, Ordering::Relaxed);
        if shows {
            eprintln!("{}: {} rows", table.name, table.rows);
        }
    })
    .await?;
    to.close().await;
    from.close().await;
    Ok(rows.load(Ordering::Relaxed))
}

async fn open(url: &str, create: bool) -> anyhow::Result<Store> {
    let settings = Settings { database_url: url.to_owned(), ..Settings::default() };
    let settings = StoreSettings { create, ..store_settings(&settings) };
    let opened = Store::open(&settings, Arc::new(SystemClock::new()), Arc::new(RandomIds::default())).await;
    opened.with_context(|| format!("cannot open {}", shown_url(url)))
}
