//! The shares of nodes, links and media that occupants use and leave, and how new stages slow
//! occupants down.

use std::collections::BTreeMap;

use super::route::{Ends, Medium, media_of};
use super::transfer::{Carried, Traffic};
use crate::domain::cluster::Node;
use crate::domain::occupant::{Occupant, OccupantEffect};
use crate::domain::placement::Stage;
use crate::domain::request::PlanRequest;

/// A pipeline with its pace.
pub(super) struct Paced<'a> {
    stages: &'a [Stage],
    traffic: &'a Traffic<'a>,
    every_s: f64,
}

impl<'a> Paced<'a> {
    /// Creates a pipeline that starts a pass every so many seconds; 0 if it has no rate.
    pub(super) fn new(stages: &'a [Stage], traffic: &'a Traffic<'a>, every_s: f64) -> Self {
        Self { stages, traffic, every_s }
    }

    /// Returns the part of all of the time that some seconds of each pass are.
    fn part(&self, seconds: f64) -> f64 {
        if self.every_s == 0.0 { 0.0 } else { seconds / self.every_s }
    }
}

/// For each node, link and medium, the shares of its time that the occupants ask for.
pub(super) struct Occupied<'a> {
    request: &'a PlanRequest,
    nodes: BTreeMap<&'a str, Vec<f64>>,
    links: BTreeMap<Ends<'a>, Vec<f64>>,
    media: BTreeMap<Medium<'a>, Vec<f64>>,
    medium_of: BTreeMap<&'a str, Medium<'a>>,
}

impl<'a> Occupied<'a> {
    pub(super) fn new(request: &'a PlanRequest) -> Self {
        let mut nodes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut links: BTreeMap<Ends<'_>, Vec<f64>> = BTreeMap::new();
        let mut media: BTreeMap<Medium<'_>, Vec<f64>> = BTreeMap::new();
        let ids = request.options.occupants.iter().flat_map(|occupant| &occupant.media).map(|it| it.id.as_str());
        let medium_of = media_of(&request.cluster, &ids.collect());
        for occupant in &request.options.occupants {
            for node in &occupant.nodes {
                nodes.entry(&node.node_id).or_default().push(utilisation(occupant, node.compute_s));
            }
            for hop in &occupant.hops {
                let ends = (hop.from_node_id.as_str(), hop.to_node_id.as_str());
                links.entry(ends).or_default().push(utilisation(occupant, hop.transfer_s));
            }
            for it in &occupant.media {
                if let Some(medium) = medium_of.get(it.id.as_str()) {
                    media.entry(*medium).or_default().push(utilisation(occupant, it.occupied_s));
                }
            }
        }
        Self { request, nodes, links, media, medium_of }
    }

    /// Returns the bytes that a node has free for stages.
    pub(super) fn free_bytes(&self, node: &Node) -> u64 {
        let held = self.request.options.occupants.iter().flat_map(|occupant| &occupant.nodes);
        let held = held.filter(|held| held.node_id == node.id).map(|held| u128::from(held.memory_bytes)).sum::<u128>();
        let own = u128::from(node.memory_bytes.saturating_sub(node.reserved_bytes));
        own.saturating_sub(held) as u64
    }

    /// Returns the share of a node's time that is left for new stages.
    pub(super) fn node_share(&self, node_id: &str) -> f64 {
        self.nodes.get(node_id).map_or(1.0, |asked| share_left(asked))
    }

    /// Returns the share of a link's bandwidth that is left for new stages.
    pub(super) fn link_share(&self, from: &str, to: &str) -> f64 {
        self.links.get(&(from, to)).map_or(1.0, |asked| share_left(asked))
    }

    /// Returns the share of a medium's time that is left for new stages.
    pub(super) fn medium_share(&self, medium: Medium<'_>) -> f64 {
        self.media.get(&medium).map_or(1.0, |asked| share_left(asked))
    }

    /// Returns how pipelines affect each occupant.
    pub(super) fn effects(&self, pipelines: &[Paced<'_>]) -> Vec<OccupantEffect> {
        let sum = |seconds: &dyn Fn(&Paced<'_>) -> f64| pipelines.iter().map(|it| it.part(seconds(it))).sum::<f64>();
        let on_node = |id: &str| {
            let own = |it: &Paced<'_>| {
                let stages = it.stages.iter().filter(|stage| stage.node_id == id);
                stages.map(|stage| stage.compute_s * self.node_share(id)).sum()
            };
            sum(&own)
        };
        let on_link = |(from, to): Ends<'_>| {
            let carries = |carried: &&Carried<'_>| carried.from.id == from && carried.to.id == to;
            sum(&|it| it.traffic.carried.iter().filter(carries).map(Carried::longest_alone_s).sum())
        };
        let on_medium = |medium: Medium<'_>| {
            let own = |it: &Paced<'_>| {
                let all = it.traffic.carried.iter().flat_map(|carried| &carried.occupations);
                all.filter(|occupation| occupation.medium == medium).map(|occupation| occupation.alone_s).sum()
            };
            sum(&own)
        };
        let known = |id: &str| self.request.cluster.nodes.iter().any(|node| node.id == id);
        let slowdown = |occupant: &Occupant| {
            let nodes = occupant.nodes.iter().filter(|node| known(&node.node_id)).map(|node| {
                let id = node.node_id.as_str();
                stretch(utilisation(occupant, node.compute_s), &self.nodes[id], on_node(id))
            });
            let hops = occupant.hops.iter().filter(|hop| known(&hop.from_node_id) && known(&hop.to_node_id));
            let hops = hops.map(|hop| {
                let ends = (hop.from_node_id.as_str(), hop.to_node_id.as_str());
                stretch(utilisation(occupant, hop.transfer_s), &self.links[&ends], on_link(ends))
            });
            let media =
                occupant.media.iter().filter_map(|it| Some((*self.medium_of.get(it.id.as_str())?, it.occupied_s)));
            let media = media.map(|(medium, occupied_s)| {
                stretch(utilisation(occupant, occupied_s), &self.media[&medium], on_medium(medium))
            });
            nodes.chain(hops).chain(media).fold(1.0, f64::max)
        };
        let effect = |occupant: &Occupant| OccupantEffect {
            id: occupant.id.clone(),
            period_s: occupant.period_s,
            new_period_s: occupant.period_s * slowdown(occupant),
        };
        self.request.options.occupants.iter().map(effect).collect()
    }
}

fn utilisation(occupant: &Occupant, seconds: f64) -> f64 {
    f64::min(1.0, seconds * occupant.rate_per_s)
}

/// Returns the share of a newcomer that asks for everything: it gets the fair level.
fn share_left(asked: &[f64]) -> f64 {
    fair_level(&[asked, &[f64::INFINITY]].concat())
}

/// Returns the factor by which an occupant that asks for the share `asked` slows down, beside all
/// occupants and a newcomer.
fn stretch(asked: f64, all: &[f64], newcomer: f64) -> f64 {
    f64::max(1.0, asked / fair_level(&[all, &[newcomer]].concat()))
}

/// Returns the share that each gets at most. In rounds, all whose demand is not met are offered
/// equal parts of what the others leave. The result is 1 if every demand is met.
fn fair_level(everybody: &[f64]) -> f64 {
    let mut level = 0.0;
    loop {
        let content: Vec<f64> = everybody.iter().copied().filter(|&asked| asked <= level).collect();
        let waiting = everybody.len() - content.len();
        if waiting == 0 {
            return 1.0;
        }
        let next = (1.0 - content.iter().sum::<f64>()) / waiting as f64;
        if next <= level {
            return level;
        }
        level = next;
    }
}
