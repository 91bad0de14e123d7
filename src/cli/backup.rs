//! `cutpoint backup`: copies the database of the service. The service may be running.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use super::complain;
use super::database_flags::DatabaseFlags;
use super::exit::Exit;
use super::interrupt::asked_to_end;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::store;

/// Copies the database of the service to a file. The service may be running.
#[derive(Debug, Args)]
#[command(after_long_help = "\
The copy holds everything that was answered before the command began. It gets its name only once it is complete, \
checked and on the disk; an existing file is never overwritten. The copy contains the secrets of webhooks: only its \
owner may read it.

To restore it, stop the service, replace the database file with the copy, remove the old -wal and -shm files, and \
start the service.

Examples:
  cutpoint backup /backups/cutpoint-monday.db
  cutpoint backup --database-url sqlite:///var/lib/cutpoint/cutpoint.db copy.db")]
pub struct BackupArguments {
    /// The file to write; it must not exist yet.
    #[arg(value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseFlags,
}

pub(super) fn run(arguments: &BackupArguments) -> Exit {
    let settings = match arguments.database.settings() {
        Ok(settings) => settings,
        Err(words) => {
            eprintln!("cutpoint: {words}");
            return Exit::BadInput;
        }
    };
    let clock = SystemClock::new();
    match copy(arguments, &settings) {
        Ok(bytes) => {
            let (file, seconds) = (arguments.file.display(), clock.monotonic().as_secs_f64());
            println!("{file}: {bytes} bytes in {seconds:.3} s");
            Exit::Success
        }
        Err(error) => complain(&error),
    }
}

fn copy(arguments: &BackupArguments, settings: &Settings) -> anyhow::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (url, shown) = (&settings.database_url, store::shown_url(&settings.database_url));
        let interrupted = asked_to_end()?;
        tokio::select! {
            copied = store::backup(url, &arguments.file) => copied.with_context(|| format!("no copy of {shown} was made")),
            // Dropping the future removes the partial copy.
            signal = interrupted => anyhow::bail!("no copy of {shown} was made: {signal}"),
        }
    })
}
