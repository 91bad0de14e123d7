//! Sets up tracing (log lines on standard error as text or JSON, and spans for a collector) and names every metric.

mod traces;

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use self::traces::{Traces, continue_trace};
use crate::config::LogFormat;

/// An error of setting up tracing.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter is invalid.
    #[error("the log filter is not usable: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The address of the collector is invalid.
    #[error("traces cannot be sent: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Logging was set up before.
    #[error("logging was set up before: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends everything that passes `filter` to standard error, and spans to the collector at `otlp_endpoint`, if there is
/// one.
///
/// # Errors
/// The filter or the address is invalid, or this is the second call in the process.
pub fn start(format: LogFormat, filter: &str, otlp_endpoint: Option<&str>) -> Result<Option<Traces>, TelemetryError> {
    let filter = EnvFilter::try_new(filter)?;
    let traces = otlp_endpoint.map(Traces::to).transpose()?;
    let spans = traces.as_ref().map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer()));
    let registry = tracing_subscriber::registry().with(filter).with(spans);
    match format {
        LogFormat::Text => {
            registry.with(fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal())).try_init()?;
        }
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(stderr)).try_init()?,
    }
    Ok(traces)
}

/// The names of all metrics. Times are in seconds and sizes in bytes. The name of a counter ends in `_total`.
pub mod metric {
    /// Histogram: how long requests took until their answer began; `method`, `route`, `status`.
    pub const REQUEST_DURATION: &str = "cutpoint_http_request_duration_seconds";
    /// Gauge: requests that are being answered.
    pub const REQUESTS: &str = "cutpoint_http_requests";
    /// Counter: requests that were refused; `cause` is `connections`, `requests`, `queue` or `streams`, or one of
    /// `requests_per_key`, `jobs_per_key` and `streams_per_key`.
    pub const SHED: &str = "cutpoint_http_requests_shed_total";
    /// The causes of [`SHED`].
    pub const SHED_CAUSES: [&str; 7] =
        ["connections", "requests", "queue", "streams", "requests_per_key", "jobs_per_key", "streams_per_key"];
    /// Gauge: open streams of events.
    pub const STREAMS: &str = "cutpoint_event_streams";
    /// Gauge: jobs that have not ended; `status` is `queued` or `running`.
    pub const JOBS: &str = "cutpoint_jobs";
    /// Counter: jobs that ended in this process; `status`, `termination` (`none` without one).
    pub const JOBS_ENDED: &str = "cutpoint_jobs_ended_total";
    /// Every combination of status and termination of [`JOBS_ENDED`].
    pub const JOB_ENDS: [(&str, &str); 8] = [
        ("succeeded", "optimal"),
        ("succeeded", "gap_reached"),
        ("succeeded", "exhausted"),
        ("succeeded", "time_limit"),
        ("succeeded", "stopped"),
        ("infeasible", "infeasible"),
        ("cancelled", "none"),
        ("failed", "none"),
    ];
    /// Gauge: how long the oldest queued job has waited; 0 if none waits.
    pub const QUEUE_AGE: &str = "cutpoint_queue_oldest_age_seconds";
    /// Histogram: how long searches took; `termination`.
    pub const SOLVE_DURATION: &str = "cutpoint_solve_duration_seconds";
    /// The terminations of [`SOLVE_DURATION`].
    pub const TERMINATIONS: [&str; 6] = ["optimal", "infeasible", "gap_reached", "exhausted", "time_limit", "stopped"];
    /// Histogram: gaps of ended searches that have one, from 0 to 1.
    pub const GAP: &str = "cutpoint_solve_gap_ratio";
    /// Gauge: workers.
    pub const WORKERS: &str = "cutpoint_workers";
    /// Gauge: workers that have a job.
    pub const BUSY_WORKERS: &str = "cutpoint_workers_busy";
    /// Counter: leases that expired or that another worker took over.
    pub const LEASES_LOST: &str = "cutpoint_leases_lost_total";
    /// Histogram: how long a group of writes took, including its commit.
    pub const TRANSACTION_DURATION: &str = "cutpoint_store_transaction_duration_seconds";
    /// Histogram: how many writes one commit contained.
    pub const TRANSACTION_WRITES: &str = "cutpoint_store_transaction_writes";
    /// Gauge: size of the database's write-ahead log.
    pub const WAL_BYTES: &str = "cutpoint_store_wal_bytes";
    /// Gauge: connections to PostgreSQL; `state` is `idle` or `used`.
    pub const CONNECTIONS: &str = "cutpoint_store_connections";
    /// Gauge: 1 while notifications of other servers arrive, 0 while the database is polled instead.
    pub const LISTENING: &str = "cutpoint_store_listening";
    /// Counter: what the retention settings deleted; `kind` is `placement`, `job` or `cluster_revision`.
    pub const RETENTION_DELETED: &str = "cutpoint_retention_deleted_total";
    /// The kinds of [`RETENTION_DELETED`].
    pub const RETAINED_KINDS: [&str; 3] = ["placement", "job", "cluster_revision"];
    /// Counter: damaged rows that were omitted from a list or failed; `table`.
    pub const UNREADABLE_ROWS: &str = "cutpoint_store_unreadable_rows_total";
    /// The tables of [`UNREADABLE_ROWS`].
    pub const DAMAGED_TABLES: [&str; 7] =
        ["models", "clusters", "jobs", "placements", "webhooks", "webhook_deliveries", "api_keys"];
    /// Gauge: 1 after a write has failed for lack of space until there is space again, else 0.
    pub const STORE_FULL: &str = "cutpoint_store_full";

