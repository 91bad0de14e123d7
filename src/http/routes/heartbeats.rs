//! `/v1/clusters/{id}/heartbeats`: when nodes were last seen. A heartbeat is no revision.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::read::Reader;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::{Api, Limits};
use crate::http::compute::compute;
use crate::http::gate::caller::{MayPlan, MayRead};
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, BadParameter, Internal, Invalid, NotFound, Refused, Slow, StorageFull, TooLarge, Unavailable, WrongMedia,
};
use crate::http::request::body::{Document, document};
use crate::http::request::limits::fits;
use crate::http::request::query::NoParameters;
use crate::http::request::stored::read_stored;
use crate::http::routes::clusters::cluster_id;
use crate::store::Heartbeat;

document! {
    /// Nodes that were seen now.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct HeartbeatRequest {
        /// The nodes.
        pub node_ids: Vec<String>,
    }
}

/// When the nodes of a cluster were last seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heartbeats {
    /// Those nodes of the cluster that were ever seen, in the order of their ids.
    pub nodes: Vec<Heartbeat>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(record_heartbeats, list_heartbeats))
}

/// Say that nodes were seen
///
/// This makes no revision of the cluster.
#[utoipa::path(
    post, path = "/v1/clusters/{id}/heartbeats", tag = "clusters", security(("key" = ["plan"])),
    params(("id" = String, Path, description = "The cluster.")),
    request_body = HeartbeatRequest,
    responses(
        (status = 200, description = "When each node was last seen.", body = Heartbeats),
        BadBody, Slow, NotFound, TooLarge, WrongMedia, Invalid, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn record_heartbeats(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    _: NoParameters,
    document: Document,
) -> Result<Response, Problem> {
    let id = cluster_id(&id)?;
    let (_, inventory) = api.store.cluster_document(&caller.tenant, &id, None).await?;
    let limits = api.limits;
    let node_ids = document.read(move |reader, value| read_heartbeats(reader, value, &limits)).await?;
    let node_ids = compute(inventory.len(), move || of_cluster(&inventory, node_ids)).await?;
    api.store.record_heartbeats(id.as_str(), node_ids).await?;
    heartbeats(&api, id.as_str()).await
}

/// List when nodes were last seen
#[utoipa::path(
    get, path = "/v1/clusters/{id}/heartbeats", tag = "clusters", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The cluster.")),
    responses(
        (status = 200, description = "When each node was last seen.", body = Heartbeats),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn list_heartbeats(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    _: NoParameters,
) -> Result<Response, Problem> {
    let id = cluster_id(&id)?;
    api.store.cluster(&caller.tenant, &id, None).await?;
    heartbeats(&api, id.as_str()).await
}

async fn heartbeats(api: &Api, id: &str) -> Result<Response, Problem> {
    Ok(json::value(StatusCode::OK, &Heartbeats { nodes: api.store.heartbeats(id).await? }))
}

fn read_heartbeats(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<Vec<String>> {
    let map = reader.object(value, HeartbeatRequest::FIELDS)?;
    if !fits(reader, map.get("node_ids"), "node_ids", limits.nodes) {
        return None;
    }
    let ids = reader.required(map, "node_ids", |reader, value| reader.items(value, Reader::id));
    ids?.into_iter().collect()
}

/// Returns the ids if the cluster has them all.
fn of_cluster(inventory: &str, node_ids: Vec<String>) -> Result<Vec<String>, Problem> {
    let inventory = read_stored(inventory, ClusterInventory::from_json)?;
    let unknown = node_ids.iter().enumerate().filter(|(_, id)| inventory.node_index(id).is_none());
    let faults: Vec<Fault> = unknown.map(|(index, id)| no_such_node(index, id)).collect();
    if faults.is_empty() { Ok(node_ids) } else { Err(Problem::invalid_request(faults)) }
}

fn no_such_node(index: usize, id: &str) -> Fault {
    let detail = format!("no node of the cluster has the id {id:?}");
    let action = "Name a node of this cluster";
    Fault::new(format!("/node_ids/{index}"), FaultCode::UnknownReference, detail, action)
}
