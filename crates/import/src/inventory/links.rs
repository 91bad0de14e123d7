//! Links between nodes, from what was measured between their addresses.

use std::collections::{BTreeMap, BTreeSet};

use super::duplex::HalfDuplex;
use super::measurement::{Measurement, median};
use super::media::Media;
use super::nodes::Nodes;
use super::{batman, iperf3};
use crate::document::Link;
use crate::source::{Origin, Source};

/// What is known of a directed pair of nodes.
#[derive(Debug, Default)]
pub(super) struct Pair {
    /// Rates of tests that sent in this direction alone.
    pub(super) one_way: Vec<f64>,
    /// Rates of tests that sent in both directions at once, each with the test.
    pub(super) both_ways: Vec<(usize, f64)>,
    round_trips_s: Vec<f64>,
    files: Vec<String>,
    /// What a routing protocol says, where nothing was measured.
    route: Option<RouteRate>,
}

#[derive(Debug)]
struct RouteRate {
    bits_per_second: f64,
    file: String,
    note: String,
}

/// Directed pairs by their nodes' places in the inventory.
#[derive(Debug, Default)]
pub(super) struct Links {
    pairs: BTreeMap<(usize, usize), Pair>,
    /// Addresses that no node has, with the first file that names each.
    pub(super) strangers: BTreeMap<String, String>,
}

impl Links {
    /// Adds a measurement. One of an address that no node has is left out and remembered.
    pub(super) fn measured(&mut self, measurement: Measurement, nodes: &Nodes) {
        let Measurement { from, to, bits_per_second, round_trip_s, is_both_ways, test, file } = measurement;
        let mut place = |address| {
            let node = nodes.by_address(address);
            if node.is_none() {
                self.strangers.entry(address.to_string()).or_insert_with(|| file.clone());
            }
            node
        };
        let (Some(from), Some(to)) = (place(from), place(to)) else { return };
        // A node that measures itself says nothing of a link.
        if from == to {
            return;
        }
        let pair = self.pairs.entry((from, to)).or_default();
        if is_both_ways {
            pair.both_ways.push((test, bits_per_second));
        } else {
            pair.one_way.push(bits_per_second);
        }
        pair.round_trips_s.extend(round_trip_s);
        pair.files.push(file);
    }

    /// Adds what a routing protocol says of a pair.
    pub(super) fn routed(&mut self, pair: (usize, usize), bits_per_second: f64, file: &str, note: String) {
        let route = RouteRate { bits_per_second, file: file.to_owned(), note };
        self.pairs.entry(pair).or_default().route.get_or_insert(route);
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = ((usize, usize), &Pair)> {
        self.pairs.iter().map(|(&ends, pair)| (ends, pair))
    }

    pub(super) fn pair(&self, from: usize, to: usize) -> Option<&Pair> {
        self.pairs.get(&(from, to))
    }

    /// Returns the largest measured rate of a node's links, and a file that has it.
    pub(super) fn largest_rate(&self, node: usize) -> Option<(f64, &str)> {
        let own = self.pairs().filter(|((from, to), _)| *from == node || *to == node);
        let rates = own.filter_map(|(_, pair)| Some((pair.measured_rate()?, pair.files.first()?.as_str())));
        rates.max_by(|(a, _), (b, _)| a.total_cmp(b))
    }

    /// Returns the latency of a pair, seconds: half of the round trip, of its own tests or of those
    /// of the other direction.
    pub(super) fn latency_s(&self, from: usize, to: usize) -> Option<f64> {
        let of = |from, to| self.pair(from, to).and_then(|pair| median(&pair.round_trips_s));
        of(from, to).or_else(|| of(to, from)).map(|round_trip_s| round_trip_s / 2.0)
    }

    /// Returns the links of the document and where their figures come from.
    pub(super) fn list(&self, nodes: &Nodes, halves: &HalfDuplex, media: &Media) -> (Vec<Link>, Vec<Source>) {
        let mut links = Vec::new();
        let mut sources = Vec::new();
        for ((from, to), pair) in self.pairs() {
            let Some(bandwidth_bps) = pair.rate() else { continue };
            let name = format!("{} -> {}", nodes.id(from), nodes.id(to));
            sources.push(pair.source().of(&name));
            let latency_s = self.latency_s(from, to);
            sources.push(self.latency_source((from, to)).of(&name));
            let named = media.of(from, to).map(str::to_owned);
            let medium = named.or_else(|| halves.is_medium(from, to).then(|| between(nodes, from, to)));
            if let Some(medium) = &medium {
                let why = if media.of(from, to).is_some() { Origin::Stated } else { Origin::Derived };
                sources.push(Source::new("medium", why).of(&name).because(medium.as_str()));
            }
            let (from, to) = (nodes.id(from).to_owned(), nodes.id(to).to_owned());
            links.push(Link { from, to, bandwidth_bps, latency_s, medium });
        }
        (links, sources)
    }

    fn latency_source(&self, (from, to): (usize, usize)) -> Source {
        if self.latency_s(from, to).is_none() {
            return Source::new("latency_s", Origin::Default).because("0: nobody measured a round trip");
        }
        let own = self.pair(from, to).filter(|pair| !pair.round_trips_s.is_empty());
        let note = match own {
            Some(_) => "half of the least round trip",
            None => "half of the least round trip of the other direction",
        };
        let mut source = Source::new("latency_s", Origin::Measured).because(note);
        source.tool = Some(iperf3::TOOL.to_owned());
        source.files = own.or_else(|| self.pair(to, from)).map(Pair::distinct_files).unwrap_or_default();
        source
    }
}

impl Pair {
    /// The rate that iperf3 measured, bits per second: the median of tests in this direction alone,
    /// else of those in both.
    pub(super) fn measured_rate(&self) -> Option<f64> {
        let both_ways: Vec<f64> = self.both_ways.iter().map(|&(_, rate)| rate).collect();
        median(&self.one_way).or_else(|| median(&both_ways))
    }

    fn rate(&self) -> Option<f64> {
        self.measured_rate().or(self.route.as_ref().map(|route| route.bits_per_second))
    }

    fn source(&self) -> Source {
        if self.measured_rate().is_none()
            && let Some(route) = &self.route
        {
            let source = Source::new("bandwidth_bps", Origin::Measured).by(batman::TOOL, &route.file);
            return source.because(route.note.as_str());
        }
        let mut source = Source::new("bandwidth_bps", Origin::Measured);
        source.tool = Some(iperf3::TOOL.to_owned());
        source.files = self.distinct_files();
        source.note = match (self.one_way.len(), self.both_ways.len()) {
            (0, _) => Some("while the other direction was sending too".to_owned()),
            (1, _) => None,
            (tests, _) => Some(format!("the median of {tests} tests")),
        };
        source
    }

    /// Files by name.
    pub(super) fn distinct_files(&self) -> Vec<String> {
        self.files.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The name of a medium that two nodes alone share.
fn between(nodes: &Nodes, a: usize, b: usize) -> String {
    let name = format!("{} -- {}", nodes.id(a.min(b)), nodes.id(a.max(b)));
    crate::cursor::shortened(&name)
}