    /// Counter: attempts to deliver a message to a webhook; `outcome`.
    pub const DELIVERY_ATTEMPTS: &str = "cutpoint_webhook_attempts_total";
    /// The outcomes of [`DELIVERY_ATTEMPTS`].
    pub const DELIVERY_OUTCOMES: [&str; 10] = [
        "delivered",
        "gone",
        "redirected",
        "rejected",
        "address_refused",
        "not_resolved",
        "not_connected",
        "tls_failed",
        "timed_out",
        "broken_off",
    ];
    /// Histogram: how long attempts to deliver took.
    pub const DELIVERY_DURATION: &str = "cutpoint_webhook_attempt_duration_seconds";
    /// Gauge: deliveries to webhooks that will be attempted.
    pub const DELIVERIES_PENDING: &str = "cutpoint_webhook_deliveries_pending";

    /// Gauge: deployments; `condition` is `pending`, `healthy`, `degraded` or `broken`.
    pub const DEPLOYMENTS: &str = "cutpoint_deployments";
    /// Histogram: how long after the revision of a cluster a proposal was made that answers it.
    pub const PROPOSAL_DELAY: &str = "cutpoint_deployment_proposal_delay_seconds";
    /// Counter: plans and proposals that were dropped, since what runs is well again or nothing better was found.
    pub const MOVES_AVOIDED: &str = "cutpoint_deployment_moves_avoided_total";

    /// Every metric with its description.
    pub const ALL: [(&str, &str); 26] = [
        (REQUEST_DURATION, "How long requests took until their answer began."),
        (REQUESTS, "Requests that are being answered."),
        (SHED, "Requests that were refused, by cause."),
        (STREAMS, "Open streams of events."),
        (JOBS, "Jobs that have not ended, by status."),
        (JOBS_ENDED, "Jobs that ended, by status and termination."),
        (QUEUE_AGE, "How long the oldest queued job has waited."),
        (SOLVE_DURATION, "How long searches took, by termination."),
        (GAP, "Gaps of ended searches, from 0 to 1."),
        (WORKERS, "Workers."),
        (BUSY_WORKERS, "Workers that have a job."),
        (LEASES_LOST, "Leases that were lost."),
        (TRANSACTION_DURATION, "How long a group of writes took, including its commit."),
        (TRANSACTION_WRITES, "How many writes one commit contained."),
        (WAL_BYTES, "Size of the database's write-ahead log."),
        (CONNECTIONS, "Connections to PostgreSQL, by state."),
        (LISTENING, "1 while notifications of other servers arrive, 0 while the database is polled instead."),
        (RETENTION_DELETED, "What the retention settings deleted, by kind."),
        (UNREADABLE_ROWS, "Damaged rows that were omitted, by table."),
        (STORE_FULL, "1 after a write has failed for lack of space until there is space again, else 0."),
        (DELIVERY_ATTEMPTS, "Attempts to deliver a message to a webhook, by outcome."),
        (DELIVERY_DURATION, "How long attempts to deliver took."),
        (DELIVERIES_PENDING, "Deliveries to webhooks that will be attempted."),
        (DEPLOYMENTS, "Deployments, by condition."),
        (PROPOSAL_DELAY, "How long after the revision of a cluster a proposal was made that answers it."),
        (MOVES_AVOIDED, "Plans and proposals that were dropped."),
    ];
}

