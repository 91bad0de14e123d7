//! `/v1/clusters/{id}/nodes/{node}`: changes of a node, in a new revision of its cluster.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cutpoint_planner::domain::cluster::{ClusterInventory, Position};
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::network::Duplex;
use cutpoint_planner::domain::read::Reader;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::gate::caller::MayPlan;
use crate::http::headers::etag::ETag;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, Internal, Invalid, NotFound, Refused, Slow, Stale, StorageFull, TooLarge, Unavailable, VersionMissing,
    WrongMedia,
};
use crate::http::request::body::{Document, document};
use crate::http::routes::clusters::{cluster_id, summary};
use crate::store::{ClusterDocument, ClusterSummary};

document! {
    /// Changes of a node. A given field replaces the node's whole field; others stay. To remove a field, replace the
    /// inventory.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct NodePatch {
        /// Memory of the device, bytes.
        #[schema(nullable = false, maximum = 9007199254740991_i64)]
        pub memory_bytes: Option<u64>,
        /// Memory that is reserved for the operating system and other programs, bytes.
        #[schema(nullable = false, maximum = 9007199254740991_i64)]
        pub reserved_bytes: Option<u64>,
        /// Operations per second.
        #[schema(nullable = false, exclusive_minimum = 0)]
        pub flops_per_s: Option<f64>,
        /// The device class under which profiles give measured times.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub device_class: Option<String>,
        /// Labels for selectors.
        #[schema(nullable = false)]
        pub labels: Option<BTreeMap<String, String>>,
        /// Whether the node can host stages now.
        #[schema(nullable = false)]
        pub schedulable: Option<bool>,
        /// The position, for radio networks.
        #[schema(nullable = false)]
        pub position_m: Option<Position>,
        /// Bits per second that its network port sends, and as many that it receives.
        #[schema(nullable = false, exclusive_minimum = 0)]
        pub port_bps: Option<f64>,
        /// Whether the port sends and receives at once.
        #[schema(nullable = false)]
        pub port_duplex: Option<Duplex>,
    }
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(patch_node))
}

/// Change one node of a cluster
///
/// This creates a new revision. `If-Match` names the ETag of the revision that it changes.
#[utoipa::path(
    patch, path = "/v1/clusters/{id}/nodes/{node}", tag = "clusters", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The cluster."),
        ("node" = String, Path, description = "The node's id within the cluster."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the revision to change. It must be given."),
    ),
    request_body = NodePatch,
    responses(
        (status = 200, description = "The new revision.", body = ClusterSummary, headers(("ETag" = String))),
        BadBody, Slow, NotFound, Stale, TooLarge, WrongMedia, Invalid, VersionMissing, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn patch_node(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path((id, node)): Path<(String, String)>,
    headers: HeaderMap,
    document: Document,
) -> Result<Response, Problem> {
    let (present, inventory) = api.store.cluster_document(&caller.tenant, &cluster_id(&id)?, None).await?;
    ETag::new(present.revision).must_match(&headers)?;
    let bytes = inventory.len() + document.bytes;
    let patched = compute(bytes, move || patched(&inventory, &node, &document.value)).await?;
    let revised = api.store.replace_cluster(&caller.tenant, &present.id, present.revision, patched).await?;
    Ok(summary(StatusCode::OK, revised))
}

fn patched(inventory: &str, node: &str, patch: &Value) -> Result<ClusterDocument, Problem> {
    let mut reader = Reader::new();
    let changes = reader.object(patch, NodePatch::FIELDS).cloned();
    let mut faults = reader.finish(Some(())).err().unwrap_or_default();
    let Some(changes) = changes else { return Err(Problem::invalid_request(faults)) };
    let stored = |faults| Problem::internal(format!("a stored cluster has faults: {faults:?}"));
    let mut cluster = Reader::parse(inventory.as_bytes()).map_err(stored)?;
    let (index, members) = find_node(&mut cluster, node).ok_or_else(|| Problem::not_found("node", node))?;
    members.extend(changes.into_iter().filter(|(name, _)| NodePatch::FIELDS.contains(&name.as_str())));
    match ClusterInventory::from_json(&cluster) {
        Ok(inventory) if faults.is_empty() => Ok(ClusterDocument::new(&inventory)),
        judged => {
            faults.extend(of_patch(judged.err().unwrap_or_default(), index));
            Err(Problem::invalid_request(faults))
        }
    }
}

fn find_node<'c>(cluster: &'c mut Value, id: &str) -> Option<(usize, &'c mut Map<String, Value>)> {
    let nodes = cluster.get_mut("nodes")?.as_array_mut()?;
    let (index, node) = nodes.iter_mut().enumerate().find(|(_, node)| node["id"] == id)?;
    Some((index, node.as_object_mut()?))
}

/// Returns the faults of the patched inventory, with pointers into the patch. A conflict with another node, such as an
/// equal position, has the root as its pointer and names the other node in its detail.
fn of_patch(faults: Vec<Fault>, index: usize) -> impl Iterator<Item = Fault> {
    let prefix = format!("/nodes/{index}/");
    faults.into_iter().map(move |fault| match fault.pointer.strip_prefix(&prefix) {
        Some(rest) => Fault { pointer: format!("/{rest}"), ..fault },
        None => Fault { detail: format!("{}: {}", fault.pointer, fault.detail), pointer: String::new(), ..fault },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::ProblemType;
    use cutpoint_planner::domain::cluster::Node;
    use serde_json::json;

    const CLUSTER: &str = r#"{"name":"lab","nodes":[{"id":"a","memory_bytes":10,"position_m":{"x":1,"y":1}},
        {"id":"b","memory_bytes":10,"position_m":{"x":2,"y":2}}],
        "network":{"kind":"radio","bandwidth_hz":1e6,"snr_at_1m":283230}}"#;

    fn pointers(node: &str, patch: &Value) -> Vec<String> {
        let problem = patched(CLUSTER, node, patch).unwrap_err();
        problem.errors.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn fields_are_those_of_a_node_without_its_id() {
        let of_a_node: Vec<&str> = Node::FIELDS.into_iter().filter(|field| *field != "id").collect();
        assert_eq!(NodePatch::FIELDS, of_a_node);
    }

    #[test]
    fn faults_point_into_the_patch() {
        assert_eq!(pointers("b", &json!({"id": "c"})), ["/id"]);
        assert_eq!(pointers("b", &json!({"memory_bytes": -1, "schedulable": 0})), ["/memory_bytes", "/schedulable"]);
        let all = json!({"memory_bytes": -1, "flops_per_s": 0, "colour": "blue"});
        assert_eq!(pointers("b", &all), ["/colour", "/memory_bytes", "/flops_per_s"]);
        assert_eq!(pointers("b", &json!({"labels": null})), ["/labels"]);
        assert_eq!(pointers("b", &json!([])), [""]);
        assert_eq!(pointers("b", &json!({"position_m": {"x": 1, "y": 1}})), ["/position_m"]);
        assert_eq!(pointers("a", &json!({"position_m": {"x": 2, "y": 2}})), [""]);
    }

    #[test]
    fn an_unknown_node_is_not_found() {
        let problem = patched(CLUSTER, "c", &json!({})).unwrap_err();
        assert_eq!(problem.problem_type, ProblemType::NotFound);
    }
}
