//! The nodes of all lists, joined by their addresses and names.

use std::collections::BTreeMap;

use super::address::Address;
use super::candidate::Candidate;
use super::duplex::HalfDuplex;
use super::links::Links;
use super::{InventoryInput, kubernetes, node_list, nomad, warnings};
use crate::cursor::shortened;
use crate::document::Node;
use crate::fault::Faults;
use crate::report::Warning;
use crate::source::{Origin, SOURCE_LABEL, Source};

/// Nodes in the order of the inventory.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    candidates: Vec<Candidate>,
    by_id: BTreeMap<String, usize>,
    by_address: BTreeMap<Address, usize>,
}

impl Nodes {
    pub(super) fn read(input: &InventoryInput<'_>, warnings: &mut Vec<Warning>, faults: &mut Faults) -> Self {
        let mut nodes = Self::default();
        let kubernetes = input.kubernetes.iter().map(|file| (file, kubernetes::read(file, faults))).collect::<Vec<_>>();
        let nomad = input.nomad.iter().map(|file| (file, nomad::read(file, faults))).collect::<Vec<_>>();
        let own = input.nodes.iter().map(|file| (file, node_list::read(file, faults))).collect::<Vec<_>>();
        for (file, candidates) in kubernetes.into_iter().chain(nomad).chain(own) {
            let first_of_list = nodes.candidates.len();
            for candidate in candidates {
                nodes.add(candidate, file.name, first_of_list, warnings, faults);
            }
        }
        if nodes.candidates.is_empty() && faults.is_empty() {
            let action = "Give a node list: of Kubernetes, of Nomad, or an inventory of Cutpoint";
            faults.record("--kubernetes", "", "there is no node", action);
        }
        for &(text, id) in &input.addresses {
            match (Address::parse(text), nodes.by_id.get(id)) {
                (Some(address), Some(&node)) => nodes.assign(address, node, "--address", faults),
                (None, _) => faults.record("--address", text, "this is no IP or MAC address", "Give an address"),
                (_, None) => faults.record("--address", id, "no list names this node", "Name a node of a list"),
            }
        }
        nodes
    }

    /// Adds a node, or joins it to the one of an earlier list that has one of its addresses or its
    /// name.
    fn add(
        &mut self,
        candidate: Candidate,
        file: &str,
        first_of_list: usize,
        warnings: &mut Vec<Warning>,
        faults: &mut Faults,
    ) {
        let by_address = candidate.addresses.iter().find_map(|address| self.by_address.get(address)).copied();
        let known = by_address.or_else(|| self.by_id.get(&candidate.node.id).copied());
        let Some(known) = known else {
            let index = self.candidates.len();
            self.by_id.insert(candidate.node.id.clone(), index);
            let addresses = candidate.addresses.clone();
            self.candidates.push(candidate);
            addresses.into_iter().for_each(|address| self.assign(address, index, file, faults));
            return;
        };
        if known >= first_of_list {
            let detail = format!(
                "the nodes {:?} and {:?} of one list have one name or address",
                candidate.node.id,
                self.id(known)
            );
            faults.record(file, "", detail, "Give each node a name and addresses of its own");
            return;
        }
        warnings::of_join(&self.candidates[known], &candidate, by_address.is_some(), warnings);
        candidate.addresses.iter().for_each(|&address| self.assign(address, known, file, faults));
        self.by_id.entry(candidate.node.id.clone()).or_insert(known);
        self.candidates[known].join(candidate);
    }

    fn assign(&mut self, address: Address, node: usize, file: &str, faults: &mut Faults) {
        let other = *self.by_address.entry(address).or_insert(node);
        if other != node {
            let detail = format!("the address {address} is that of {:?} and of {:?}", self.id(other), self.id(node));
            faults.record(file, "", detail, "Give each address to one node");
        }
    }

    pub(super) fn len(&self) -> usize {
        self.candidates.len()
    }

    pub(super) fn id(&self, node: usize) -> &str {
        &self.candidates[node].node.id
    }

    pub(super) fn by_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn by_address(&self, address: Address) -> Option<usize> {
        self.by_address.get(&address).copied()
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    pub(super) fn set_wireless(&mut self, node: usize) {
        self.candidates[node].is_wireless = true;
    }

    /// Sets the ports: a port's rate is the largest that was measured of its node.
    pub(super) fn take_ports(&mut self, links: &Links, halves: &HalfDuplex, warnings: &mut Vec<Warning>) {
        for (node, candidate) in self.candidates.iter_mut().enumerate() {
            let Some((rate, file)) = links.largest_rate(node) else { continue };
            candidate.node.port_bps = Some(rate);
            let source = Source::new("port_bps", Origin::Derived).of(&candidate.node.id).by(super::iperf3::TOOL, file);
            candidate.sources.push(source.because("the largest rate of the node"));
            let Some(why) = halves.port(node) else { continue };
            candidate.node.port_duplex = Some("half");
            candidate.is_wireless = true;
            let source = Source::new("port_duplex", Origin::Derived).of(&candidate.node.id);
            candidate.sources.push(source.by(super::iperf3::TOOL, why.file.as_str()).because(why.text.as_str()));
            let detail = format!("{} has a half-duplex port: {}", candidate.node.id, why.text);
            let action = "Nothing, if it is a radio. If it is a cable, look for one that runs half-duplex";
            warnings.push(Warning::new("half_duplex", detail, action).about([candidate.node.id.clone()]));
        }
    }

    pub(super) fn sources(&self) -> Vec<Source> {
        self.candidates.iter().flat_map(|candidate| candidate.sources.iter().cloned()).collect()
    }

    /// Returns the nodes of the document. Labels say where their figures come from.
    pub(super) fn into_documents(self) -> Vec<Node> {
        let with_labels = |mut candidate: Candidate| {
            for source in &candidate.sources {
                let label = format!("{SOURCE_LABEL}{}", source.figure);
                candidate.node.labels.insert(label, shortened(&source.line()));
            }
            candidate.node
        };
        self.candidates.into_iter().map(with_labels).collect()
    }
}

impl Candidate {
    /// Takes from the same node of another list what is not known yet.
    fn join(&mut self, other: Candidate) {
        let Candidate { node, addresses, sources, reasons, is_wireless } = other;
        let takes = |figure: &str| match figure {
            "flops_per_s" => self.node.flops_per_s.is_none(),
            "device_class" => self.node.device_class.is_none(),
            _ => false,
        };
        let id = self.node.id.clone();
        let taken = sources.into_iter().filter(|source| takes(&source.figure));
        self.sources.extend(taken.map(|source| Source { of: vec![id.clone()], ..source }).collect::<Vec<_>>());
        self.node.flops_per_s = self.node.flops_per_s.or(node.flops_per_s);
        self.node.device_class = self.node.device_class.take().or(node.device_class);
        for (key, value) in node.labels {
            self.node.labels.entry(key).or_insert(value);
        }
        self.addresses.extend(addresses);
        self.reasons.extend(reasons);
        self.node.schedulable = (!self.reasons.is_empty()).then_some(false);
        self.is_wireless |= is_wireless;
    }
}
