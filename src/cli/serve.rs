//! `cutpoint serve`: runs the service until it is told to end.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::Serialize;

use super::exit::Exit;
use super::interrupt::asked_to_end;
use super::service::Service;
use super::{complain, count, finite};
use crate::config::Settings;
use crate::telemetry::{self, Traces};

const AFTER_LONG_HELP: &str = "\
Settings come from defaults, then the file of --config, then the environment, then flags; later ones win. In the file \
and the environment a setting is named like its flag with underscores: `queue_limit = 50` in the file, \
CUTPOINT_QUEUE_LIMIT=50 in the environment. All settings are checked before anything starts.

The first line on standard output is `cutpoint listens on http://ADDRESS:PORT`; log lines go to standard error.

SIGTERM or Ctrl-C: the service stops accepting, running jobs go back into the queue with the best they have, open \
requests get --shutdown-s seconds to end. Jobs survive crashes too: the next start takes them up again.

Examples:
  cutpoint serve
  cutpoint serve --listen 0.0.0.0:8080 --database-url sqlite:///var/lib/cutpoint/cutpoint.db --log-format json
  CUTPOINT_WORKERS=4 cutpoint serve --config cutpoint.toml

Callers show a key that `cutpoint key create` made. On loopback none is needed until the first one is made; on other \
addresses the service does not start without one, unless --allow-anonymous says so.";

/// Runs the service: planning jobs over HTTP, kept in a database.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub struct ServeArguments {
    /// File with settings, TOML.
    #[arg(long, value_name = "FILE", env = "CUTPOINT_CONFIG", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Settings as flags; absent ones are left to the environment, the file and the defaults.
#[derive(Debug, Default, Args, Serialize)]
pub(super) struct SettingFlags {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
    /// Where everything is kept [default: sqlite://cutpoint.db].
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// Let callers without a key in, also on other addresses than loopback, as long as no key was ever made.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_anonymous: Option<bool>,
    /// Jobs solved at once [default: the number of cores].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<u64>,
    /// Threads that one solve may use; a hard search uses two [default: 1].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    threads_per_job: Option<u64>,
    /// The most jobs that may wait; past it the answer is 503 [default: 1000].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_limit: Option<u64>,
    /// The largest request body, bytes [default: 33554432].
    #[arg(long, value_name = "BYTES", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_body_bytes: Option<u64>,
    /// Open connections; one more is closed at once [default: 960].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<u64>,
    /// Requests answered at once; past it the answer is 503 [default: 512].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_requests: Option<u64>,
    /// Streams of events at once; past it the answer is 503 [default: 256].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_streams: Option<u64>,
    /// Jobs of one key that have not ended; past it the answer is 429 [default: 500].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_jobs_per_key: Option<u64>,
    /// Requests of one key answered at once; past it the answer is 429 [default: 256].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_requests_per_key: Option<u64>,
    /// Streams of events of one key at once; past it the answer is 429 [default: 64].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_streams_per_key: Option<u64>,
    /// Layers of a model [default: 100000].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_layers: Option<u64>,
    /// Nodes of a cluster [default: 10000].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_nodes: Option<u64>,
    /// Listed links of a cluster [default: 1000000].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_links: Option<u64>,
    /// The longest time limit of a solve [default: 86400].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_time_limit_s: Option<f64>,
    /// How long the head of a request may take; an idle connection is closed after it [default: 30].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    header_timeout_s: Option<f64>,
    /// How long the body of a request may take [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    body_timeout_s: Option<f64>,
    /// How long a client may take none of an answer [default: 30].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    write_timeout_s: Option<f64>,
    /// Seconds between two heartbeats of a running job [default: 1].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat_s: Option<f64>,
    /// Seconds that a job belongs to its worker after a heartbeat [default: 15].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_s: Option<f64>,
    /// How many placements of a model on a cluster are kept, the newest [default: all].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    retain_placements: Option<u64>,
    /// Seconds after which a placement is deleted [default: never].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    retain_placements_s: Option<f64>,
    /// Seconds after its end from which the record of a job is deleted [default: never].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    retain_jobs_s: Option<f64>,
    /// Nets that webhooks may lead to although they are not of the open Internet, commas between [default: none].
    #[arg(long, value_name = "NETS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_allow_nets: Option<String>,
    /// Seconds that requests and jobs get to end at shutdown [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_s: Option<f64>,
    /// Collector that spans are sent to, OTLP over HTTP, such as http://127.0.0.1:4318 [default: none].
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    otlp_endpoint: Option<String>,
    /// How log lines look: text or json [default: text].
    #[arg(long, value_name = "FORM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<String>,
    /// What is logged: a level, or target=level with commas between [default: info].
    #[arg(long, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &ServeArguments) -> Exit {
    let settings = match Settings::load(arguments.config.as_deref(), &arguments.settings) {
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

/// How long work may go on that a shutdown has left behind.
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
    // What still runs (the parse of a large body, the look-up of a name) has nobody to answer any more.
    runtime.shutdown_timeout(STRAGGLERS);
    traces.into_iter().for_each(Traces::end);
    served
}

/// The first line on standard output, for programs that start the service on port 0.
fn announce(service: &Service) -> anyhow::Result<()> {
    let address = service.address();
    let mut out = std::io::stdout().lock();
    writeln!(out, "cutpoint listens on http://{address}").and_then(|()| out.flush()).context("standard output")?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    Ok(())
}
