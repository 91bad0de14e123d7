//! Settings of the service: defaults, then a TOML file, then the environment, then flags; one struct, checked at once.

mod values;

use std::net::SocketAddr;
use std::path::Path;

use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::read::Reader;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use serde::Serialize;
use serde_json::{Map, Value};

use self::values::{
    read_body, read_count, read_database_url, read_duration, read_endpoint, read_flag, read_limit, read_listen,
    read_log, read_log_format, read_nets, read_queue_limit,
};

/// Environment variables that set a setting start with this; the rest of the name is the setting's, in capitals.
pub const ENVIRONMENT_PREFIX: &str = "CUTPOINT_";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Everything that can be set. [`Settings::default`] has the documented defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Address and port to listen on; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// Where everything is kept: `sqlite://` and a path. The file is made where it is missing.
    /// Default `sqlite://cutpoint.db`.
    pub database_url: String,
    /// Whether callers without a key are let in where no key was ever made, also on addresses other than loopback.
    /// Default false.
    pub allow_anonymous: bool,
    /// Jobs solved at once. Default: the number of cores.
    pub workers: usize,
    /// Threads that one solve may use; a hard search uses two. Default 1.
    pub threads_per_job: usize,
    /// The most jobs that may wait; past it the answer is 503. Default 1000.
    pub queue_limit: u32,
    /// The largest request body, bytes. Default 33554432 (32 MiB).
    pub max_body_bytes: u64,
    /// Open connections; one more is closed at once. Default 960.
    pub max_connections: u64,
    /// Requests answered at once; past it the answer is 503. Default 512.
    pub max_requests: u64,
    /// Streams of events at once; past it the answer is 503. Default 256.
    pub max_streams: u64,
    /// Jobs of one key that have not ended; past it the answer is 429. Default 500.
    pub max_jobs_per_key: u32,
    /// Requests of one key answered at once; past it the answer is 429. Default 256.
    pub max_requests_per_key: u64,
    /// Streams of events of one key at once; past it the answer is 429. Default 64.
    pub max_streams_per_key: u64,
    /// Layers of a model. Default 100000.
    pub max_layers: u64,
    /// Nodes of a cluster. Default 10000.
    pub max_nodes: u64,
    /// Listed links of a cluster. Default 1000000.
    pub max_links: u64,
    /// The longest time limit of a solve, seconds. Default 86400.
    pub max_time_limit_s: f64,
    /// How long the head of a request may take; an idle connection is closed after it, seconds. Default 30.
    pub header_timeout_s: f64,
    /// How long the body of a request may take, seconds. Default 60.
    pub body_timeout_s: f64,
    /// How long a client may take none of an answer, seconds; then its connection is closed. Default 30.
    pub write_timeout_s: f64,
    /// Seconds between two heartbeats of a running job, each of which stores its incumbent and bound. Default 1.
    pub heartbeat_s: f64,
    /// Seconds that a job belongs to its worker after a heartbeat; at least three heartbeats. Default 15.
    pub lease_s: f64,
    /// How many placements of a model on a cluster are kept, the newest. Default: all.
    pub retain_placements: Option<u32>,
    /// Seconds after which a placement is deleted. Default: never.
    pub retain_placements_s: Option<f64>,
    /// Seconds after its end from which the record of a job is deleted. Default: never.
    pub retain_jobs_s: Option<f64>,
    /// Nets that webhooks may lead to although they are not of the open Internet, and without TLS. Default none.
    pub webhook_allow_nets: Vec<IpNet>,
    /// Seconds that open requests and running jobs get to end once the service shuts down. Default 10.
    pub shutdown_s: f64,
    /// The collector that spans are sent to: OTLP over HTTP, such as `http://127.0.0.1:4318`. Default: none.
    pub otlp_endpoint: Option<String>,
    /// How log lines look, `text` or `json`. Default `text`.
    pub log_format: LogFormat,
    /// What is logged, in the notation of `tracing-subscriber`: `info`, or `warn,cutpoint::jobs=debug`. Default `info`.
    pub log: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: "sqlite://cutpoint.db".to_owned(),
            allow_anonymous: false,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            threads_per_job: 1,
            queue_limit: 1000,
            max_body_bytes: 32 << 20,
            max_connections: 960,
            max_requests: 512,
            max_streams: 256,
            max_jobs_per_key: 500,
            max_requests_per_key: 256,
            max_streams_per_key: 64,
            max_layers: 100_000,
            max_nodes: 10_000,
            max_links: 1_000_000,
            max_time_limit_s: 86_400.0,
            header_timeout_s: 30.0,
            body_timeout_s: 60.0,
            write_timeout_s: 30.0,
            heartbeat_s: 1.0,
            lease_s: 15.0,
            retain_placements: None,
            retain_placements_s: None,
            retain_jobs_s: None,
            webhook_allow_nets: Vec::new(),
            shutdown_s: 10.0,
            otlp_endpoint: None,
            log_format: LogFormat::Text,
            log: "info".to_owned(),
        }
    }
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// Where the value comes from, in words.
    pub origin: String,
    /// What is wrong with it; its pointer is the setting's name behind a slash.
    pub fault: Fault,
}

