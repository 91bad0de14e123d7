//! Nodes of an inventory of Cutpoint, for sites whose nodes no orchestrator lists.

use super::candidate::Candidate;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;
use crate::source::Origin;

const TOOL: &str = "cutpoint";

/// Reads the nodes of an inventory. Members `addresses` of nodes are read too: a list of IP and MAC
/// addresses.
pub(super) fn read(file: &InputFile<'_>, faults: &mut Faults) -> Vec<Candidate> {
    let Some(document) = file.json(faults) else { return Vec::new() };
    let top = Cursor::new(file.name, &document);
    let Some(nodes) = top.required(&["nodes"], faults) else { return Vec::new() };
    nodes.items(faults).iter().filter_map(|node| read_node(node, faults)).collect()
}

fn read_node(item: &Cursor<'_>, faults: &mut Faults) -> Option<Candidate> {
    let id = item.required(&["id"], faults).and_then(|id| id.id(faults));
    let memory = item.required(&["memory_bytes"], faults);
    let bytes = memory.as_ref().and_then(|memory| memory.bytes(1.0, faults));
    let mut candidate = Candidate::default();
    candidate.node.id = id?.to_owned();
    candidate.node.memory_bytes = bytes?;
    candidate.source("memory_bytes", Origin::Stated, TOOL, &memory?);
    if let Some(reserved) = item.get("reserved_bytes")
        && let Some(bytes) = reserved.bytes(1.0, faults)
    {
        candidate.node.reserved_bytes = bytes.min(candidate.node.memory_bytes);
        candidate.source("reserved_bytes", Origin::Stated, TOOL, &reserved);
    }
    if let Some(flops) = item.get("flops_per_s") {
        candidate.node.flops_per_s = flops.positive(faults);
        candidate.source("flops_per_s", Origin::Stated, TOOL, &flops);
    }
    if let Some(class) = item.get("device_class") {
        candidate.device_class(&class, TOOL, faults);
    }
    for (key, label) in item.get("labels").map(|labels| labels.members(faults)).unwrap_or_default() {
        if let Some(text) = label.text(faults) {
            candidate.label(key, text);
        }
    }
    for address in item.get("addresses").map(|list| list.items(faults)).unwrap_or_default() {
        candidate.address(&address, faults);
    }
    if item.get("schedulable").is_some_and(|flag| !flag.is_set()) {
        candidate.reasons.push("the node list says so".to_owned());
        candidate.node.schedulable = Some(false);
    }
    Some(candidate)
}
