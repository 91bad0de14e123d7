//! The readers of settings.

use std::net::SocketAddr;

use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use ipnet::IpNet;
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::LogFormat;

/// Reads the value of an optional setting.
pub(super) fn given<T>(
    read: impl FnOnce(&mut Reader, &Value) -> Option<T>,
) -> impl FnOnce(&mut Reader, &Value) -> Option<Option<T>> {
    |reader, value| read(reader, value).map(Some)
}

pub(super) fn read_listen(reader: &mut Reader, value: &Value) -> Option<SocketAddr> {
    let text = reader.text(value, 256)?;
    let address = text.parse().ok();
    if address.is_none() {
        let detail = format!("{text:?} is not an address with a port");
        reader.fault(FaultCode::OutOfRange, detail, "Give an IP address and a port, such as 127.0.0.1:8080");
    }
    address
}

pub(super) fn read_database_url(reader: &mut Reader, value: &Value) -> Option<String> {
    let text = reader.text(value, 4096)?;
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return postgres_url(reader, text);
    }
    let path = text.strip_prefix("sqlite:").map(|path| path.trim_start_matches('/'));
    // A database in memory would be a separate one for each connection.
    if path.is_none_or(|path| path.is_empty() || path.starts_with(":memory:") || path.contains("mode=memory")) {
        let detail = format!("{text:?} names no SQLite file");
        reader.fault(
            FaultCode::OutOfRange,
            detail,
            "Give sqlite:// and a path, such as sqlite://cutpoint.db, or postgres:// and a database",
        );
        return None;
    }
    Some(text)
}

/// Checks a URL of PostgreSQL. Its password stays out of the fault.
fn postgres_url(reader: &mut Reader, text: String) -> Option<String> {
    let names_host = url::Url::parse(&text).is_ok_and(|url| {
        url.host_str().is_some_and(|host| !host.is_empty()) || url.query_pairs().any(|(name, _)| name == "host")
    });
    if !names_host {
        let detail = "this URL of PostgreSQL names no host";
        reader.fault(FaultCode::OutOfRange, detail, "Give postgres://USER:PASSWORD@HOST:PORT/DATABASE");
        return None;
    }
    Some(text)
}

pub(super) fn read_connections(reader: &mut Reader, value: &Value) -> Option<u32> {
    reader.integer(value, 2, 1000).and_then(|count| u32::try_from(count).ok())
}

pub(super) fn read_endpoint(reader: &mut Reader, value: &Value) -> Option<String> {
    let text = reader.text(value, 4096)?;
    let is_address =
        ["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|host| !host.is_empty()));
    if !is_address {
        let detail = format!("{text:?} is not the address of a collector");
        reader.fault(
            FaultCode::OutOfRange,
            detail,
            "Give http:// and a host with its port, such as http://127.0.0.1:4318",
        );
    }
    is_address.then_some(text)
}

pub(super) fn read_flag(reader: &mut Reader, value: &Value) -> Option<bool> {
    reader.flag(value)
}

pub(super) fn read_count(reader: &mut Reader, value: &Value) -> Option<usize> {
    reader.integer(value, 1, 1024).and_then(|count| usize::try_from(count).ok())
}

pub(super) fn read_queue_limit(reader: &mut Reader, value: &Value) -> Option<u32> {
    reader.integer(value, 1, u64::from(u32::MAX)).and_then(|count| u32::try_from(count).ok())
}

pub(super) fn read_body(reader: &mut Reader, value: &Value) -> Option<usize> {
    reader.integer(value, 1024, MAX_SAFE_INTEGER).map(saturated)
}

pub(super) fn read_limit(reader: &mut Reader, value: &Value) -> Option<usize> {
    reader.integer(value, 1, u64::from(u32::MAX)).map(saturated)
}

/// Converts a limit to `usize`. A larger number saturates, since memory cannot reach it.
fn saturated(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

pub(super) fn read_duration(reader: &mut Reader, value: &Value) -> Option<f64> {
    reader.number(value, "from 0.01 to 86400 (a day)", |seconds| (0.01..=86_400.0).contains(&seconds))
}

/// Reads a list of networks, or one text with networks separated by commas, as the environment and flags give it.
pub(super) fn read_nets(reader: &mut Reader, value: &Value) -> Option<Vec<IpNet>> {
    read_list(reader, value, "a list of nets", read_net)
}

/// Reads a list of names of hosts, or one text with names separated by commas.
pub(super) fn read_names(reader: &mut Reader, value: &Value) -> Option<Vec<String>> {
    read_list(reader, value, "a list of names of hosts", |reader, text| {
        let is_name = text.bytes().all(|sign| sign.is_ascii_alphanumeric() || b".-_".contains(&sign));
        if !is_name {
            let action = "Give a name without scheme and port, such as cutpoint.example.com";
            reader.fault(FaultCode::OutOfRange, format!("{text:?} is not the name of a host"), action);
        }
        is_name.then(|| text.to_ascii_lowercase())
    })
}

fn read_list<T>(
    reader: &mut Reader,
    value: &Value,
    what: &'static str,
    read: fn(&mut Reader, &str) -> Option<T>,
) -> Option<Vec<T>> {
    match value {
        Value::Array(_) => {
            let items = reader.items(value, |reader, item| {
                let text = reader.text(item, 256)?;
                read(reader, &text)
            });
            items?.into_iter().collect()
        }
        Value::String(text) => {
            let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            let items: Vec<Option<T>> = texts.map(|text| read(reader, text)).collect();
            items.into_iter().collect()
        }
        _ => {
            reader.wrong_type(value, what);
            None
        }
    }
}

fn read_net(reader: &mut Reader, text: &str) -> Option<IpNet> {
    let action = "Give an address and the length of its prefix, such as 10.20.0.0/16 or fd12:3456::/32";
    // The standard library rejects octal notation such as 012, which programs read in different ways.
    let parts = text.split_once('/').and_then(|(address, prefix)| Some((address.parse().ok()?, prefix.parse().ok()?)));
    let Some(net) = parts.and_then(|(address, prefix)| IpNet::new(address, prefix).ok()) else {
        reader.fault(FaultCode::OutOfRange, format!("{text:?} is not a network"), action);
        return None;
    };
    if net.trunc() != net {
        let detail = format!("{text:?} has bits set after its prefix; the network is {}", net.trunc());
        reader.fault(FaultCode::OutOfRange, detail, action);
        return None;
    }
    Some(net)
}

pub(super) fn read_log_format(reader: &mut Reader, value: &Value) -> Option<LogFormat> {
    reader.one_of(value, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
}

pub(super) fn read_log(reader: &mut Reader, value: &Value) -> Option<String> {
    let text = reader.text(value, 4096)?;
    // The filter takes any other single word for a target, so that a misspelt level would silence everything else.
    let mut parts = text.split(',');
    if let Some(word) = parts.find(|part| !part.contains(['=', '[']) && part.parse::<LevelFilter>().is_err()) {
        let action = "Give off, error, warn, info, debug or trace, or target=level with commas between";
        reader.fault(FaultCode::OutOfRange, format!("{word:?} is not a level"), action);
        return None;
    }
    if let Err(error) = EnvFilter::try_new(&text) {
        reader.fault(FaultCode::OutOfRange, error.to_string(), "Give a level, or target=level with commas between");
        return None;
    }
    Some(text)
}