/// Settings that cannot be used, every one of them.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", listed(faults))]
pub struct ConfigError {
    /// One for each fault.
    pub faults: Vec<SettingFault>,
}

fn listed(faults: &[SettingFault]) -> String {
    let line = |SettingFault { origin, fault }: &SettingFault| {
        let what = match fault.pointer.trim_start_matches('/') {
            "" => "settings".to_owned(),
            name => format!("setting {name}"),
        };
        format!("{what} ({origin}): {}. {}.", fault.detail, fault.action)
    };
    faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Settings {
    /// Names of all settings, as in the file; in the environment in capitals behind [`ENVIRONMENT_PREFIX`].
    pub const FIELDS: [&'static str; 30] = [
        "listen",
        "database_url",
        "allow_anonymous",
        "workers",
        "threads_per_job",
        "queue_limit",
        "max_body_bytes",
        "max_connections",
        "max_requests",
        "max_streams",
        "max_jobs_per_key",
        "max_requests_per_key",
        "max_streams_per_key",
        "max_layers",
        "max_nodes",
        "max_links",
        "max_time_limit_s",
        "header_timeout_s",
        "body_timeout_s",
        "write_timeout_s",
        "heartbeat_s",
        "lease_s",
        "retain_placements",
        "retain_placements_s",
        "retain_jobs_s",
        "webhook_allow_nets",
        "shutdown_s",
        "otlp_endpoint",
        "log_format",
        "log",
    ];

    /// Defaults < `file` < environment < `flags`; `flags` serialises to the settings that were given as flags.
    ///
    /// # Errors
    /// Every setting that cannot be used, or a file that cannot be read.
    pub fn load(file: Option<&Path>, flags: &impl Serialize) -> Result<Self, ConfigError> {
        let mut sources = Figment::new();
        // A variable without a value, as some tools set it, stands for nothing.
        if let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) {
            // The parser would call a missing file malformed.
            std::fs::read(file).map_err(|error| no_file(file, &error))?;
            sources = sources.merge(Toml::file_exact(file));
        }
        let environment =
            Env::prefixed(ENVIRONMENT_PREFIX).filter(|name| is_setting(name.as_str()) && has_value(name.as_str()));
        let sources = sources.merge(environment).merge(Serialized::defaults(flags));
        let values: Map<String, Value> = sources.extract().map_err(|error| unreadable(&error))?;
        Self::from_values(&Value::Object(values)).map_err(|faults| ConfigError {
            faults: faults.into_iter().map(|fault| SettingFault { origin: origin(&sources, &fault), fault }).collect(),
        })
    }

    fn from_values(values: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new();
        let settings = Self::read(&mut reader, values);
        reader.finish(settings)
    }

    fn read(reader: &mut Reader, values: &Value) -> Option<Self> {
        let map = reader.object(values, &Self::FIELDS)?;
        let default = Self::default();
        let settings = Self {
            listen: reader.optional(map, "listen", read_listen).unwrap_or(default.listen),
            database_url: reader.optional(map, "database_url", read_database_url).unwrap_or(default.database_url),
            allow_anonymous: reader.optional(map, "allow_anonymous", read_flag).unwrap_or(default.allow_anonymous),
            workers: reader.optional(map, "workers", read_count).unwrap_or(default.workers),
            threads_per_job: reader.optional(map, "threads_per_job", read_count).unwrap_or(default.threads_per_job),
            queue_limit: reader.optional(map, "queue_limit", read_queue_limit).unwrap_or(default.queue_limit),
            max_body_bytes: reader.optional(map, "max_body_bytes", read_body).unwrap_or(default.max_body_bytes),
            max_connections: reader.optional(map, "max_connections", read_limit).unwrap_or(default.max_connections),
            max_requests: reader.optional(map, "max_requests", read_limit).unwrap_or(default.max_requests),
            max_streams: reader.optional(map, "max_streams", read_limit).unwrap_or(default.max_streams),
            max_jobs_per_key: reader
                .optional(map, "max_jobs_per_key", read_queue_limit)
                .unwrap_or(default.max_jobs_per_key),
            max_requests_per_key: reader
                .optional(map, "max_requests_per_key", read_limit)
                .unwrap_or(default.max_requests_per_key),
            max_streams_per_key: reader
                .optional(map, "max_streams_per_key", read_limit)
                .unwrap_or(default.max_streams_per_key),
            max_layers: reader.optional(map, "max_layers", read_limit).unwrap_or(default.max_layers),
            max_nodes: reader.optional(map, "max_nodes", read_limit).unwrap_or(default.max_nodes),
            max_links: reader.optional(map, "max_links", read_limit).unwrap_or(default.max_links),
            max_time_limit_s: reader
                .optional(map, "max_time_limit_s", read_duration)
                .unwrap_or(default.max_time_limit_s),
            header_timeout_s: reader
                .optional(map, "header_timeout_s", read_duration)
                .unwrap_or(default.header_timeout_s),
            body_timeout_s: reader.optional(map, "body_timeout_s", read_duration).unwrap_or(default.body_timeout_s),
            write_timeout_s: reader.optional(map, "write_timeout_s", read_duration).unwrap_or(default.write_timeout_s),
            heartbeat_s: reader.optional(map, "heartbeat_s", read_duration).unwrap_or(default.heartbeat_s),
            lease_s: reader.optional(map, "lease_s", read_duration).unwrap_or(default.lease_s),
            retain_placements: reader.optional(map, "retain_placements", read_queue_limit),
            retain_placements_s: reader.optional(map, "retain_placements_s", read_duration),
            retain_jobs_s: reader.optional(map, "retain_jobs_s", read_duration),
            webhook_allow_nets: reader
                .optional(map, "webhook_allow_nets", read_nets)
                .unwrap_or(default.webhook_allow_nets),
            shutdown_s: reader.optional(map, "shutdown_s", read_duration).unwrap_or(default.shutdown_s),
            otlp_endpoint: reader.optional(map, "otlp_endpoint", read_endpoint),
            log_format: reader.optional(map, "log_format", read_log_format).unwrap_or(default.log_format),
            log: reader.optional(map, "log", read_log).unwrap_or(default.log),
        };
        if settings.lease_s < 3.0 * settings.heartbeat_s {
            let detail = format!("a lease of {} s with a heartbeat of {} s", settings.lease_s, settings.heartbeat_s);
            let action = "Make lease_s at least three times heartbeat_s, so that a late heartbeat costs no job";
            reader.fault_at(&["lease_s".into()], FaultCode::Conflict, detail, action);
        }
        Some(settings)
    }
}

