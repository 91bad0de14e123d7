//! Joins originator tables of batman-adv to the nodes.

use std::collections::BTreeSet;

use super::OriginatorTable;
use super::address::Address;
use super::batman::{self, Table};
use super::links::Links;
use super::nodes::Nodes;
use crate::fault::Faults;
use crate::report::Warning;

/// Adds the routes of all tables.
pub(super) fn read(
    tables: &[OriginatorTable<'_>],
    nodes: &mut Nodes,
    links: &mut Links,
    warnings: &mut Vec<Warning>,
    faults: &mut Faults,
) {
    for given in tables {
        let Some(table) = batman::read(&given.file, warnings, faults) else { continue };
        let Some(owner) = owner(given, &table, nodes, warnings, faults) else { continue };
        for route in &table.routes {
            let Some(to) = nodes.by_address(route.to) else {
                links.strangers.entry(route.to.to_string()).or_insert_with(|| table.file.clone());
                continue;
            };
            if route.is_wireless {
                nodes.set_wireless(owner);
                nodes.set_wireless(to);
            }
            if owner != to {
                links.routed((owner, to), route.bits_per_second, &table.file, note(route.via, route.to, nodes));
            }
        }
    }
}

fn note(via: Address, to: Address, nodes: &Nodes) -> String {
    if via == to {
        return "throughput of a neighbour, by the metric of B.A.T.M.A.N. V".to_owned();
    }
    let via = nodes.by_address(via).map_or_else(|| via.to_string(), |node| nodes.id(node).to_owned());
    format!("throughput of the route over {via}, by the metric of B.A.T.M.A.N. V")
}

/// Returns the node whose table it is: the given one, else the only node that the table does not
/// name.
fn owner(
    given: &OriginatorTable<'_>,
    table: &Table,
    nodes: &Nodes,
    warnings: &mut Vec<Warning>,
    faults: &mut Faults,
) -> Option<usize> {
    let file = given.file.name;
    if let Some(id) = given.node_id {
        let node = nodes.by_id(id);
        if node.is_none() {
            faults.record(
                file,
                "",
                format!("no list names the node {id:?}"),
                "Name a node of a list: --batman NODE=FILE",
            );
        }
        return node;
    }
    let named: BTreeSet<usize> = table.routes.iter().filter_map(|route| nodes.by_address(route.to)).collect();
    let mut others = (0..nodes.len()).filter(|node| !named.contains(node));
    let (Some(owner), None) = (others.next(), others.next()) else {
        let detail =
            format!("{} of {} nodes are named, so it is not clear whose table it is", named.len(), nodes.len());
        let action = "Say whose table it is: --batman NODE=FILE; and give each node's MAC address: --address NODE=MAC";
        faults.record(file, "", detail, action);
        return None;
    };
    let detail = format!("{file} is taken for the table of {:?}, the only node that it does not name", nodes.id(owner));
    let warning = Warning::new("table_owner_guessed", detail, "Say whose table it is: --batman NODE=FILE");
    warnings.push(warning.about([nodes.id(owner).to_owned()]));
    Some(owner)
}
