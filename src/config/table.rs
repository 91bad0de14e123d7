//! The table of settings, with one row for each. A macro makes the struct, its defaults, its reader and the flags from
//! it.

use std::net::SocketAddr;

use cutpoint_planner::domain::read::Reader;
use ipnet::IpNet;
use serde_json::{Map, Value};

use self::Flag::{Count, Seconds, Switch, Text};
use super::LogFormat;
use super::values::{
    given, read_body, read_connections, read_count, read_database_url, read_duration, read_endpoint, read_flag,
    read_limit, read_listen, read_log, read_log_format, read_names, read_nets, read_queue_limit,
};

/// A setting without its value.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the file. In the environment it is in capitals, after [`super::ENVIRONMENT_PREFIX`].
    pub name: &'static str,
    /// A sentence that describes it.
    pub help: &'static str,
    /// The flag that sets it.
    pub flag: Flag,
    /// Returns its default as text.
    pub default: fn() -> String,
}

/// What the flag of a setting takes, and the name of that in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `true` or `false`. Without a value it is `true`.
    Switch,
    /// Text that the setting's reader understands.
    Text(&'static str),
    /// A whole number.
    Count(&'static str),
    /// A number of seconds.
    Seconds,
}

/// Defines [`Settings`] by rows `name: type = default, flag, reader;`. `=>` and a text after a default replace it in
/// the help.
macro_rules! settings {
    ($($(#[doc = $help:literal])+ $name:ident: $type:ty = $default:expr $(=> $words:literal)?, $flag:expr, $read:expr;)+) => {
        /// The settings of the service.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Settings {
            $($(#[doc = $help])+ #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")] pub $name: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Settings {
            /// The names of all settings.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),+];

            /// Returns all settings in the order of the help.
            pub const TABLE: &'static [Setting] = &[$(Setting {
                name: stringify!($name),
                help: concat!($($help),+),
                flag: $flag,
                default: || settings!(@written $type, $default $(, $words)?),
            }),+];

            /// Reads every setting. An absent or faulty one gets its default.
            pub(super) fn read_rows(reader: &mut Reader, map: &Map<String, Value>) -> Self {
                Self { $($name: reader.optional(map, stringify!($name), $read).unwrap_or_else(|| $default),)+ }
            }
        }
    };
    (@written $type:ty, $default:expr) => {{
        let default: $type = $default;
        default.to_string()
    }};
    (@written $type:ty, $default:expr, $words:literal) => { $words.to_owned() };
}

settings! {
    /// Address and port to listen on; port 0 takes a free one.
    listen: SocketAddr = ([127, 0, 0, 1], 8080).into(), Text("ADDRESS"), read_listen;
    /// The database of the service: a SQLite file, or postgres://USER:PASSWORD@HOST/DATABASE, which several servers can use.
    database_url: String = "sqlite://cutpoint.db".to_owned(), Text("URL"), read_database_url;
    /// Connections to PostgreSQL; two more write and listen.
    database_connections: u32 = 16, Count("COUNT"), read_connections;
    /// How long a request waits for a connection to PostgreSQL; past it the answer is 503.
    database_wait_s: f64 = 5.0, Seconds, read_duration;
    /// How long a statement of PostgreSQL may take; past it the answer is 503.
    database_statement_timeout_s: f64 = 30.0, Seconds, read_duration;
    /// Accept callers without a key on any address, as long as no key was ever created.
    allow_anonymous: bool = false, Switch, read_flag;
    /// Names of the page's host where no key is needed, separated by commas, besides addresses and names of a local
    /// network.
    page_hosts: Vec<String> = Vec::new() => "none", Text("NAMES"), read_names;
    /// Jobs solved at once.
    workers: usize = cores() => "the number of cores", Count("COUNT"), read_count;
    /// Threads that one solve may use; a hard search uses two.
    threads_per_job: usize = 1, Count("COUNT"), read_count;
    /// The most jobs that may wait; past it the answer is 503.
    queue_limit: u32 = 1000, Count("COUNT"), read_queue_limit;
    /// The largest request body, bytes.
    max_body_bytes: usize = 32 << 20, Count("BYTES"), read_body;
    /// The largest ONNX file that is imported, bytes; its weights are not kept.
    max_import_bytes: usize = 4 << 30, Count("BYTES"), read_body;
    /// Imports at once; past it the answer is 503.
    max_imports: usize = 4, Count("COUNT"), read_limit;
    // The usual limit of a process is 1024 file descriptors.
    /// Open connections; one more is closed at once.
    max_connections: usize = 960, Count("COUNT"), read_limit;
    /// Requests answered at once; past it the answer is 503.
    max_requests: usize = 512, Count("COUNT"), read_limit;
    /// Streams of events at once; past it the answer is 503.
    max_streams: usize = 256, Count("COUNT"), read_limit;
    /// Jobs of one key that have not ended; past it the answer is 429.
    max_jobs_per_key: u32 = 500, Count("COUNT"), read_queue_limit;
    /// Requests of one key answered at once; past it the answer is 429.
    max_requests_per_key: usize = 256, Count("COUNT"), read_limit;
    /// Streams of events of one key at once; past it the answer is 429.
    max_streams_per_key: usize = 64, Count("COUNT"), read_limit;
    /// Layers of a model.
    max_layers: usize = 100_000, Count("COUNT"), read_limit;
    /// Nodes of a cluster.
    max_nodes: usize = 10_000, Count("COUNT"), read_limit;
    /// Listed links of a cluster.
    max_links: usize = 1_000_000, Count("COUNT"), read_limit;
    /// The longest time limit of a solve.
    max_time_limit_s: f64 = 86_400.0, Seconds, read_duration;
    /// How long the head of a request may take; an idle connection is closed after it.
    header_timeout_s: f64 = 30.0, Seconds, read_duration;
    /// How long the body of a request may take.
    body_timeout_s: f64 = 60.0, Seconds, read_duration;
    /// How long an imported file may take to arrive; a pause in it may be as long as a body.
    import_timeout_s: f64 = 600.0, Seconds, read_duration;
    /// How long a client may stop reading an answer.
    write_timeout_s: f64 = 30.0, Seconds, read_duration;
    /// Seconds between two heartbeats of a running job.
    heartbeat_s: f64 = 1.0, Seconds, read_duration;
    /// Seconds that a job belongs to its worker after a heartbeat.
    lease_s: f64 = 15.0, Seconds, read_duration;
    /// How many of the newest placements of a model on a cluster are kept.
    retain_placements: Option<u32> = None => "all", Count("COUNT"), given(read_queue_limit);
    /// Seconds after which a placement is deleted.
    retain_placements_s: Option<f64> = None => "never", Seconds, given(read_duration);
    /// Seconds after its end from which the record of a job is deleted.
    retain_jobs_s: Option<f64> = None => "never", Seconds, given(read_duration);
    /// Networks outside the public Internet that webhooks may lead to, separated by commas.
    webhook_allow_nets: Vec<IpNet> = Vec::new() => "none", Text("NETS"), read_nets;
    /// Seconds that open requests and running jobs get to end at shutdown.
    shutdown_s: f64 = 10.0, Seconds, read_duration;
    /// OpenTelemetry collector that receives spans (OTLP over HTTP), such as http://127.0.0.1:4318.
    otlp_endpoint: Option<String> = None => "none", Text("URL"), given(read_endpoint);
    /// Format of log lines: text or json.
    log_format: LogFormat = LogFormat::Text => "text", Text("FORM"), read_log_format;
    /// What is logged: a level, or target=level with commas between.
    log: String = "info".to_owned(), Text("FILTER"), read_log;
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
