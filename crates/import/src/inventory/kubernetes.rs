//! Nodes of Kubernetes: what `kubectl get nodes --output json` prints.

use super::candidate::Candidate;
use super::quantity;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;
use crate::source::Origin;

const TOOL: &str = "kubernetes";

/// Reads a list of nodes, or one node.
pub(super) fn read(file: &InputFile<'_>, faults: &mut Faults) -> Vec<Candidate> {
    let Some(document) = file.json(faults) else { return Vec::new() };
    let top = Cursor::new(file.name, &document);
    if top.get("items").is_none() && top.get("metadata").is_some() {
        return read_node(&top, faults).into_iter().collect();
    }
    let Some(items) = top.get("items") else {
        top.fault(faults, "this is not a list of nodes", "Give what kubectl get nodes --output json prints");
        return Vec::new();
    };
    items.items(faults).iter().filter_map(|item| read_node(item, faults)).collect()
}

fn read_node(item: &Cursor<'_>, faults: &mut Faults) -> Option<Candidate> {
    if let Some(kind) = item.get("kind").filter(|kind| kind.value != "Node") {
        kind.fault(faults, format!("{} is not a Node", kind.value), "Give what kubectl get nodes prints");
        return None;
    }
    let name = item.required(&["metadata", "name"], faults).and_then(|name| name.id(faults));
    let memory = item.required(&["status", "allocatable", "memory"], faults);
    let (name, memory) = (name?, memory?);
    let mut candidate = Candidate::default();
    candidate.node.id = name.to_owned();
    candidate.node.memory_bytes = read_memory(&memory, faults)?;
    candidate.source("memory_bytes", Origin::Stated, TOOL, &memory);
    if let Some(labels) = item.at(&["metadata", "labels"]) {
        for (key, label) in labels.members(faults) {
            if let Some(text) = label.text(faults) {
                candidate.label(key, text);
            }
        }
    }
    if let Some(annotations) = item.at(&["metadata", "annotations"]) {
        candidate.own_annotations(&annotations, TOOL, faults);
    }
    if let Some(addresses) = item.at(&["status", "addresses"]) {
        let is_internal = |address: &Cursor<'_>| address.get("type").is_some_and(|kind| kind.value == "InternalIP");
        for address in addresses.items(faults).iter().filter(|address| is_internal(address)) {
            if let Some(address) = address.required(&["address"], faults) {
                candidate.address(&address, faults);
            }
        }
    }
    candidate.reasons = reasons(item, faults);
    candidate.node.schedulable = (!candidate.reasons.is_empty()).then_some(false);
    Some(candidate)
}

/// Reads memory. A quantity without a unit may be a number.
fn read_memory(memory: &Cursor<'_>, faults: &mut Faults) -> Option<u64> {
    if memory.value.is_number() {
        return memory.bytes(1.0, faults);
    }
    let text = memory.text(faults)?;
    let bytes = quantity::bytes(text);
    if bytes.is_none() {
        let action = "Give a quantity of Kubernetes of at most 8Pi, such as 3948464Ki";
        memory.fault(faults, format!("{text:?} is not allowed here"), action);
    }
    bytes
}

/// Why the node takes no stages now: it is cordoned, a taint keeps pods off, or it is not ready.
fn reasons(item: &Cursor<'_>, faults: &mut Faults) -> Vec<String> {
    let mut reasons = Vec::new();
    if item.at(&["spec", "unschedulable"]).is_some_and(|flag| flag.is_set()) {
        reasons.push("it is cordoned (spec.unschedulable)".to_owned());
    }
    let taints = item.at(&["spec", "taints"]).map(|taints| taints.items(faults)).unwrap_or_default();
    for taint in taints {
        let member = |name| taint.get(name).and_then(|member| member.value.as_str());
        if let Some(effect @ ("NoSchedule" | "NoExecute")) = member("effect") {
            reasons.push(format!("it has the taint {} of effect {effect}", member("key").unwrap_or_default()));
        }
    }
    let conditions = item.at(&["status", "conditions"]).map(|list| list.items(faults)).unwrap_or_default();
    let is_ready = |condition: &&Cursor<'_>| condition.get("type").is_some_and(|kind| kind.value == "Ready");
    if let Some(ready) = conditions.iter().find(is_ready)
        && let Some(status) = ready.get("status").filter(|status| status.value != "True")
    {
        reasons.push(format!("its condition Ready is {}", status.value));
    }
    reasons
}
