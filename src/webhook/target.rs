//! Where a webhook's messages go: a URL that was read and judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::read::Reader;
use serde_json::Value;
use url::{Host, Url};

use super::guard::{Guard, Refusal};

/// The longest URL.
pub const LONGEST_URL: usize = 2048;

/// What is wrong with a URL: what was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFault {
    /// The kind.
    pub code: FaultCode,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub action: &'static str,
}

/// Reads a URL that messages may go to, in the form in which it is kept; every fault at once.
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

/// Judges a URL as far as it goes without asking for the addresses of a name: those are judged at every attempt.
///
/// # Errors
/// Everything that is wrong with it.
pub fn judge(text: &str, guard: &Guard) -> Result<Url, Vec<TargetFault>> {
    let url = Url::parse(text).map_err(|error| {
        let detail = format!("this is no URL: {error}");
        vec![fault(FaultCode::Malformed, detail, "Give an absolute URL, such as https://example.com/hooks")]
    })?;
    let mut faults = Vec::new();
    if !matches!(url.scheme(), "http" | "https") {
        let detail = format!("the scheme is {}", url.scheme());
        faults.push(fault(FaultCode::UnknownValue, detail, "Give an https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The detail does not repeat what may be a password.
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
    // Of a name it is seen when its addresses are.
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

/// The addresses that stand in the URL itself, and those of this host's own name. The parser has read an address in
/// every notation that there is (`0x7f.1`, `2130706433`, `[::ffff:7f00:1]`).
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

/// RFC 6761, section 6.3. The parser has made the letters small.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

fn fault(code: FaultCode, detail: String, action: &'static str) -> TargetFault {
    TargetFault { code, detail, action }
}
