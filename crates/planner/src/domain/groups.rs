//! Groups of a model profile: layers that a runtime fuses into one kernel, or that are the outputs
//! of one operator.
//!
//! No cut goes through a group. If a group has a time on a device class, it counts instead of the
//! times of its layers.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::fault::FaultCode;
use super::read::{Owner, Reader, Step};

/// Layers that stay in one stage.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct LayerGroup {
    /// At least one layer. A layer is in one group at most. Constant layers are ignored here.
    #[cfg_attr(feature = "schema", schema(min_items = 1))]
    pub layer_ids: Vec<String>,
    /// Measured seconds of the whole group for each device class. They count instead of the times of
    /// its layers. On a class that is absent here the layers count.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub time_s: BTreeMap<String, f64>,
}

/// The groups of a model by the places of their layers.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    /// For each group its layers that are not constant, ascending.
    of_group: Vec<Vec<usize>>,
    /// For each group whether it has a time above 0.
    takes_time: Vec<bool>,
    /// For each layer its group; `None` for constants. Empty if the model has no groups.
    group_of: Vec<Option<usize>>,
}

impl LayerGroup {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 2] = ["layer_ids", "time_s"];

    fn read(
        reader: &mut Reader,
        value: &Value,
        read_times: impl FnOnce(&mut Reader, &Value) -> Option<BTreeMap<String, f64>>,
    ) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let layer_ids = reader.required(map, "layer_ids", |reader, value| {
            let ids = reader.items(value, Reader::id)?;
            if ids.is_empty() {
                reader.fault(
                    FaultCode::Empty,
                    "the group has no layer",
                    "Name at least one layer, or remove the group",
                );
            }
            // An id that could not be read keeps its place, so that pointers to the others stay right.
            Some(ids.into_iter().map(Option::unwrap_or_default).collect())
        });
        let time_s = reader.optional(map, "time_s", read_times);
        Some(Self { layer_ids: layer_ids.unwrap_or_default(), time_s: time_s.unwrap_or_default() })
    }
}

/// Reads the list of groups. A group that could not be read keeps its place and has no layers.
pub(super) fn read_groups(
    reader: &mut Reader,
    value: &Value,
    read_times: impl Fn(&mut Reader, &Value) -> Option<BTreeMap<String, f64>>,
) -> Option<Vec<LayerGroup>> {
    let groups = reader.items(value, |reader, value| LayerGroup::read(reader, value, &read_times))?;
    Some(groups.into_iter().map(Option::unwrap_or_default).collect())
}

/// Checks that each layer that a group names exists, and that no group named it before.
pub(super) fn check_groups(reader: &mut Reader, groups: &[LayerGroup], is_layer: impl Fn(&str) -> bool) {
    let mut group_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        // An empty id stands for one that could not be read and has its fault.
        for (at, id) in group.layer_ids.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            let below: [Step; 4] = ["groups".into(), index.into(), "layer_ids".into(), at.into()];
            if !is_layer(id) {
                let detail = format!("no layer has the id {id:?}");
                reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a layer of this model");
            } else if let Some(&other) = group_of.get(id.as_str()) {
                let detail = format!("layer {id:?} is in group {other} already");
                reader.owned_by(Some(Owner::Layer(id.clone())), |reader| {
                    reader.fault_at(&below, FaultCode::Duplicate, detail, "Name each layer once, in one group");
                });
            } else {
                group_of.insert(id, index);
            }
        }
    }
}

/// Returns the groups in the order of their first layers, with the layers of each in the order of
/// the model.
pub(super) fn in_order(mut groups: Vec<LayerGroup>, place: impl Fn(&str) -> Option<usize>) -> Vec<LayerGroup> {
    for group in &mut groups {
        group.layer_ids.sort_by_key(|id| place(id));
    }
    groups.sort_by_key(|group| group.layer_ids.first().and_then(|id| place(id)));
    groups
}

impl Members {
    /// Finds the layers of the groups of a model.
    pub(super) fn new(
        groups: &[LayerGroup],
        layers: usize,
        place: impl Fn(&str) -> Option<usize>,
        is_constant: impl Fn(usize) -> bool,
    ) -> Self {
        if groups.is_empty() {
            return Self::default();
        }
        let takes_time = |group: &LayerGroup| group.time_s.values().any(|&seconds| seconds > 0.0);
        let mut members = Self {
            of_group: Vec::with_capacity(groups.len()),
            takes_time: groups.iter().map(takes_time).collect(),
            group_of: vec![None; layers],
        };
        for (index, group) in groups.iter().enumerate() {
            let places = group.layer_ids.iter().filter_map(|id| place(id)).filter(|&layer| !is_constant(layer));
            let mut places: Vec<usize> = places.collect();
            places.sort_unstable();
            places.iter().for_each(|&layer| members.group_of[layer] = Some(index));
            members.of_group.push(places);
        }
        members
    }

    /// Returns the group of a layer, or `None` if it is in none or constant.
    pub(super) fn group_of(&self, layer: usize) -> Option<usize> {
        self.group_of.get(layer).copied().flatten()
    }

    /// Returns `true` if a layer is in a group that has a time above 0.
    pub(super) fn group_takes_time(&self, layer: usize) -> bool {
        self.group_of(layer).is_some_and(|group| self.takes_time[group])
    }

    /// Returns, for each group, its layers that are not constant, ascending.
    pub(super) fn of_groups(&self) -> &[Vec<usize>] {
        &self.of_group
    }
}
