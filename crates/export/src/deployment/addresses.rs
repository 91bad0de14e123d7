//! Where the processes listen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::seats::{Role, Seat};
use crate::endpoint::Endpoint;
use crate::error::ExportError;
use crate::options::Options;
use crate::placement::node_of;
use crate::stages::StagesFile;

/// Where each process listens, by its place among the seats, and where each pipeline's outputs go.
pub(super) struct Addresses {
    pub(super) listen: Vec<Option<Endpoint>>,
    pub(super) health_ports: Vec<u16>,
    pub(super) sinks: Vec<Endpoint>,
}

impl Addresses {
    /// Each process has a service, whose name is the host, and all have the same ports.
    pub(super) fn of_services(name: &str, seats: &[Seat<'_>], options: &Options) -> Result<Self, ExportError> {
        if options.port == options.health_port {
            return Err(ExportError::SameAddress(format!("port {}", options.port)));
        }
        let service = |seat: &Seat<'_>| Endpoint::new(&format!("{name}-{}", seat.name), options.port).ok();
        let listen: Vec<_> =
            seats.iter().map(|seat| if seat.role == Role::Feed { None } else { service(seat) }).collect();
        let sinks = sinks(seats, &listen, None, options)?;
        Ok(Self { listen, health_ports: vec![options.health_port; seats.len()], sinks })
    }

    /// The processes share the addresses of their nodes. Those that share a node have ports one after the other.
    pub(super) fn of_nodes(
        seats: &[Seat<'_>],
        stages: Option<&StagesFile>,
        cluster: Option<&Value>,
        options: &Options,
    ) -> Result<Self, ExportError> {
        let mut missing = BTreeSet::new();
        let mut listen = Vec::new();
        for seat in seats {
            if seat.role == Role::Feed {
                listen.push(None);
                continue;
            }
            let found = on_node(seat, stages, cluster, options)?;
            if found.is_none() {
                missing.insert(seat.node_id.to_owned());
            }
            listen.push(found);
        }
        if !missing.is_empty() {
            return Err(ExportError::NoAddress(missing.into_iter().collect()));
        }
        let health_ports = health_ports(&listen, options)?;
        check_unique(&listen, &health_ports)?;
        let sinks = sinks(seats, &listen, stages, options)?;
        Ok(Self { listen, health_ports, sinks })
    }
}

/// Returns where a process listens: by the address that was given for its node, by the cut, or by the cluster.
fn on_node(
    seat: &Seat<'_>,
    stages: Option<&StagesFile>,
    cluster: Option<&Value>,
    options: &Options,
) -> Result<Option<Endpoint>, ExportError> {
    let further = |first: &Endpoint| first.further(seat.nth).ok_or(ExportError::Ports(first.port()));
    if let Some(given) = options.addresses.get(seat.node_id) {
        return further(given).map(Some);
    }
    let entry = stages.and_then(|stages| stages.entry(seat.pipeline, seat.stage));
    let planned = match seat.role {
        Role::Stage => entry.and_then(|entry| entry.planned_listen()),
        _ => entry.and_then(|entry| entry.planned_send_to()),
    };
    if planned.is_some() {
        return Ok(planned);
    }
    let known = cluster.and_then(|cluster| address_in(cluster, seat.node_id));
    let first = known.and_then(|host| Endpoint::new(&host, options.port).ok());
    first.as_ref().map(further).transpose()
}

/// Returns the first IP address of a node. Inventories list MAC addresses too.
fn address_in(cluster: &Value, node_id: &str) -> Option<String> {
    let addresses = node_of(cluster, node_id)?.get("addresses")?.as_array()?;
    let is_ip = |text: &&str| text.parse::<IpAddr>().is_ok();
    addresses.iter().filter_map(Value::as_str).find(is_ip).map(str::to_owned)
}

/// Returns ports for probes, one after the other on each host. Nodes may share one, to try a pipeline on a single machine.
fn health_ports(listen: &[Option<Endpoint>], options: &Options) -> Result<Vec<u16>, ExportError> {
    let mut next: BTreeMap<&str, u16> = BTreeMap::new();
    let mut ports = Vec::new();
    for endpoint in listen {
        let Some(endpoint) = endpoint else {
            ports.push(options.health_port);
            continue;
        };
        let port = next.entry(endpoint.host()).or_insert(options.health_port);
        ports.push(*port);
        *port = port.checked_add(1).ok_or(ExportError::Ports(options.health_port))?;
    }
    Ok(ports)
}

fn check_unique(listen: &[Option<Endpoint>], health_ports: &[u16]) -> Result<(), ExportError> {
    let mut taken = BTreeSet::new();
    for (listen, &health_port) in listen.iter().zip(health_ports) {
        let Some(listen) = listen else { continue };
        for endpoint in [listen.clone(), listen.at(health_port)] {
            if let Some(twice) = Some(endpoint.to_string()).filter(|text| !taken.insert(text.clone())) {
                return Err(ExportError::SameAddress(twice));
            }
        }
    }
    Ok(())
}

/// Returns where the outputs of each pipeline go.
fn sinks(
    seats: &[Seat<'_>],
    listen: &[Option<Endpoint>],
    stages: Option<&StagesFile>,
    options: &Options,
) -> Result<Vec<Endpoint>, ExportError> {
    let mut found: BTreeMap<usize, Option<Endpoint>> = BTreeMap::new();
    for (seat, listen) in seats.iter().zip(listen) {
        match seat.role {
            Role::Sink => drop(found.insert(seat.pipeline, listen.clone())),
            Role::Stage => {
                let entry = stages.and_then(|stages| stages.entry(seat.pipeline, seat.stage));
                let planned = entry.and_then(|entry| entry.planned_send_to());
                // Each pipeline has a sink of its own, at ports one after the other.
                let given = options.sink.as_ref();
                let given = given.map(|first| {
                    let further = u16::try_from(seat.pipeline).ok().and_then(|p| first.further(p));
                    further.ok_or(ExportError::Ports(first.port()))
                });
                found.insert(seat.pipeline, given.transpose()?.or(planned));
            }
            Role::Feed => {}
        }
    }
    let sinks = found.into_iter().map(|(pipeline, sink)| sink.ok_or(pipeline));
    sinks
        .collect::<Result<_, _>>()
        .map_err(|pipeline| ExportError::NoAddress(vec![format!("the sink of pipeline {pipeline}")]))
}