/// Whether a variable, its prefix taken off, is meant for the service. Others share the prefix: the file's path, what
/// callers keep their address and key in, and what Kubernetes and Docker tell of a service that is named `cutpoint`
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
fn is_setting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_a_service = ["port_", "service_port_"].iter().any(|beginning| name.starts_with(beginning));
    !of_a_service && !["config", "key", "url", "port", "service_host", "service_port"].contains(&name.as_str())
}

/// Whether a variable has a value; an empty one, as some tools set it, stands for nothing.
fn has_value(name: &str) -> bool {
    let name = format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase());
    std::env::var_os(name).is_none_or(|value| !value.is_empty())
}

fn origin(sources: &Figment, fault: &Fault) -> String {
    let name = fault.pointer.trim_start_matches('/');
    match sources.find_metadata(name) {
        Some(metadata) if metadata.name.contains("environment") => {
            format!("from the environment, {ENVIRONMENT_PREFIX}{}", name.to_uppercase())
        }
        Some(metadata) => match metadata.source.as_ref().and_then(|source| source.file_path()) {
            Some(path) => format!("from {}", path.display()),
            None => format!("from the flag --{}", name.replace('_', "-")),
        },
        None => "the default".to_owned(),
    }
}

fn no_file(file: &Path, error: &std::io::Error) -> ConfigError {
    let detail = format!("the file cannot be read: {error}");
    let action = "Give the path of a TOML file with --config or CUTPOINT_CONFIG, or leave it out";
    let fault = Fault::new("", FaultCode::Missing, detail, action);
    ConfigError { faults: vec![SettingFault { origin: format!("from {}", file.display()), fault }] }
}

