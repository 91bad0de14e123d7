//! `/v1/placements`: what jobs ended with.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::Api;
use super::caller::MayRead;
use super::json;
use super::paging::{self, PageParameters};
use super::problem::Problem;
use super::query::Parameters;
use super::responses::{BadParameter, Internal, NotFound, Refused, Unavailable};
use super::shelf::Shelved;
use crate::domain::id::{Id, IdKind};
use crate::domain::placement::{PlacementDocument, Status};
use crate::domain::unit::MAX_SAFE_INTEGER;
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

/// A page of placements, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacementPage {
    /// The placements.
    pub items: Vec<Placement>,
    /// Give it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
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

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_placements)).routes(routes!(get_placement))
}

/// List placements
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
        labels: query.labels("label"),
        latest: query.flag("latest"),
    };
    let page = paging::page(&mut query, IdKind::Placement);
    query.finish()?;
    let listed = api.store.placements(&caller.tenant, filter, page).await?;
    let items = listed.items.iter().map(body).collect::<Result<Vec<String>, Problem>>()?;
    let cursor = listed.next.as_ref().map(|key| BTreeMap::from([("next_cursor", paging::cursor(key))]));
    let items = format!("[{}]", items.join(","));
    Ok(json::text(StatusCode::OK, json::with_member(&cursor.unwrap_or_default(), "items", &items)?))
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
    let Shelved { etag, body, .. } = match api.shelf.get(&caller.tenant, &id) {
        Some(shelved) => shelved,
        None => {
            let placement = api.store.placement(&caller.tenant, &id).await?;
            api.shelf.put(&caller.tenant, &id, body(&placement)?)
        }
    };
    if etag.is_known(&headers) {
        return Ok(etag.not_modified());
    }
    Ok(etag.on(json::text(StatusCode::OK, body)))
}

fn body(placement: &store::Placement) -> Result<String, Problem> {
    let store::Placement { id, job_id, model_id, cluster_id, cluster_revision, labels, created_at, .. } = placement;
    let (cluster_revision, created_at) = (*cluster_revision, *created_at);
    let head = Head { id, job_id, model_id, cluster_id, cluster_revision, labels, created_at };
    json::with_member(&head, "placement", &placement.document)
}

pub(super) fn placement_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Placement, text).ok_or_else(|| Problem::not_found("placement", text))
}
