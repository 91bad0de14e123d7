//! Corrected rates of links and ports, and latencies of links.

use std::collections::BTreeMap;

use serde_json::json;

use super::measurements::{MeasuredHop, Transfers};
use super::memory::PlannedCosts;
use super::paired::{Paired, PairedTransfer};
use super::site::{Link, Site};
use crate::report::Warning;
use crate::source::{Origin, Source};

/// The fewest frames that a rate is taken of.
const LEAST_FRAMES: u64 = 5;

/// A smaller frame tells no rate: when its clock starts, its first packet is there, and what a shaper lets through at once.
const LEAST_BYTES: u64 = 100_000;

/// Two rates are one within this factor.
const SAME: f64 = 1.0 + 1e-9;

/// Corrects the links and ports that transfers used. Returns where the new figures come from.
///
/// A link has what its transfer was measured at if it was the slowest on the way or is faster than it was known to be;
/// so has a port, and of several transfers the fastest. Transfers that share something are taken from runs with one
/// inference at a time, others from streams. What the latency of such runs has beside compute and transfers is that of
/// the links, in equal parts beside what was known.
pub(super) fn correct(
    site: &mut Site,
    pipelines: &[Paired<'_>],
    costs: &PlannedCosts,
    files: &[String],
    warnings: &mut Vec<Warning>,
) -> Vec<Source> {
    let uses = uses(site, pipelines);
    let mut notes = Notes::default();
    let mut ports: BTreeMap<String, f64> = BTreeMap::new();
    let mut changed: BTreeMap<(&str, &str), Link> = BTreeMap::new();
    for pipeline in pipelines {
        let more_s = more_latency_s(site, pipeline);
        for transfer in &pipeline.transfers {
            let ends = (transfer.plan.from_node_id, transfer.plan.to_node_id);
            let name = format!("{} -> {}", ends.0, ends.1);
            let Some(link) = site.link(ends.0, ends.1).filter(|_| transfer.plan.is_direct) else {
                notes.routed.push(name);
                continue;
            };
            let shares = media(site, transfer).iter().any(|medium| uses.get(medium).is_some_and(|&uses| uses > 1));
            let mut new = link.clone();
            if let Some(bps) = measured_bps(transfer, shares, &name, &mut notes).map(|bps| bps * costs.transfer_scale) {
                let slowest = slowest_bps(site, transfer, &link);
                let is_wrong = |known: f64| known <= slowest * SAME || known < bps;
                if link.bandwidth_bps.is_none_or(is_wrong) {
                    new.bandwidth_bps = Some(bps);
                    notes.rates.push(name.clone());
                }
                for node in [ends.0, ends.1] {
                    if site.nodes.get(node).and_then(|node| node.port_bps).is_some_and(is_wrong) {
                        let fastest = ports.entry(node.to_owned()).or_insert(bps);
                        *fastest = fastest.max(bps);
                    }
                }
            }
            if let Some(more_s) = more_s {
                new.latency_s = (link.latency_s + more_s).max(0.0);
                notes.latencies.push(name);
            }
            // A rate that follows from a distance can only be replaced together with it.
            if new != link && new.bandwidth_bps.is_some() {
                changed.insert(ends, new);
            }
        }
    }
    for ((from, to), link) in &changed {
        site.set_link(from, to, link);
    }
    for (node, bps) in &ports {
        site.set(node, "port_bps", json!(bps));
    }
    notes.warn(warnings);
    let sources = notes.sources(ports.into_keys().collect(), files);
    sources.iter().filter(|source| source.figure == "port_bps").for_each(|source| site.label(source));
    sources
}

/// What there is to say about corrections, by link.
#[derive(Default)]
struct Notes {
    rates: Vec<String>,
    latencies: Vec<String>,
    routed: Vec<String>,
    unmeasured: Vec<String>,
    small: Vec<String>,
}

impl Notes {
    fn warn(&self, warnings: &mut Vec<Warning>) {
        let mut warn = |code, about: &Vec<String>, detail, action| {
            if !about.is_empty() {
                warnings.push(Warning::new(code, detail, action).about(about.iter().cloned()));
            }
        };
        warn(
            "routes_not_corrected",
            &self.routed,
            "these transfers go over an access point, switches or other nodes, whose rates are not corrected",
            "Measure its stations or segments, and change them in the inventory by what the table says",
        );
        warn(
            "rates_not_measured",
            &self.unmeasured,
            "too few frames of these transfers were awaited alone, so their rates stay",
            "Feed a run with --one-at-a-time --count 20 into the same logs",
        );
        warn(
            "transfers_too_small",
            &self.small,
            "these transfers have less than 100000 bytes, too few to tell a rate",
            "Nothing; their links keep what the inventory says",
        );
    }

    fn sources(self, ports: Vec<String>, files: &[String]) -> Vec<Source> {
        let source = |figure: &str, origin, of: Vec<String>, note: &str| {
            Source { files: files.to_vec(), ..Source::new(figure, origin).because(note) }
                .with_tool("cutpoint-runner")
                .of_all(of)
        };
        let all = [
            source(
                "bandwidth_bps",
                Origin::Measured,
                self.rates,
                "bytes over the mean seconds from the first to the last",
            ),
            source("port_bps", Origin::Measured, ports, "the fastest transfer that the port carried"),
            source(
                "latency_s",
                Origin::Derived,
                self.latencies,
                "what one inference at a time took beside compute and transfers, in equal parts beside what was known",
            ),
        ];
        all.into_iter().filter(|source| !source.of.is_empty()).collect()
    }
}

/// Returns what a transfer occupies that others may occupy, too.
fn media(site: &Site, transfer: &PairedTransfer<'_>) -> Vec<String> {
    let (from, to) = (transfer.plan.from_node_id, transfer.plan.to_node_id);
    let port = |id: &str, direction: &str| {
        let node = site.nodes.get(id)?;
        if node.is_half_duplex {
            return Some(format!("{id} port"));
        }
        node.port_bps.map(|_| format!("{id} port {direction}"))
    };
    let named = site.link(from, to).and_then(|link| link.medium).map(|name| format!("medium {name}"));
    [port(from, "out"), port(to, "in"), named].into_iter().flatten().collect()
}

fn uses(site: &Site, pipelines: &[Paired<'_>]) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for transfer in pipelines.iter().flat_map(|pipeline| &pipeline.transfers) {
        for medium in media(site, transfer) {
            *uses.entry(medium).or_default() += 1;
        }
    }
    uses
}

/// Returns the rate of a transfer, or notes why there is none.
fn measured_bps(transfer: &PairedTransfer<'_>, shares: bool, name: &str, notes: &mut Notes) -> Option<f64> {
    if transfer.plan.bytes < LEAST_BYTES {
        notes.small.push(name.to_owned());
        return None;
    }
    let enough = |transfers: &Transfers| transfers.measured >= LEAST_FRAMES;
    let streamed = transfer.measured.map(MeasuredHop::streamed).filter(|_| !shares).filter(enough);
    let alone = || transfer.measured.and_then(|hop| hop.alone).filter(enough);
    let found = streamed.or_else(alone).and_then(|transfers| transfers.goodput_bps);
    if found.is_none() {
        notes.unmeasured.push(name.to_owned());
    }
    found
}

fn slowest_bps(site: &Site, transfer: &PairedTransfer<'_>, link: &Link) -> f64 {
    let port = |id: &str| site.nodes.get(id).and_then(|node| node.port_bps);
    let ports = [port(transfer.plan.from_node_id), port(transfer.plan.to_node_id)];
    ports.into_iter().chain([link.bandwidth_bps]).flatten().fold(f64::INFINITY, f64::min)
}

/// Returns by how much the latency of each link is larger than the inventory says, in seconds.
fn more_latency_s(site: &Site, pipeline: &Paired<'_>) -> Option<f64> {
    let latency_s = pipeline.measured.latency_alone_s()?;
    let compute_s: Option<f64> = pipeline.stages.iter().map(|it| Some(it.measured.alone?.compute_s)).sum();
    let transfers_s: Option<f64> = pipeline.transfers.iter().map(|transfer| transfer_s(site, transfer)).sum();
    let count = pipeline.transfers.len() as f64;
    let more_s = (latency_s - compute_s? - transfers_s?) / count;
    Some(more_s).filter(|more_s| more_s.is_finite())
}

/// Returns the seconds of a transfer that had the network to itself, with the latency that is known.
fn transfer_s(site: &Site, transfer: &PairedTransfer<'_>) -> Option<f64> {
    let alone_s = transfer.measured.and_then(|hop| hop.alone?.transfer_s);
    let Some(alone_s) = alone_s.filter(|_| transfer.plan.bytes >= LEAST_BYTES) else {
        // A small frame is in the kernel before its receiver looks for it.
        return Some(transfer.plan.transfer_s);
    };
    Some(alone_s + site.link(transfer.plan.from_node_id, transfer.plan.to_node_id)?.latency_s)
}