fn unreadable(error: &figment::Error) -> ConfigError {
    let pointer: String = error.path.iter().map(|step| format!("/{step}")).collect();
    let action = "Correct the file: it is TOML with one line for each setting";
    let fault = Fault::new(pointer, FaultCode::Malformed, error.kind.to_string().trim_end(), action);
    let origin = match error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref()) {
        Some(source) => format!("from {source}"),
        None => "from the configuration file".to_owned(),
    };
    ConfigError { faults: vec![SettingFault { origin, fault }] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_given_means_the_defaults() {
        assert_eq!(Settings::from_values(&json!({})).unwrap(), Settings::default());
    }

    #[test]
    fn every_faulty_setting_is_named_at_once() {
        let values = json!({
            "listen": "localhost", "database_url": "postgres://x", "workers": 0, "queue_limit": 0.5,
            "max_body_bytes": 1, "heartbeat_s": 10, "log_format": "xml", "log": "cutpoint=loud", "colour": "blue",
        });
        let faults = Settings::from_values(&values).unwrap_err();
        let mut names: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        names.sort_unstable();
        let wanted = ["/colour", "/database_url", "/lease_s", "/listen", "/log", "/log_format", "/max_body_bytes"];
        assert_eq!(names[..7], wanted);
        assert_eq!(names[7..], ["/queue_limit", "/workers"]);
    }

    #[test]
    fn variables_of_others_are_no_settings() {
        let of_kubernetes =
            ["PORT", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_8080_TCP", "PORT_8080_TCP_ADDR"];
        for name in of_kubernetes.into_iter().chain(["CONFIG", "KEY", "url"]) {
            assert!(!is_setting(name), "{name}");
        }
        assert!(Settings::FIELDS.iter().all(|name| is_setting(name)));
        assert!(is_setting("COLOUR"));
    }

    #[test]
    fn a_log_filter_names_levels_that_there_are() {
        let loads = |log: &str| Settings::from_values(&json!({"log": log})).is_ok();
        for log in ["info", "off", "WARN", "warn,cutpoint=debug", "cutpoint::store=trace"] {
            assert!(loads(log), "{log}");
        }
        for log in ["inof", "info,cutpiont", "cutpoint=loud"] {
            assert!(!loads(log), "{log}");
        }
    }

    #[test]
    fn a_database_is_a_file() {
        let loads = |url: &str| Settings::from_values(&json!({"database_url": url})).is_ok();
        assert!(loads("sqlite://a.db") && loads("sqlite:///data/a.db"));
        for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://a.db?mode=memory", "sqlite://", "a.db"] {
            assert!(!loads(url), "{url}");
        }
    }

    #[test]
    fn nets_are_a_list_or_one_text() {
        let nets = |value: Value| Settings::from_values(&json!({"webhook_allow_nets": value}));
        let wanted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        assert_eq!(nets(json!(["10.0.0.0/8", "fd00::/8"])).unwrap().webhook_allow_nets, wanted);
        assert_eq!(nets(json!("10.0.0.0/8, fd00::/8")).unwrap().webhook_allow_nets, wanted);
        assert_eq!(nets(json!("")).unwrap().webhook_allow_nets, []);
        let pointers = |value: Value| {
            let faults = nets(value).unwrap_err();
            faults.into_iter().map(|fault| fault.pointer).collect::<Vec<String>>()
        };
        let each = ["/webhook_allow_nets/0", "/webhook_allow_nets/2", "/webhook_allow_nets/3"];
        assert_eq!(pointers(json!(["10.0.0.1/8", "::/0", "10.0.0.0", 7])), each);
        for text in ["10.0.0.0/33", "10.0.0.0/8;", "localhost", "010.0.0.0/8", "fd00::/129", "/8"] {
            assert_eq!(pointers(json!(text)), ["/webhook_allow_nets"], "{text}");
        }
        assert_eq!(pointers(json!(8)), ["/webhook_allow_nets"]);
    }

    #[test]
    fn flags_win_over_the_file_and_faults_say_where_they_come_from() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("cutpoint.toml");
        std::fs::write(&file, "workers = 3\nlisten = '127.0.0.1:1'\nqueue_limit = 0\n").unwrap();
        let error = Settings::load(Some(&file), &json!({"heartbeat_s": -1.0})).unwrap_err().to_string();
        assert!(error.contains("setting queue_limit (from "), "{error}");
        assert!(error.contains("cutpoint.toml"), "{error}");
        assert!(error.contains("setting heartbeat_s (from the flag --heartbeat-s)"), "{error}");

        std::fs::write(&file, "workers = 3\nlisten = '127.0.0.1:1'\n").unwrap();
        let settings = Settings::load(Some(&file), &json!({"listen": "127.0.0.1:2"})).unwrap();
        assert_eq!((settings.workers, settings.listen.port()), (3, 2));
    }

    #[test]
    fn a_missing_or_malformed_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let missing = Settings::load(Some(&directory.path().join("none.toml")), &json!({})).unwrap_err().to_string();
        assert!(missing.starts_with("settings (from ") && missing.contains("cannot be read"), "{missing}");
        assert_eq!(missing.lines().count(), 1, "{missing}");
        let file = directory.path().join("bad.toml");
        std::fs::write(&file, "workers = = 3").unwrap();
        assert!(Settings::load(Some(&file), &json!({})).unwrap_err().to_string().contains("bad.toml"));
    }
}
