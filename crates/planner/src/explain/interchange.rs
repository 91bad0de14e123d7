//! Kinds of node, and nodes that can be swapped without changing the request.

use crate::domain::cluster::Node;
use crate::domain::network::Network;
use crate::domain::request::PlanRequest;

/// Returns `true` if two nodes differ only in their ids and positions.
pub(super) fn of_one_kind(a: &Node, b: &Node) -> bool {
    let kind = |node: &Node| Node { id: String::new(), position_m: None, ..node.clone() };
    kind(a) == kind(b)
}

/// Returns `true` if swapping two nodes leaves the request unchanged.
pub(super) fn interchangeable(request: &PlanRequest, a: &Node, b: &Node) -> bool {
    let alike_in_network = matches!(request.cluster.network, None | Some(Network::FullMesh(_)));
    alike_in_network && of_one_kind(a, b) && [a, b].iter().all(|node| !is_named(request, &node.id))
}

/// Returns `true` if a link, a constraint, the base or an occupant names a node.
fn is_named(request: &PlanRequest, id: &str) -> bool {
    let (constraints, options) = (&request.options.constraints, &request.options);
    let ends = [&constraints.source_node, &constraints.sink_node];
    let occupies = |occupant: &crate::domain::occupant::Occupant| {
        occupant.nodes.iter().any(|node| node.node_id == id)
            || occupant.hops.iter().any(|hop| hop.from_node_id == id || hop.to_node_id == id)
    };
    request.cluster.links.iter().any(|link| link.from == id || link.to == id)
        || ends.iter().any(|end| end.as_deref() == Some(id))
        || constraints.exclude_nodes.iter().any(|excluded| excluded == id)
        || constraints.pins.iter().any(|pin| pin.node_id.as_deref() == Some(id))
        || options.base.as_ref().is_some_and(|base| base.stages().any(|(stage, _)| stage.node_id == id))
        || options.occupants.iter().any(occupies)
}
