//! Settings of the service, from defaults, a TOML file, the environment and flags. All settings are checked together.

mod table;
mod values;

use std::path::Path;

use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::read::Reader;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::Serialize;
use serde_json::{Map, Value};

pub use self::table::{Flag, Setting, Settings};

/// The prefix of environment variables for settings. The name of the setting follows in capitals.
pub const ENVIRONMENT_PREFIX: &str = "CUTPOINT_";

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text, for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// A description of the value's source.
    pub origin: String,
    /// The fault. Its pointer is a slash and the setting's name.
    pub fault: Fault,
}

/// All settings that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", listed(faults))]
pub struct ConfigError {
    /// One for each faulty setting.
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
    /// Loads the settings. The environment overrides `file`, and `flags` override both. `flags` must serialise to the
    /// settings that were given as flags.
    ///
    /// # Errors
    /// Returns every setting that cannot be used, or that the file cannot be read.
    pub fn load(file: Option<&Path>, flags: &impl Serialize) -> Result<Self, ConfigError> {
        let mut sources = Figment::new();
        // Some tools set a variable to an empty value in place of unsetting it.
        if let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) {
            // The parser would report a missing file as malformed.
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
        let map = reader.object(values, Self::NAMES)?;
        let settings = Self::read_rows(reader, map);
        if settings.lease_s < 3.0 * settings.heartbeat_s {
            let detail = format!("a lease of {} s with a heartbeat of {} s", settings.lease_s, settings.heartbeat_s);
            let action = "Make lease_s at least three times heartbeat_s, so that a late heartbeat costs no job";
            reader.fault_at(&["lease_s".into()], FaultCode::Conflict, detail, action);
        }
        Some(settings)
    }
}

/// Returns `true` if a variable, given without its prefix, is a setting. Other variables share the prefix: the path of
/// the file, the address and key that clients use, what tests are given, and what Kubernetes and Docker set for a
/// service named `cutpoint` (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
fn is_setting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_others = ["port_", "service_port_", "test_"].iter().any(|beginning| name.starts_with(beginning));
    !of_others && !["config", "key", "url", "port", "service_host", "service_port"].contains(&name.as_str())
}

/// Returns `true` if a variable has a value. An empty one counts as unset, since some tools set it so.
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
    use ipnet::IpNet;
    use serde_json::json;

    #[test]
    fn nothing_given_means_the_defaults() {
        assert_eq!(Settings::from_values(&json!({})).unwrap(), Settings::default());
    }

    #[test]
    fn every_faulty_setting_is_named_at_once() {
        let values = json!({
            "listen": "localhost", "database_url": "mysql://x", "workers": 0, "queue_limit": 0.5,
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
        for name in of_kubernetes.into_iter().chain(["CONFIG", "KEY", "url", "TEST_POSTGRES_URL"]) {
            assert!(!is_setting(name), "{name}");
        }
        assert!(Settings::NAMES.iter().all(|name| is_setting(name)));
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
