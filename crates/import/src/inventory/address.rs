//! Addresses by which tools name nodes.

use std::fmt;
use std::net::IpAddr;

/// An IP or MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    Ip(IpAddr),
    Mac([u8; 6]),
}

impl Address {
    /// Reads an address. IPv6 loses its zone, and IPv4 that is mapped into IPv6 (`::ffff:10.0.0.1`)
    /// is IPv4. Returns `None` for anything else, such as a host name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let without_zone = text.split_once('%').map_or(text, |(address, _)| address);
        if let Ok(ip) = without_zone.parse::<IpAddr>() {
            return Some(Self::Ip(ip.to_canonical()));
        }
        let bytes: Vec<u8> = text.split([':', '-']).map(hex_byte).collect::<Option<_>>()?;
        bytes.try_into().ok().map(Self::Mac)
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    let is_hex = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(out),
            Self::Mac([a, b, c, d, e, f]) => write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_several_spellings() {
        for (text, same) in [
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("fe80::1%wlan0", "fe80::1"),
            ("02-00-00-AB-cd-01", "02:00:00:ab:cd:01"),
            (" 10.0.0.1\n", "10.0.0.1"),
        ] {
            assert_eq!(Address::parse(text), Address::parse(same), "{text}");
            assert_eq!(Address::parse(text).map(|address| address.to_string()).as_deref(), Some(same));
        }
        for text in ["pi-1", "", "10.0.0", "02:00:00:ab:cd", "+2:00:00:ab:cd:01", "%"] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
