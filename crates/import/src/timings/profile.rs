//! A model profile as far as times need it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cursor::Cursor;
use crate::fault::Faults;

/// How faults name the profile.
const PROFILE: &str = "profile";

/// A layer of the profile.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) id: String,
    pub(crate) op: String,
    pub(crate) flops: f64,
    param_bytes: f64,
    /// Times of all classes.
    pub(crate) time_s: BTreeMap<String, f64>,
}

#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) layers: Vec<Layer>,
    pub(crate) groups: Vec<Group>,
    place_of: BTreeMap<String, usize>,
    readers: Vec<Vec<usize>>,
    makers: Vec<Vec<usize>>,
    /// The layers of each operator.
    operators: BTreeMap<String, BTreeSet<usize>>,
}

/// A group of the profile.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) layers: BTreeSet<usize>,
    pub(crate) time_s: BTreeMap<String, f64>,
}

impl Profile {
    /// Reads a profile. Records a fault for each reference to a layer that it does not have.
    pub(crate) fn read(
        document: &Value,
        operators: &BTreeMap<String, Vec<String>>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let top = Cursor::new(PROFILE, document);
        let list = top.required(&["layers"], faults)?.items(faults);
        let layers: Vec<Layer> = list.iter().filter_map(|layer| read_layer(layer, faults)).collect();
        let place_of: BTreeMap<String, usize> =
            layers.iter().enumerate().map(|(place, layer)| (layer.id.clone(), place)).collect();
        if place_of.len() < list.len() && faults.is_empty() {
            top.fault(faults, "two layers have one id", "Give each layer an id of its own");
        }
        let mut readers = vec![Vec::new(); layers.len()];
        let mut makers = vec![Vec::new(); layers.len()];
        for edge in top.get("edges").map(|edges| edges.items(faults)).unwrap_or_default() {
            let ends = ["from", "to"].map(|end| place(&edge.required(&[end], faults)?, &place_of, faults));
            if let [Some(from), Some(to)] = ends {
                readers[from].push(to);
                makers[to].push(from);
            }
        }
        let mut groups = Vec::new();
        for group in top.get("groups").map(|groups| groups.items(faults)).unwrap_or_default() {
            let ids = group.required(&["layer_ids"], faults).map(|ids| ids.items(faults)).unwrap_or_default();
            let layers = ids.iter().filter_map(|id| place(id, &place_of, faults)).collect();
            groups.push(Group { layers, time_s: read_times(&group, faults) });
        }
        let mut of_operators: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (cursor, place) in list.iter().zip(0..layers.len()) {
            if let Some(operator) = cursor.get("operator").and_then(|operator| operator.value.as_str()) {
                of_operators.entry(operator.to_owned()).or_default().insert(place);
            }
        }
        for (operator, ids) in operators {
            let places = ids.iter().filter_map(|id| place_of.get(id.as_str()).copied()).collect();
            of_operators.insert(operator.clone(), places);
        }
        Some(Self { layers, groups, place_of, readers, makers, operators: of_operators })
    }

    /// Returns the layers of an operator, or the layer with this id.
    pub(crate) fn of_operator(&self, name: &str) -> BTreeSet<usize> {
        let by_operator = self.operators.get(name).filter(|layers| !layers.is_empty());
        by_operator.cloned().unwrap_or_else(|| self.place_of.get(name).copied().into_iter().collect())
    }

    /// Returns the place of the layer with this id.
    pub(crate) fn layer(&self, id: &str) -> Option<usize> {
        self.place_of.get(id).copied()
    }

    /// Returns `true` if an edge leads to the layer.
    pub(crate) fn has_maker(&self, layer: usize) -> bool {
        !self.makers[layer].is_empty()
    }

    /// Returns all layers on paths from some layers to others, both included. Without such a path
    /// it is all of the given layers.
    pub(crate) fn between(&self, first: &BTreeSet<usize>, last: &BTreeSet<usize>) -> BTreeSet<usize> {
        let below = reach(first.iter().copied(), &self.readers);
        let above = reach(last.iter().copied(), &self.makers);
        let on_paths: BTreeSet<usize> = (0..self.layers.len()).filter(|&layer| below[layer] && above[layer]).collect();
        if on_paths.is_empty() { first | last } else { on_paths }
    }

    /// Returns, for each layer, whether a root leads to it (`docs/problem.md`): the others are
    /// constants, which take no time. A source that was measured is a root.
    pub(crate) fn varies(&self, measured: &BTreeSet<usize>) -> Vec<bool> {
        let is_root = |&layer: &usize| {
            let it = &self.layers[layer];
            self.makers[layer].is_empty() && (it.param_bytes == 0.0 || it.works() || measured.contains(&layer))
        };
        let roots: Vec<usize> = (0..self.layers.len()).filter(is_root).collect();
        if roots.is_empty() { vec![true; self.layers.len()] } else { reach(roots, &self.readers) }
    }
}

impl Layer {
    /// Returns `true` if the layer takes time in each pass, as far as the profile says.
    pub(crate) fn works(&self) -> bool {
        self.flops > 0.0 || self.time_s.values().any(|&seconds| seconds > 0.0)
    }
}

fn read_layer(layer: &Cursor<'_>, faults: &mut Faults) -> Option<Layer> {
    let id = layer.required(&["id"], faults).and_then(|id| id.id(faults));
    let mut size = |name| layer.get(name).and_then(|size| size.amount(faults)).unwrap_or(0.0);
    let (flops, param_bytes) = (size("flops"), size("param_bytes"));
    let op = layer.get("op").and_then(|op| op.value.as_str()).unwrap_or_default().to_owned();
    let time_s = read_times(layer, faults);
    Some(Layer { id: id?.to_owned(), op, flops, param_bytes, time_s })
}

fn read_times(of: &Cursor<'_>, faults: &mut Faults) -> BTreeMap<String, f64> {
    let times = of.get("time_s").map(|times| times.members(faults)).unwrap_or_default();
    times.into_iter().filter_map(|(class, time)| Some((class.to_owned(), time.amount(faults)?))).collect()
}

fn place(id: &Cursor<'_>, place_of: &BTreeMap<String, usize>, faults: &mut Faults) -> Option<usize> {
    let text = id.text(faults)?;
    let place = place_of.get(text).copied();
    if place.is_none() {
        id.fault(faults, format!("no layer has the id {text:?}"), "Name a layer of this profile");
    }
    place
}

/// Returns the layers that edges lead to from some layers, these included.
fn reach(from: impl IntoIterator<Item = usize>, edges: &[Vec<usize>]) -> Vec<bool> {
    let mut reached = vec![false; edges.len()];
    let mut waiting: Vec<usize> = from.into_iter().collect();
    while let Some(layer) = waiting.pop() {
        if !std::mem::replace(&mut reached[layer], true) {
            waiting.extend(&edges[layer]);
        }
    }
    reached
}
