//! Where a process listens.

use std::fmt::{self, Display, Formatter};
use std::net::Ipv6Addr;
use std::str::FromStr;

/// A host and a port, as in `10.0.0.2:7101`, `pi-2.local:7101` or `[fe80::1]:7101`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// Makes an endpoint of a host without brackets.
    ///
    /// # Errors
    /// The host is neither an IPv6 address nor of letters, digits, `.`, `-` and `_`; or the port is 0.
    pub fn new(host: &str, port: u16) -> Result<Self, String> {
        let is_named = !host.is_empty() && host.chars().all(|sign| sign.is_alphanumeric() || ".-_".contains(sign));
        if port > 0 && (is_named || host.parse::<Ipv6Addr>().is_ok()) {
            return Ok(Self { host: host.to_owned(), port });
        }
        Err("an address is a host and a port, as in 10.0.0.2:7101 or [fe80::1]:7101".to_owned())
    }

    /// Parses the endpoint of a node, as in `pi-1=10.0.0.2:7101`. Ids of nodes may hold an equals sign; endpoints do not.
    ///
    /// # Errors
    /// There is no equals sign, no id before it, or no endpoint after it.
    pub fn of_node(text: &str) -> Result<(String, Self), String> {
        let (node, endpoint) = text.rsplit_once('=').ok_or("an address of a node is written as pi-1=10.0.0.2:7101")?;
        if node.is_empty() {
            return Err("the id of a node stands before =, as in pi-1=10.0.0.2:7101".to_owned());
        }
        Ok((node.to_owned(), endpoint.parse()?))
    }

    /// The host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the endpoint so many ports further on, or `None` if there is no such port.
    pub fn further(&self, ports: u16) -> Option<Self> {
        Some(Self { host: self.host.clone(), port: self.port.checked_add(ports)? })
    }

    /// Returns the same host with another port.
    pub(crate) fn at(&self, port: u16) -> Self {
        Self { host: self.host.clone(), port }
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        // A host with colons has brackets, and no other has.
        let host = bare.filter(|host| host.contains(':')).or(Some(host).filter(|host| !host.contains(':')));
        let digits = port.bytes().all(|digit| digit.is_ascii_digit());
        Self::new(host.unwrap_or_default(), if digits { port.parse().unwrap_or(0) } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_hosts_and_ports() {
        for text in ["10.0.0.2:7101", "[fe80::1]:1", "pi_1.local:65535", "küche:80"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        for text in [
            "",
            ":1",
            "pi-1",
            "pi-1:",
            "pi-1:0",
            "pi-1:65536",
            "pi-1:+1",
            "fe80::1:1",
            "[pi-1]:1",
            "[x::y]:1",
            "a b:1",
            "$(A):1",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn endpoints_of_nodes_stand_after_their_ids() {
        for (text, node, endpoint) in [
            ("pi-1=10.0.0.2:7101", "pi-1", "10.0.0.2:7101"),
            ("pi-1=[fe80::1]:7101", "pi-1", "[fe80::1]:7101"),
            ("a=b:c=pi-2.local:1", "a=b:c", "pi-2.local:1"),
        ] {
            let (of, read) = Endpoint::of_node(text).unwrap();
            assert_eq!((of.as_str(), read.to_string().as_str()), (node, endpoint));
        }
        for text in ["", "pi-1", "10.0.0.2:7101", "=10.0.0.2:7101", "pi-1=", "pi-1=fe80::1:7101", "pi-1=10.0.0.2"] {
            assert!(Endpoint::of_node(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports_end_at_65535() {
        let last: Endpoint = "a:65534".parse().unwrap();
        assert_eq!(last.further(1).unwrap().port(), 65535);
        assert_eq!(last.further(2), None);
    }
}
