//! `devices.yml`: hosts by type. Together with their types they are a cluster.

use serde_json::json;

use super::TOOL;
use super::device_types::DeviceType;
use crate::cursor::{Cursor, is_id};
use crate::document::{Cluster, Node};
use crate::fault::{Faults, ImportError};
use crate::input::InputFile;
use crate::report::{Imported, Report};
use crate::source::{Origin, Source, description};
use crate::yaml;

/// A stage must need strictly less than the memory of its device, so one byte is kept back.
const KEPT_BACK_BYTES: u64 = 1;

/// Imports the hosts of `devices.yml` as a cluster with the given name.
///
/// Each host is a node whose `device_class` is its type, on a full mesh in which the ports of the nodes
/// bound the rates.
///
/// # Errors
/// Returns every fault of both files. A type that `device_types.yml` lacks is one: PipeEdge ignores
/// its hosts silently.
pub fn cluster(device_types: &InputFile<'_>, devices: &InputFile<'_>, name: &str) -> Result<Imported, ImportError> {
    let mut faults = Faults::default();
    if !is_id(name) {
        faults.record("--name", "", "the name of the cluster is empty or too long", "Give 1 to 256 characters");
    }
    let documents = (yaml::parse(device_types, &mut faults), yaml::parse(devices, &mut faults));
    let (Some(types_document), Some(document)) = &documents else { return Err(faults.into_error()) };
    let types = DeviceType::read_all(&Cursor::new(device_types.name, types_document), &mut faults);
    let mut nodes = Vec::new();
    let mut sources = Vec::new();
    for (type_name, hosts) in Cursor::new(devices.name, document).members(&mut faults) {
        match types.iter().find(|known| known.name == type_name) {
            Some(known) => read_hosts(known, &hosts, (&mut nodes, &mut sources), &mut faults),
            None => {
                let names = types.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
                let detail = format!("{} has no type {type_name:?}", device_types.name);
                hosts.fault(&mut faults, detail, format!("Add the type there, or name one of: {names}"));
            }
        }
    }
    if nodes.is_empty() && faults.is_empty() {
        faults.record(devices.name, "", "there is no host", "List hosts under the name of their type");
    }
    check_names(&nodes, devices, &mut faults);
    faults.finish()?;
    // The ports bound the rates of all pairs. The mesh is as fast as the fastest of them.
    let fastest = nodes.iter().filter_map(|node| node.port_bps).fold(f64::MIN_POSITIVE, f64::max);
    let note = "the fastest port; the ports of both ends bound it";
    sources.push(Source::new("network/bandwidth_bps", Origin::Derived).of(name).because(note));
    let none = "0: PipeEdge knows no latency";
    sources.push(Source::new("network/latency_s", Origin::Default).of(name).because(none));
    let network = json!({ "kind": "full_mesh", "bandwidth_bps": fastest, "latency_s": 0.0 });
    let description = description(&sources);
    let document = Cluster { name: name.to_owned(), description, nodes, links: Vec::new(), network: Some(network) };
    let report = Report { sources, cost_model: Some(super::cost_model()), ..Report::default() };
    Ok(Imported { document: document.into_value(), report })
}

fn read_hosts(
    known: &DeviceType<'_>,
    hosts: &Cursor<'_>,
    (nodes, sources): (&mut Vec<Node>, &mut Vec<Source>),
    faults: &mut Faults,
) {
    let (memory, port) = (known.memory_bytes(faults), known.port_bps(faults));
    if !is_id(known.name) {
        known.cursor.fault(faults, "the name of the type is empty or too long", "Give 1 to 256 characters");
    }
    let ids: Vec<&str> = hosts.items(faults).iter().filter_map(|host| host.id(faults)).collect();
    let (Some((memory_bytes, memory_place)), Some((port_bps, port_place))) = (memory, port) else { return };
    let file = known.cursor.file;
    let stated = |figure: &str, place: &str| Source::new(figure, Origin::Stated).by(TOOL, file).at(place);
    let reserved_bytes = KEPT_BACK_BYTES.min(memory_bytes);
    let kept_back =
        Source::new("reserved_bytes", Origin::Derived).because("PipeEdge wants strictly less than the memory");
    let own = [
        stated("memory_bytes", &memory_place),
        stated("port_bps", &port_place),
        Source::new("device_class", Origin::Stated).by(TOOL, hosts.file).at(&hosts.pointer),
        kept_back,
    ];
    for id in &ids {
        let labels =
            own.iter().map(|source| (format!("source.{}", source.figure), crate::cursor::shortened(&source.line())));
        nodes.push(Node {
            id: (*id).to_owned(),
            memory_bytes,
            reserved_bytes,
            device_class: Some(known.name.to_owned()),
            labels: labels.collect(),
            port_bps: Some(port_bps),
            ..Node::default()
        });
    }
    sources.extend(own.into_iter().map(|source| source.of_all(ids.iter().map(|id| (*id).to_owned()))));
}

fn check_names(nodes: &[Node], devices: &InputFile<'_>, faults: &mut Faults) {
    let mut seen = std::collections::BTreeSet::new();
    for node in nodes.iter().filter(|node| !seen.insert(node.id.as_str())) {
        let detail = format!("the host {:?} is listed twice", node.id);
        faults.record(devices.name, "", detail, "List each host once, under one type");
    }
}
