//! `/v1/placements`: what jobs ended with.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::placement::{PlacementDocument, Status, Termination};
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::{MayAdminister, MayRead};
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::placement_cache::CachedPlacement;
use crate::http::problem::Problem;
use crate::http::problem::responses::{BadParameter, Conflict, Internal, NotFound, Refused, Stale, Unavailable};
use crate::http::request::paging::{self, PageParameters};
use crate::http::request::query::Parameters;
use crate::store::{self, PlacementFilter};

/// A stored placement. The answer is written around the stored document; this is its shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct Placement {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// The job that made it; the job's record may be deleted.
    #[schema(value_type = String)]
    pub job_id: Id,
    /// The model that it places.
    #[schema(value_type = String)]
    pub model_id: Id,
    /// The cluster that it uses.
    #[schema(value_type = String)]
    pub cluster_id: Id,
    /// The revision of the cluster.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// The job's labels.
    pub labels: BTreeMap<String, String>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The placement, or the proof that there is none.
    pub placement: PlacementDocument,
}

/// A stored placement without its stages.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacementSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// The job that made it; the job's record may be deleted.
    #[schema(value_type = String)]
    pub job_id: Id,
    /// The model that it places.
    #[schema(value_type = String)]
    pub model_id: Id,
    /// The cluster that it uses.
    #[schema(value_type = String)]
    pub cluster_id: Id,
    /// The revision of the cluster.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// The job's labels.
    pub labels: BTreeMap<String, String>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What is proven.
    pub status: Status,
    /// Why the search ended.
    pub termination: Termination,
    /// The algorithm that was asked for.
    pub algorithm: Algorithm,
    /// The slowest stage or hop, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// Passes a second, 1 / `period_s`; absent where the period is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub throughput_per_s: Option<f64>,
    /// Inferences a second: the model's `batch_size` / `period_s`; absent where the period is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inferences_per_s: Option<f64>,
    /// What one input takes through the empty pipeline, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub latency_s: Option<f64>,
    /// The proven lower bound of an objective that is a time, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lower_bound_s: Option<f64>,
    /// The proven lower bound of the objective `min_nodes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lower_bound_nodes: Option<u64>,
    /// (objective − bound) / objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gap: Option<f64>,
    /// How many stages there are; 0 without a placement.
    pub stages: u64,
    /// The node of each stage, in order.
    pub node_ids: Vec<String>,
}

impl From<store::PlacementSummary> for PlacementSummary {
    fn from(summary: store::PlacementSummary) -> Self {
        let store::PlacementSummary { id, job_id, model_id, cluster_id, cluster_revision, labels, .. } = summary;
        let figures = summary.figures;
        Self {
            id,
            job_id,
            model_id,
            cluster_id,
            cluster_revision,
            labels,
            created_at: summary.created_at,
            status: figures.status,
            termination: figures.termination,
            algorithm: figures.algorithm,
            period_s: figures.period_s,
            throughput_per_s: figures.throughput_per_s,
            inferences_per_s: figures.inferences_per_s,
            latency_s: figures.latency_s,
            lower_bound_s: figures.lower_bound_s,
            lower_bound_nodes: figures.lower_bound_nodes,
            gap: figures.gap,
            stages: figures.stages,
            node_ids: figures.node_ids,
        }
    }
}

/// A page of placements, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacementPage {
    /// The placements, without their stages.
    pub items: Vec<PlacementSummary>,
    /// Give it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Ids of what stands in this part of the list and is damaged in the database; reading one says what is wrong. Absent
    /// where all of it can be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub unreadable: Vec<String>,
}

/// Which placements are wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlacementParameters {
    /// Of this model.
    #[param(nullable = false)]
    pub model_id: Option<String>,
    /// On this cluster.
    #[param(nullable = false)]
    pub cluster_id: Option<String>,
    /// Computed from this revision of the cluster.
    #[param(nullable = false, minimum = 1)]
    pub cluster_revision: Option<u64>,
    /// Of this job.
    #[param(nullable = false)]
    pub job_id: Option<String>,
    /// Of this status; given often, of one of them.
    #[param(nullable = false)]
    pub status: Option<Vec<Status>>,
    /// With a stage on this node.
    #[param(nullable = false, min_length = 1, max_length = 256)]
    pub node_id: Option<String>,
    /// With this label, as `name=value`; given often, with all of them.
    #[param(nullable = false)]
    pub label: Option<Vec<String>>,
    /// Only the newest for each pair of model and cluster, among those that match everything else.
    #[param(nullable = false, default = false)]
    pub latest: Option<bool>,
}

