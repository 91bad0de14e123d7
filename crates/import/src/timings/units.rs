//! Layers that have one time: single ones, and groups that a kernel ran together.

use std::collections::{BTreeMap, BTreeSet};

use super::matched::Matched;
use super::profile::Profile;

/// A layer, or layers that stay together.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) layers: BTreeSet<usize>,
    /// Seconds of a pass on the measured class.
    pub(super) seconds: Option<f64>,
    pub(super) is_estimated: bool,
    /// All of its layers are constants: they take no time in a pass.
    pub(super) is_constant: bool,
}

#[derive(Debug)]
pub(super) struct Units {
    /// In the order of their first layers.
    pub(super) all: Vec<Unit>,
}

impl Units {
    /// Joins the layers of each kernel and of each group, and sums the kernels of each unit.
    pub(super) fn new(profile: &Profile, matched: &Matched) -> Self {
        let mut parents: Vec<usize> = (0..profile.layers.len()).collect();
        let groups = profile.groups.iter().map(|group| &group.layers);
        for layers in matched.layers.iter().chain(groups) {
            let mut layers = layers.iter().copied();
            let Some(first) = layers.next() else { continue };
            layers.for_each(|layer| join(&mut parents, first, layer));
        }
        let measured: BTreeSet<usize> = matched.layers.iter().flatten().copied().collect();
        let varies = profile.varies(&measured);
        let mut by_root: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for layer in 0..parents.len() {
            let root = root(&mut parents, layer);
            by_root.entry(root).or_default().insert(layer);
        }
        let mut seconds: BTreeMap<usize, f64> = BTreeMap::new();
        for (layers, time) in matched.layers.iter().zip(&matched.times) {
            if let Some(&first) = layers.first() {
                *seconds.entry(root(&mut parents, first)).or_default() += time;
            }
        }
        let unit = |(root, layers): (usize, BTreeSet<usize>)| {
            let is_constant = layers.iter().all(|&layer| !varies[layer]);
            let seconds = seconds.get(&root).copied().filter(|_| !is_constant);
            Unit { layers, seconds, is_estimated: false, is_constant }
        };
        Self { all: by_root.into_iter().map(unit).collect() }
    }

    /// Returns the seconds of all units.
    pub(super) fn seconds(&self) -> f64 {
        self.all.iter().filter_map(|unit| unit.seconds).sum()
    }

    pub(super) fn scale(&mut self, scale: f64) {
        for seconds in self.all.iter_mut().filter_map(|unit| unit.seconds.as_mut()) {
            *seconds *= scale;
        }
    }
}

/// Returns the first layer of a layer's unit, and shortens the way to it.
fn root(parents: &mut [usize], layer: usize) -> usize {
    let mut root = layer;
    while parents[root] != root {
        parents[root] = parents[parents[root]];
        root = parents[root];
    }
    root
}

fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b);
}
