//! Where webhooks may lead: addresses and URLs in every notation, each with whether it is let through.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cutpoint::webhook::Guard;
use cutpoint::webhook::target::judge;
use ipnet::IpNet;
use proptest::prelude::*;

fn guard(nets: &[&str]) -> Guard {
    Guard::new(nets.iter().map(|net| net.parse::<IpNet>().unwrap()))
}

/// Addresses that nobody may be made to speak to, each with a word of what it is.
const REFUSED: [(&str, &str); 82] = [
    ("0.0.0.0", "this host"),
    ("0.1.2.3", "this host"),
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "carrier"),
    ("100.100.100.200", "metadata"),
    ("100.127.255.255", "carrier"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "metadata"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "metadata"),
    ("169.254.255.255", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.8", "protocols"),
    ("192.0.0.170", "protocols"),
    ("192.0.0.192", "protocols"),
    ("192.0.2.1", "documentation"),
    ("192.31.196.1", "protocols"),
    ("192.52.193.1", "protocols"),
    ("192.88.99.1", "protocols"),
    ("192.168.0.1", "private"),
    ("192.168.255.255", "private"),
    ("192.175.48.1", "protocols"),
    ("198.18.0.1", "benchmarks"),
    ("198.19.255.255", "benchmarks"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.254", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::2", "disguise"),
    ("::127.0.0.1", "disguise"),
    ("::8.8.8.8", "disguise"),
    ("::ffff:127.0.0.1", "disguise"),
    ("::ffff:7f00:1", "disguise"),
    ("::ffff:10.0.0.1", "disguise"),
    ("::ffff:169.254.169.254", "disguise"),
    ("::ffff:8.8.8.8", "disguise"),
    ("::ffff:0:127.0.0.1", "disguise"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b::169.254.169.254", "metadata"),
    ("64:ff9b::255.255.255.255", "broadcast"),
    ("64:ff9b:1::7f00:1", "disguise"),
    ("64:ff9b:1::808:808", "disguise"),
    ("100::1", "discarded"),
    ("100:0:0:1::1", "open Internet"),
    ("2001::1", "disguise"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "disguise"),
    ("2001:1::1", "protocols"),
    ("2001:2::1", "protocols"),
    ("2001:4:112::1", "protocols"),
    ("2001:10::1", "protocols"),
    ("2001:20::1", "protocols"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::1", "disguise"),
    ("2002:808:808::1", "disguise"),
    ("2620:4f:8000::1", "protocols"),
    ("3ffe::1", "former"),
    ("3fff::1", "documentation"),
    ("3fff:fff:ffff::1", "documentation"),
    ("4000::1", "open Internet"),
    ("5f00::1", "protocols"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fd20:ce::254", "metadata"),
    ("fdff:ffff::1", "private"),
    ("fe80::1", "link-local"),
    ("febf::1", "link-local"),
    ("fec0::1", "private"),
    ("feff::1", "private"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
    ("::1.2.3.4", "disguise"),
    ("200::1", "open Internet"),
];

/// The neighbours of what is refused, and well-known hosts.
const LET_THROUGH: [&str; 24] = [
    "1.0.0.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::1111",
    "2a00::1",
    "64:ff9b::8.8.8.8",
];

#[test]
fn every_address_is_judged_as_it_must_be() {
    let guard = Guard::default();
    for (address, word) in REFUSED {
        let refusal = guard.judge(address.parse().unwrap()).expect_err(address);
        assert!(refusal.to_string().contains(word), "{address}: {refusal}");
    }
    for address in LET_THROUGH {
        guard.judge(address.parse().unwrap()).expect(address);
    }
}

/// Hosts in notations that parsers of URLs take, all of them where nobody may be led.
const REFUSED_HOSTS: [&str; 48] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.1.",
    "0x7f.0.0.1",
    "0x7F.1",
    "0x7f000001",
    "0177.0.0.1",
    "0177.1",
    "00000177.0.0.01",
    "017700000001",
    "2130706433",
    "2130706433.",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "0",
    "0.0.0.0",
    "0x0",
    "10.1",
    "0xa.1.2.3",
    "012.0.0.1",
    "167772161",
    "192.168.257",
    "0xc0a80001",
    "3232235521",
    "169.254.43518",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.169.254.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000::0001]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:0a00:0001]",
    "[64:ff9b::127.0.0.1]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "localhost",
    "LOCALHOST.",
    "a.b.localhost",
];

/// URLs that are refused for more than their host.
const REFUSED_URLS: [&str; 18] = [
    "",
    "/hooks",
    "//example.com/hooks",
    "example.com/hooks",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:text/plain,x",
    "unix:/run/docker.sock",
    "http://example.com/",
    "http://8.8.8.8/",
    "https://user@example.com/",
    "https://user:word@example.com/",
    "https://:word@example.com/",
    "https://example.com/#part",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://[fe80::1%25eth0]/",
];

#[test]
fn every_notation_of_a_refused_address_is_refused() {
    let guard = Guard::default();
    for host in REFUSED_HOSTS {
        let url = format!("https://{host}:8443/hooks");
        let faults = judge(&url, &guard).expect_err(&url);
        assert!(faults[0].detail.contains("messages do not go there"), "{url}: {faults:?}");
    }
    for url in REFUSED_URLS {
        judge(url, &guard).expect_err(url);
    }
    for url in [
        "https://example.com/hooks?a=b",
        "https://8.8.8.8:8443/",
        "https://[2606:4700::1111]/",
        "https://münchen.example",
    ] {
        judge(url, &guard).expect(url);
    }
}

#[test]
fn every_fault_of_a_url_is_told_at_once_and_no_password_is_repeated() {
    let faults = judge("ftp://user:hunter2@127.0.0.1:0/#x", &Guard::default()).unwrap_err();
    assert_eq!(faults.len(), 5, "{faults:?}");
    assert!(!format!("{faults:?}").contains("hunter2"));
}

#[test]
fn an_allowed_net_is_open_in_every_notation_and_without_tls() {
    let guard = guard(&["127.0.0.0/8", "10.20.0.0/16", "fd12::/16"]);
    for host in
        ["127.0.0.1", "0x7f.1", "localhost", "10.20.1", "[::ffff:10.20.0.1]", "[64:ff9b::10.20.0.1]", "[fd12::1]"]
    {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}/hooks");
            judge(&url, &guard).expect(&url);
        }
    }
    for host in ["10.21.0.1", "[::1]", "[::ffff:10.21.0.1]", "169.254.169.254", "[fd13::1]", "[2002:0a14:1::1]"] {
        judge(&format!("https://{host}/hooks"), &guard).expect_err(host);
    }
    judge("http://8.8.8.8/", &guard).expect_err("without TLS to the open Internet");
    // Of a name it is seen when its addresses are.
    judge("http://receiver.example/", &guard).unwrap();
}