const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const SOLVE_SECONDS: [f64; 12] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 3600.0, 86_400.0];
const DELIVERY_SECONDS: [f64; 10] = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];
const GAPS: [f64; 8] = [0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5];
const WRITES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The metrics of this process, in the text format of Prometheus.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Returns the metrics of this process. The first call sets them up.
    pub fn of_process() -> Self {
        static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
        Self { handle: HANDLE.get_or_init(set_up).clone() }
    }

    /// Returns all metrics as text.
    pub fn text(&self) -> String {
        self.handle.render()
    }

    /// Aggregates the samples of histograms. Without it they would grow until the text is next requested.
    pub fn fold(&self) {
        self.handle.run_upkeep();
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn set_up() -> PrometheusHandle {
    let buckets: [(&str, &[f64]); 7] = [
        (metric::REQUEST_DURATION, &SECONDS),
        (metric::TRANSACTION_DURATION, &SECONDS),
        (metric::SOLVE_DURATION, &SOLVE_SECONDS),
        (metric::DELIVERY_DURATION, &DELIVERY_SECONDS),
        (metric::PROPOSAL_DELAY, &SECONDS),
        (metric::GAP, &GAPS),
        (metric::TRANSACTION_WRITES, &WRITES),
    ];
    let builder = buckets.into_iter().fold(PrometheusBuilder::new(), |builder, (name, buckets)| {
        // The builder refuses only empty lists.
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets).expect("buckets are not empty")
    });
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another recorder of metrics was set before: /metrics stays empty");
    }
    for (name, text) in metric::ALL {
        if name.ends_with("_total") {
            metrics::describe_counter!(name, text);
        } else if buckets.iter().any(|(histogram, _)| *histogram == name) {
            metrics::describe_histogram!(name, text);
        } else {
            metrics::describe_gauge!(name, text);
        }
    }
    start_at_zero();
    handle
}

/// Registers every series whose labels are known in advance, so that dashboards show it from the start and the first
/// event counts as an increase.
///
/// Gauges that are read on request are not registered. Of the request durations only that of `/metrics` is, since the
/// statuses of other routes are not known in advance.
fn start_at_zero() {
    metric::SHED_CAUSES.into_iter().for_each(|cause| counter!(metric::SHED, "cause" => cause).absolute(0));
    for (status, termination) in metric::JOB_ENDS {
        counter!(metric::JOBS_ENDED, "status" => status, "termination" => termination).absolute(0);
    }
    for outcome in metric::DELIVERY_OUTCOMES {
        counter!(metric::DELIVERY_ATTEMPTS, "outcome" => outcome).absolute(0);
    }
    metric::RETAINED_KINDS.into_iter().for_each(|kind| counter!(metric::RETENTION_DELETED, "kind" => kind).absolute(0));
    metric::DAMAGED_TABLES
        .into_iter()
        .for_each(|table| counter!(metric::UNREADABLE_ROWS, "table" => table).absolute(0));
    counter!(metric::LEASES_LOST).absolute(0);
    counter!(metric::MOVES_AVOIDED).absolute(0);
    // Of the gauges of an engine, those of the other one stay 0.
    ["idle", "used"].into_iter().for_each(|state| gauge!(metric::CONNECTIONS, "state" => state).set(0.0));
    for gauge in
        [metric::LISTENING, metric::WAL_BYTES, metric::REQUESTS, metric::STREAMS, metric::WORKERS, metric::BUSY_WORKERS]
    {
        gauge!(gauge).set(0.0);
    }
    // Naming a histogram registers it with 0 observations.
    drop(histogram!(metric::REQUEST_DURATION, "method" => "GET", "route" => "/metrics", "status" => "200"));
    for termination in metric::TERMINATIONS {
        drop(histogram!(metric::SOLVE_DURATION, "termination" => termination));
    }
    let unlabelled = [
        metric::GAP,
        metric::PROPOSAL_DELAY,
        metric::TRANSACTION_DURATION,
        metric::TRANSACTION_WRITES,
        metric::DELIVERY_DURATION,
    ];
    unlabelled.into_iter().for_each(|name| drop(histogram!(name)));
}
