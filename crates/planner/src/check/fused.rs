//! The groups of the profile that are timed on a node, read from the profile as it lists them.

use std::collections::BTreeMap;

use super::graph::Graph;
use crate::domain::cluster::Node;
use crate::domain::groups::LayerGroup;
use crate::domain::model::ModelProfile;

/// The groups of a model.
pub(super) struct Fused<'a> {
    groups: &'a [LayerGroup],
    /// The group of each layer that is in a group and not constant.
    group_of: BTreeMap<usize, usize>,
    /// The number of such layers of each group.
    sizes: Vec<usize>,
}

impl<'a> Fused<'a> {
    pub(super) fn new(model: &'a ModelProfile, graph: &Graph<'_>) -> Self {
        let mut group_of = BTreeMap::new();
        let mut sizes = vec![0; model.groups.len()];
        for (index, group) in model.groups.iter().enumerate() {
            let places = group.layer_ids.iter().filter_map(|id| graph.place(id));
            for place in places.filter(|&place| !graph.is_constant(place)) {
                group_of.insert(place, index);
                sizes[index] += 1;
            }
        }
        Self { groups: &model.groups, group_of, sizes }
    }

    /// Returns the group of a layer.
    pub(super) fn group_of(&self, place: usize) -> Option<&'a LayerGroup> {
        self.group_of.get(&place).map(|&index| &self.groups[index])
    }

    /// Returns the seconds of each group that is timed on a node's class and has all of its layers
    /// among `places`, and the other layers of `places`.
    pub(super) fn on(&self, node: &Node, places: &[usize]) -> (Vec<f64>, Vec<usize>) {
        let time_of = |index: usize| self.groups[index].time_s.get(node.device_class.as_ref()?).copied();
        let mut here: BTreeMap<usize, usize> = BTreeMap::new();
        for &index in places.iter().filter_map(|place| self.group_of.get(place)) {
            *here.entry(index).or_default() += 1;
        }
        here.retain(|&index, count| *count == self.sizes[index] && time_of(index).is_some());
        let is_fused = |place: &usize| self.group_of.get(place).is_some_and(|index| here.contains_key(index));
        let alone = places.iter().copied().filter(|place| !is_fused(place)).collect();
        (here.keys().filter_map(|&index| time_of(index)).collect(), alone)
    }
}
