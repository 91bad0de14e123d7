//! What a person should know before an export is used.

use std::collections::{BTreeMap, BTreeSet};

use super::{Process, Role};
use crate::headroom::Headroom;
use crate::names;
use crate::options::Format;
use crate::placement::Placement;
use crate::units::bytes_text;

/// Returns the warnings of an export.
pub(super) fn of(placement: &Placement, processes: &[Process<'_>], headroom: Headroom, format: Format) -> Vec<String> {
    let mut warnings = too_little_memory(placement, processes, headroom);
    if format == Format::Kubernetes {
        warnings.extend(impossible_names(processes));
    }
    warnings
}

/// Nodes that lack what their stages ask for: orchestrators will not start these.
fn too_little_memory(placement: &Placement, processes: &[Process<'_>], headroom: Headroom) -> Vec<String> {
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    for process in processes.iter().filter(|process| process.role == Role::Stage) {
        let bytes = asked.entry(process.node_id).or_default();
        *bytes = bytes.saturating_add(process.memory_bytes);
    }
    let stages = placement.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
    let free: BTreeMap<&str, u64> =
        stages.filter_map(|stage| Some((stage.node_id.as_str(), stage.memory_capacity_bytes?))).collect();
    let lacking = asked.iter().filter_map(|(node, &asked)| Some((node, asked, *free.get(node)?)));
    lacking
        .filter(|&(_, asked, free)| asked > free)
        .map(|(node, asked, free)| {
            format!(
                "{node:?} has {} free, and the runner is given {}: {} times the planned memory and {}. Plan with this memory scale \
                 and overhead, and export with the scale 1 and the overhead 0; or export with what you measured",
                bytes_text(free),
                bytes_text(asked),
                headroom.scale,
                bytes_text(headroom.overhead_bytes),
            )
        })
        .collect()
}

fn impossible_names(processes: &[Process<'_>]) -> Vec<String> {
    let names: BTreeSet<&str> = processes.iter().map(|process| process.node_name).collect();
    let impossible = names.into_iter().filter(|name| name.is_empty() || !names::is_label_value(name));
    impossible
        .map(|name| {
            format!(
                "no node of Kubernetes can have the label kubernetes.io/hostname {name:?}, so that its stage will not start. Give the \
                 name that the node has"
            )
        })
        .collect()
}
