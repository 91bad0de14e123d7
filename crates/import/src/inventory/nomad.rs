//! Nodes of Nomad: what `/v1/nodes?resources=true` answers, or full nodes of `/v1/node/<id>`.

use super::candidate::Candidate;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;
use crate::source::Origin;

const TOOL: &str = "nomad";

/// The bytes of Nomad's unit of memory.
const MEBIBYTE: f64 = 1_048_576.0;

/// Reads a list of nodes, or one node.
pub(super) fn read(file: &InputFile<'_>, faults: &mut Faults) -> Vec<Candidate> {
    let Some(document) = file.json(faults) else { return Vec::new() };
    let top = Cursor::new(file.name, &document);
    if top.get("Name").is_some() {
        return read_node(&top, faults).into_iter().collect();
    }
    if !document.is_array() {
        top.fault(faults, "this is not a list of nodes", "Give what /v1/nodes?resources=true of Nomad answers");
        return Vec::new();
    }
    top.items(faults).iter().filter_map(|item| read_node(item, faults)).collect()
}

fn read_node(item: &Cursor<'_>, faults: &mut Faults) -> Option<Candidate> {
    let name = item.required(&["Name"], faults).and_then(|name| name.id(faults));
    let Some(memory) = item.at(&["NodeResources", "Memory", "MemoryMB"]) else {
        item.fault(faults, "NodeResources/Memory/MemoryMB is missing", "Ask for it: /v1/nodes?resources=true");
        return None;
    };
    let bytes = memory.bytes(MEBIBYTE, faults);
    let mut candidate = Candidate::default();
    candidate.node.id = name?.to_owned();
    candidate.node.memory_bytes = bytes?;
    candidate.source("memory_bytes", Origin::Stated, TOOL, &memory);
    read_reserved(item, &mut candidate, faults);
    if let Some(class) = item.get("NodeClass").filter(|class| class.value != "") {
        candidate.device_class(&class, TOOL, faults);
    }
    for (label, member) in [("datacenter", "Datacenter"), ("node-pool", "NodePool")] {
        if let Some(text) = item.get(member).and_then(|member| member.text(faults)).filter(|text| !text.is_empty()) {
            candidate.label(label, text);
        }
    }
    if let Some(meta) = item.get("Meta") {
        candidate.own_annotations(&meta, TOOL, faults);
    }
    read_addresses(item, &mut candidate, faults);
    candidate.reasons = reasons(item);
    candidate.node.schedulable = (!candidate.reasons.is_empty()).then_some(false);
    Some(candidate)
}

/// Reads what Nomad keeps back, at most all of the memory.
fn read_reserved(item: &Cursor<'_>, candidate: &mut Candidate, faults: &mut Faults) {
    let Some(reserved) = item.at(&["ReservedResources", "Memory", "MemoryMB"]) else { return };
    if let Some(bytes) = reserved.bytes(MEBIBYTE, faults).filter(|&bytes| bytes > 0) {
        candidate.node.reserved_bytes = bytes.min(candidate.node.memory_bytes);
        candidate.source("reserved_bytes", Origin::Stated, TOOL, &reserved);
    }
}

/// Reads the addresses of all interfaces. An interface whose name begins with `wl` is wireless, by
/// the names that Linux gives.
fn read_addresses(item: &Cursor<'_>, candidate: &mut Candidate, faults: &mut Faults) {
    if let Some(address) = item.get("Address").filter(|address| address.value != "") {
        candidate.address(&address, faults);
    }
    let interfaces = |list: &str, faults: &mut Faults| {
        item.at(&["NodeResources", list]).map(|interfaces| interfaces.items(faults)).unwrap_or_default()
    };
    for interface in interfaces("Networks", faults) {
        for address in ["IP", "MAC"].iter().filter_map(|name| interface.get(name)).filter(|text| text.value != "") {
            candidate.address(&address, faults);
        }
        candidate.is_wireless |= is_wireless(&interface);
    }
    for interface in interfaces("NodeNetworks", faults) {
        if let Some(address) = interface.get("MacAddress").filter(|address| address.value != "") {
            candidate.address(&address, faults);
        }
        let addresses = interface.get("Addresses").map(|list| list.items(faults)).unwrap_or_default();
        for address in addresses.iter().filter_map(|address| address.get("Address")) {
            candidate.address(&address, faults);
        }
        candidate.is_wireless |= is_wireless(&interface);
    }
}

fn is_wireless(interface: &Cursor<'_>) -> bool {
    interface.get("Device").and_then(|device| device.value.as_str()).is_some_and(|name| name.starts_with("wl"))
}

/// Why the node takes no stages now.
fn reasons(item: &Cursor<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    for (member, wanted) in [("SchedulingEligibility", "eligible"), ("Status", "ready")] {
        if let Some(cursor) = item.get(member).filter(|cursor| cursor.value != wanted) {
            reasons.push(format!("its {member} is {}", cursor.value));
        }
    }
    if item.get("Drain").is_some_and(|flag| flag.is_set()) {
        reasons.push("it is drained".to_owned());
    }
    reasons
}
