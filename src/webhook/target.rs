//! The URL that a webhook's messages go to: parsing and checks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::read::Reader;
use serde_json::Value;
use url::{Host, Url};

use super::guard::{Guard, Refusal};

/// The longest URL.
pub const LONGEST_URL: usize = 2048;

/// A fault of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFault {
    /// The kind.
    pub code: FaultCode,
    /// What is wrong.
    pub detail: String,
    /// How to correct it.
    pub action: &'static str,
}

/// Parses a URL that messages may go to and returns its normalised form, or every fault.
pub fn read_url(reader: &mut Reader, value: &Value, guard: &Guard) -> Option<String> {
    let text = reader.text(value, LONGEST_URL)?;
    match judge(&text, guard) {
        Ok(url) => Some(url.into()),
        Err(faults) => {
            for TargetFault { code, detail, action } in faults {
                reader.fault(code, detail, action);
            }
            None
        }
    }
}

/// Checks a URL without resolving its host's name. The addresses of a name are checked at every attempt.
///
/// # Errors
/// Returns every fault of the URL.
pub fn judge(text: &str, guard: &Guard) -> Result<Url, Vec<TargetFault>> {
    let url = Url::parse(text).map_err(|error| {
        let detail = format!("this is not a URL: {error}");
        vec![fault(FaultCode::Malformed, detail, "Give an absolute URL, such as https://example.com/hooks")]
    })?;
    let mut faults = Vec::new();
    if !matches!(url.scheme(), "http" | "https") {
        let detail = format!("the scheme is {}", url.scheme());
        faults.push(fault(FaultCode::UnknownValue, detail, "Give an https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The detail does not repeat the text, which may contain a password.
        let detail = "there is a user or a password in it".to_owned();
        faults.push(fault(FaultCode::Conflict, detail, "Leave it out: signatures say who sends the message"));
    }
    if url.fragment().is_some() {
        let detail = "there is a fragment in it".to_owned();
        faults.push(fault(FaultCode::Conflict, detail, "Leave out what begins with #: it is not sent"));
    }
    if url.port() == Some(0) {
        faults.push(fault(FaultCode::OutOfRange, "the port is 0".to_owned(), "Give a port from 1 to 65535"));
    }
    let addresses = known_addresses(&url);
    let refusals: Vec<Refusal> = addresses.iter().filter_map(|address| guard.judge(*address).err()).collect();
    if let (Some(refusal), true) = (refusals.first(), refusals.len() == addresses.len()) {
        let detail = format!("messages do not go there: {refusal}");
        let action = "Give a receiver on the open Internet, or have webhook_allow_nets allow its net";
        faults.push(fault(FaultCode::OutOfRange, detail, action));
    }
    // For a name this is checked with its addresses, at each attempt.
    let plain_somewhere = match addresses.as_slice() {
        [] => guard.allows_any(),
        known => known.iter().any(|address| guard.allows(*address)),
    };
    if url.scheme() == "http" && !plain_somewhere {
        let detail = "messages go without TLS only to nets that webhook_allow_nets allows".to_owned();
        faults.push(fault(FaultCode::Conflict, detail, "Give an https URL"));
    }
    if faults.is_empty() { Ok(url) } else { Err(faults) }
}

/// Returns the address in the URL itself, and the loopback addresses for `localhost`. The parser accepts every notation
/// of an address (`0x7f.1`, `2130706433`, `[::ffff:7f00:1]`).
fn known_addresses(url: &Url) -> Vec<IpAddr> {
    match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) if is_localhost(name) => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        _ => Vec::new(),
    }
}

/// Returns `true` for `localhost` and its subdomains (RFC 6761, section 6.3). The parser has lower-cased the name.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

fn fault(code: FaultCode, detail: String, action: &'static str) -> TargetFault {
    TargetFault { code, detail, action }
}
