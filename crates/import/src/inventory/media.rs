//! Channels that the caller names: which nodes share them.

use std::collections::{BTreeMap, BTreeSet};

use super::SharedMedium;
use super::nodes::Nodes;
use crate::cursor::is_id;
use crate::fault::Faults;

const OPTION: &str = "--medium";

/// The most nodes of all media together, so that not too many pairs are listed.
const MAX_MEMBERS: usize = 4096;

/// The medium of each pair that has one.
#[derive(Debug, Default)]
pub(super) struct Media {
    /// By the places of a pair, the smaller first.
    of_pairs: BTreeMap<(usize, usize), String>,
}

impl Media {
    /// Returns the medium that carries the links of a pair.
    pub(super) fn of(&self, a: usize, b: usize) -> Option<&str> {
        self.of_pairs.get(&(a.min(b), a.max(b))).map(String::as_str)
    }
}

/// Checks media and assigns pairs to them.
pub(super) fn read(media: &[SharedMedium<'_>], nodes: &Nodes, faults: &mut Faults) -> Media {
    let mut read = Media::default();
    if media.iter().map(|medium| medium.node_ids.len()).sum::<usize>() > MAX_MEMBERS {
        let action = "Give a topology network in the inventory instead: docs/networks.md";
        faults.record(OPTION, "", format!("media have more than {MAX_MEMBERS} nodes together"), action);
        return read;
    }
    for medium in media {
        let name = medium.name;
        if !is_id(name) {
            faults.record(OPTION, name, "the name of the medium is empty or too long", "Give 1 to 256 characters");
        }
        let mut members = BTreeSet::new();
        for id in &medium.node_ids {
            match nodes.by_id(id) {
                Some(node) => {
                    members.insert(node);
                }
                None => faults.record(OPTION, name, format!("no list names the node {id:?}"), known(nodes)),
            }
        }
        if members.len() < 2 && members.len() == medium.node_ids.len() {
            faults.record(OPTION, name, "the medium has fewer than two nodes", "Name all nodes that share it");
        }
        let pairs = members.iter().flat_map(|&a| members.range(a + 1..).map(move |&b| (a, b)));
        for (a, b) in pairs {
            let before = read.of_pairs.insert((a, b), name.to_owned()).filter(|before| before != name);
            if let Some(before) = before {
                let detail = format!("{} and {} share the medium {before:?} already", nodes.id(a), nodes.id(b));
                faults.record(OPTION, name, detail, "Name one medium for each pair");
            }
        }
    }
    read
}

fn known(nodes: &Nodes) -> String {
    let ids: Vec<&str> = (0..nodes.len().min(12)).map(|node| nodes.id(node)).collect();
    let more = if nodes.len() > ids.len() { ", …" } else { "" };
    format!("Name nodes of the lists: {}{more}", ids.join(", "))
}