#[test]
fn an_allowed_address_in_disguise_is_where_its_packets_go() {
    let mapped = guard(&["::ffff:10.0.0.0/104"]);
    mapped.judge("::ffff:10.0.0.1".parse().unwrap()).unwrap();
    mapped.judge("10.0.0.1".parse().unwrap()).expect_err("only the disguise is allowed");
    let all = guard(&["0.0.0.0/0", "::/0"]);
    for (address, _) in REFUSED {
        all.judge(address.parse().unwrap()).expect(address);
    }
}

/// A private, link-local or loopback address.
fn inner() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| Ipv4Addr::from(0x0a00_0000 | bits >> 8)),
        any::<u32>().prop_map(|bits| Ipv4Addr::from(0x7f00_0000 | bits >> 8)),
        any::<u32>().prop_map(|bits| Ipv4Addr::from(0xac10_0000 | bits >> 12)),
        any::<u32>().prop_map(|bits| Ipv4Addr::from(0xc0a8_0000 | bits >> 16)),
        any::<u32>().prop_map(|bits| Ipv4Addr::from(0xa9fe_0000 | bits >> 16)),
    ]
}

fn notations(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let bits = u32::from(address);
    let (last_three, last_two) = (bits & 0xff_ffff, bits & 0xffff);
    vec![
        format!("{address}"),
        format!("{bits}"),
        format!("{bits:#x}"),
        format!("0{bits:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a}.{last_three}"),
        format!("{a:#X}.{b}.0{last_two:o}"),
        format!("[::ffff:{address}]"),
        format!("[{}]", address.to_ipv6_mapped()),
        format!("[{}]", address.to_ipv6_compatible()),
        format!("[64:ff9b::{address}]"),
        format!("[2002:{:x}:{:x}::1]", bits >> 16, last_two),
    ]
}

proptest! {
    #[test]
    fn no_notation_of_an_inner_address_gets_through(address in inner(), allowed in any::<bool>()) {
        let net = IpNet::from(IpAddr::from(address));
        let guard = if allowed { Guard::new([net]) } else { Guard::default() };
        for (place, host) in notations(address).into_iter().enumerate() {
            let url = format!("https://{host}/");
            // IPv4-compatible and 6to4 addresses do not lead to the IPv4 address itself.
            let leads_there = !matches!(place, 10 | 12);
            prop_assert_eq!(judge(&url, &guard).is_ok(), allowed && leads_there, "{}", url);
        }
    }

    #[test]
    fn what_is_let_through_has_no_refused_address_in_it(host in "[0-9a-fx.:\\[\\]]{1,24}") {
        let guard = Guard::default();
        if let Ok(url) = judge(&format!("https://{host}/"), &guard) {
            match url.host() {
                Some(url::Host::Ipv4(address)) => prop_assert!(guard.judge(address.into()).is_ok()),
                Some(url::Host::Ipv6(address)) => prop_assert!(guard.judge(address.into()).is_ok()),
                Some(url::Host::Domain(name)) => prop_assert!(name.parse::<IpAddr>().is_err()),
                None => prop_assert!(false, "a URL without a host"),
            }
        }
    }

    #[test]
    fn no_text_ends_in_a_panic(text in "\\PC{0,80}", tail in "\\PC{0,40}") {
        let guard = guard(&["10.0.0.0/8"]);
        let _ = judge(&text, &guard).is_ok();
        let _ = judge(&format!("https://{tail}"), &guard).is_ok();
    }

    #[test]
    fn an_ipv6_address_outside_of_the_global_ones_is_refused(bits in any::<u128>()) {
        let address = Ipv6Addr::from(bits);
        let global = bits >> 125 == 1 || (address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0]);
        prop_assert!(global || Guard::default().judge(address.into()).is_err());
    }
}
