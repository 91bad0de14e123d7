//! The addresses that messages may go to: those of the public Internet, and of networks that the configuration allows.
//!
//! The guard refuses all addresses that IANA's registries of special-purpose addresses reserve
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>, as of 2025-10), multicast, and the metadata services
//! of clouds. An IPv6 address that embeds an IPv4 address is judged by both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The reason why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {why}")]
pub struct Refusal {
    /// The address.
    pub address: IpAddr,
    /// A description of the address.
    pub why: &'static str,
}

/// Judges addresses. Clones share their configuration.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Arc<[IpNet]>,
}

/// IPv4 networks that messages may not go to. Narrow ones come first, since the first match describes an address.
const REFUSED_V4: [([u8; 4], u8, &str); 23] = [
    ([169, 254, 169, 254], 32, "where clouds keep their metadata"),
    ([169, 254, 170, 2], 32, "where clouds keep their metadata"),
    ([168, 63, 129, 16], 32, "where clouds keep their metadata"),
    ([100, 100, 100, 200], 32, "where clouds keep their metadata"),
    ([255, 255, 255, 255], 32, "the broadcast address"),
    ([192, 0, 0, 0], 24, "reserved for protocols"),
    ([192, 0, 2, 0], 24, "for documentation"),
    ([198, 51, 100, 0], 24, "for documentation"),
    ([203, 0, 113, 0], 24, "for documentation"),
    ([192, 31, 196, 0], 24, "reserved for protocols"),
    ([192, 52, 193, 0], 24, "reserved for protocols"),
    ([192, 88, 99, 0], 24, "reserved for protocols"),
    ([192, 175, 48, 0], 24, "reserved for protocols"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "for benchmarks"),
    ([172, 16, 0, 0], 12, "private"),
    ([100, 64, 0, 0], 10, "shared by a carrier's customers"),
    ([0, 0, 0, 0], 8, "this host or this network"),
    ([10, 0, 0, 0], 8, "private"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

/// IPv6 networks that messages may not go to, narrow ones first.
const REFUSED_V6: [([u16; 8], u8, &str); 21] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, "the unspecified address"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, "where clouds keep their metadata"),
    ([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128, "where clouds keep their metadata"),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "an IPv4 address in disguise"),
    ([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, "an IPv4 address in disguise"),
    ([0, 0, 0, 0, 0, 0, 0, 0], 96, "an IPv4 address in disguise"),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "an IPv4 address in disguise"),
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "reserved for protocols"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "for documentation"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "an IPv4 address in disguise"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "reserved for protocols"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "for documentation"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "an IPv4 address in disguise"),
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, "of the former test network"),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "reserved for protocols"),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discarded by every router"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "private"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "private"),
];

/// All global unicast addresses. Addresses outside of it are unassigned.
const GLOBAL_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// IPv4 addresses embedded for NAT64 (RFC 6052). Hosts without IPv4 reach receivers without IPv6 through them.
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

impl Guard {
    /// Creates a guard that also allows these networks.
    pub fn new(allowed: impl IntoIterator<Item = IpNet>) -> Self {
        Self { allowed: allowed.into_iter().collect() }
    }

    /// Judges an address.
    ///
    /// # Errors
    /// Returns the reason why the address is refused.
    pub fn judge(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.allows(address) {
            return Ok(());
        }
        let why = match address {
            IpAddr::V4(address) => refused_v4(address),
            IpAddr::V6(address) => refused_v6(address),
        };
        why.map_or(Ok(()), |why| Err(Refusal { address, why }))
    }

    /// Returns `true` if the configuration allows the address, also without TLS. An IPv6 address that embeds an IPv4
    /// address is looked up as that one.
    pub fn allows(&self, address: IpAddr) -> bool {
        let holds = |address: IpAddr| self.allowed.iter().any(|net| net.contains(&address));
        holds(address) || embedded(address).is_some_and(|inner| holds(inner.into()))
    }

    /// Returns `true` if the configuration allows any network.
    pub fn allows_any(&self) -> bool {
        !self.allowed.is_empty()
    }
}

fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    let holds = |net: [u8; 4], prefix| Ipv4Net::new_assert(net.into(), prefix).contains(&address);
    REFUSED_V4.into_iter().find_map(|(net, prefix, why)| holds(net, prefix).then_some(why))
}

fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    if NAT64.contains(&address) {
        return embedded(address.into()).and_then(refused_v4);
    }
    let holds = |net: [u16; 8], prefix| Ipv6Net::new_assert(net.into(), prefix).contains(&address);
    let listed = REFUSED_V6.into_iter().find_map(|(net, prefix, why)| holds(net, prefix).then_some(why));
    listed.or_else(|| (!GLOBAL_V6.contains(&address)).then_some("no address of the open Internet"))
}

/// Returns the IPv4 address that packets to a mapped address (RFC 4291, section 2.5.5.2) or through NAT64 go to.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [.., high, low] = address.segments();
    let last = || Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    address.to_ipv4_mapped().or_else(|| NAT64.contains(&address).then(last))
}