/// A placement without its document.
#[derive(Serialize)]
struct Head<'p> {
    id: &'p Id,
    job_id: &'p Id,
    model_id: &'p Id,
    cluster_id: &'p Id,
    cluster_revision: u64,
    labels: &'p BTreeMap<String, String>,
    created_at: Timestamp,
}

const STATUSES: [(&str, Status); 4] = [
    ("optimal", Status::Optimal),
    ("feasible", Status::Feasible),
    ("infeasible", Status::Infeasible),
    ("unknown", Status::Unknown),
];

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_placements)).routes(routes!(get_placement, delete_placement))
}

/// List placements
///
/// Their figures and nodes; `GET /v1/placements/{id}` has the stages.
#[utoipa::path(
    get, path = "/v1/placements", tag = "placements", security(("key" = ["read"])), params(PlacementParameters, PageParameters),
    responses(
        (status = 200, description = "A page of placements, newest first.", body = PlacementPage),
        BadParameter, Refused, Internal, Unavailable,
    )
)]
async fn list_placements(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let filter = PlacementFilter {
        model_id: query.id("model_id", IdKind::Model),
        cluster_id: query.id("cluster_id", IdKind::Cluster),
        cluster_revision: query.integer("cluster_revision", 1, MAX_SAFE_INTEGER),
        job_id: query.id("job_id", IdKind::Job),
        statuses: query.choices("status", &STATUSES),
        node_id: query.chosen_id("node_id"),
        labels: query.labels("label"),
        latest: query.flag("latest"),
    };
    let page = paging::page(&mut query, IdKind::Placement);
    query.finish()?;
    let listed = api.store.placements(&caller.tenant, filter, page).await?;
    let next_cursor = listed.next.as_ref().map(paging::cursor);
    let items = listed.items.into_iter().map(PlacementSummary::from).collect();
    Ok(json::value(StatusCode::OK, &PlacementPage { items, next_cursor, unreadable: listed.unreadable }))
}

/// Read a placement
#[utoipa::path(
    get, path = "/v1/placements/{id}", tag = "placements", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The placement."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag that is known already."),
    ),
    responses(
        (status = 200, description = "The placement.", body = Placement, headers(("ETag" = String))),
        (status = 304, description = "It is as the caller knows it."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_placement(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: Parameters,
) -> Result<Response, Problem> {
    query.finish()?;
    let id = placement_id(&id)?;
    // Read before the placement: a deletion that comes between empties the cache once more than needed, never less.
    let deletions = api.store.placement_deletions();
    let CachedPlacement { etag, body, .. } = match api.cache.get(&caller.tenant, &id, deletions) {
        Some(cached) => cached,
        None => {
            let placement = api.store.placement(&caller.tenant, &id).await?;
            api.cache.put(&caller.tenant, &id, body(&placement)?, deletions)
        }
    };
    if etag.is_known(&headers) {
        return Ok(etag.not_modified());
    }
    Ok(etag.on(json::text(StatusCode::OK, body)))
}

/// Delete a placement
///
/// The record of its job stays and goes on naming it. A placement that a job which has not ended names as its base or as
/// an occupant stays: 409.
#[utoipa::path(
    delete, path = "/v1/placements/{id}", tag = "placements", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The placement."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the placement: where it has another, nothing is deleted."),
    ),
    responses(
        (status = 204, description = "Deleted."),
        BadParameter, NotFound, Conflict, Stale, Refused, Internal, Unavailable,
    )
)]
async fn delete_placement(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: Parameters,
) -> Result<Response, Problem> {
    query.finish()?;
    let id = placement_id(&id)?;
    // It never changes: whoever knows its tag knows what is deleted.
    if headers.contains_key(IF_MATCH) {
        api.store.placement(&caller.tenant, &id).await?;
        ETag::new(&id).may_match(&headers)?;
    }
    api.store.delete_placement(&caller.tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn body(placement: &store::Placement) -> Result<String, Problem> {
    let store::PlacementSummary { id, job_id, model_id, cluster_id, cluster_revision, labels, created_at, .. } =
        &placement.summary;
    let (cluster_revision, created_at) = (*cluster_revision, *created_at);
    let head = Head { id, job_id, model_id, cluster_id, cluster_revision, labels, created_at };
    json::with_member(&head, "placement", &placement.document)
}

pub(crate) fn placement_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Placement, text).ok_or_else(|| Problem::not_found("placement", text))
}
