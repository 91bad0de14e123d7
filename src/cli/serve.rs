//! `cutpoint serve`: runs the service until SIGTERM or Ctrl-C.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use super::complain;
use super::exit::Exit;
use super::interrupt::asked_to_end;
use super::service::Service;
use super::setting_flags::SettingFlags;
use crate::config::Settings;
use crate::telemetry::{self, Traces};

const AFTER_LONG_HELP: &str = "\
Settings come from defaults, then the file of --config, then the environment, then flags; later ones win. In the file \
and the environment a setting is named like its flag with underscores: `queue_limit = 50` in the file, \
CUTPOINT_QUEUE_LIMIT=50 in the environment. All settings are checked before anything starts.

The first line on standard output is `cutpoint listens on http://ADDRESS:PORT`; log lines go to standard error.

On SIGTERM or Ctrl-C the service stops accepting connections, and running jobs go back into the queue with their best \
placements. Open requests get --shutdown-s seconds to end. Jobs survive crashes too: the next start resumes them.

Examples:
  cutpoint serve
  cutpoint serve --listen 0.0.0.0:8080 --database-url sqlite:///var/lib/cutpoint/cutpoint.db --log-format json
  CUTPOINT_WORKERS=4 cutpoint serve --config cutpoint.toml

Callers authenticate with a key from `cutpoint key create`. On loopback no key is needed until one exists. On other \
addresses the service does not start without a key, unless --allow-anonymous is given.";

/// Runs the service: planning jobs over HTTP, stored in a database.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub struct ServeArguments {
    /// TOML file with settings.
    #[arg(long, value_name = "FILE", env = "CUTPOINT_CONFIG", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingFlags,
}

pub(super) fn run(arguments: &ServeArguments) -> Exit {
    let settings = match Settings::load(arguments.config.as_deref(), &arguments.settings.0) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("cutpoint: {error}");
            return Exit::BadInput;
        }
    };
    match serve(&settings) {
        Ok(()) => Exit::Success,
        Err(error) => complain(&error),
    }
}

/// How long blocking work may continue after a shutdown.
const STRAGGLERS: Duration = Duration::from_secs(1);

fn serve(settings: &Settings) -> anyhow::Result<()> {
    let traces = telemetry::start(settings.log_format, &settings.log, settings.otlp_endpoint.as_deref())?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
    let served = runtime.block_on(async {
        let mut end = Box::pin(asked_to_end()?);
        let mut service = Service::start(settings).await?;
        announce(&service)?;
        tokio::select! {
            signal = &mut end => tracing::info!(signal, "shutting down"),
            error = service.failed() => return Err(error),
        }
        service.shut_down().await;
        tracing::info!("shut down");
        Ok(())
    });
    // The clients of work that still runs, such as parsing a large body or resolving a name, are disconnected by now.
    runtime.shutdown_timeout(STRAGGLERS);
    traces.into_iter().for_each(Traces::end);
    served
}

/// Prints the address as the first line on standard output, for programs that start the service on port 0.
fn announce(service: &Service) -> anyhow::Result<()> {
    let address = service.address();
    let mut out = std::io::stdout().lock();
    writeln!(out, "cutpoint listens on http://{address}").and_then(|()| out.flush()).context("standard output")?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    Ok(())
}
