//! `/v1/placements`: the results of jobs, and placements made by hand.

use axum::extract::{Path, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use utoipa::IntoParams;
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
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::routes::placements_by_hand::{__path_create_placement, create_placement};
use crate::http::shapes::joined::Placement;
use crate::http::shapes::page::PlacementPage;
use crate::store::PlacementFilter;

/// A filter of placements.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlacementParameters {
    /// Placements of this model.
    #[param(nullable = false)]
    pub model_id: Option<String>,
    /// Placements on this cluster.
    #[param(nullable = false)]
    pub cluster_id: Option<String>,
    /// Placements computed from this revision of the cluster.
    #[param(nullable = false, minimum = 1)]
    pub cluster_revision: Option<u64>,
    /// The placement of this job.
    #[param(nullable = false)]
    pub job_id: Option<String>,
    /// Placements with this status. Repeatable: with one of them.
    #[param(nullable = false)]
    pub status: Option<Vec<Status>>,
    /// Placements with a stage on this node.
    #[param(nullable = false, min_length = 1, max_length = 256)]
    pub node_id: Option<String>,
    /// Placements with this label, as `name=value`. Repeatable: with all of them.
    #[param(nullable = false)]
    pub label: Option<Vec<String>>,
    /// Only the newest placement for each pair of model and cluster, among those that match the other parameters.
    #[param(nullable = false, default = false)]
    pub latest: Option<bool>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_placements, create_placement))
        .routes(routes!(get_placement, delete_placement))
}

/// List placements
///
/// Returns their figures and nodes. `GET /v1/placements/{id}` returns the stages.
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
        statuses: query.choices("status"),
        node_id: query.chosen_id("node_id"),
        labels: query.labels("label"),
        latest: query.flag("latest"),
    };
    let page = paging::page(&mut query, IdKind::Placement);
    query.finish()?;
    let listed = api.store.placements(&caller.tenant, filter, page).await?;
    Ok(json::value(StatusCode::OK, &PlacementPage::from(listed)))
}

/// Read a placement
#[utoipa::path(
    get, path = "/v1/placements/{id}", tag = "placements", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The placement."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
    ),
    responses(
        (status = 200, description = "The placement.", body = Placement, headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_placement(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let id = placement_id(&id)?;
    // The count is read before the placement, so that a deletion in between makes the entry stale.
    let deletions = api.store.placement_deletions();
    let CachedPlacement { etag, body, .. } = match api.cache.get(&caller.tenant, &id, deletions) {
        Some(cached) => cached,
        None => {
            let placement = api.store.placement(&caller.tenant, &id).await?;
            let body = json::with_member(&placement.summary, "placement", &placement.document)?;
            api.cache.put(&caller.tenant, &id, body, deletions)
        }
    };
    if etag.is_known(&headers) {
        return Ok(etag.not_modified());
    }
    Ok(etag.on(json::text(StatusCode::OK, body)))
}

/// Delete a placement
///
/// The record of its job stays and still names it. A placement that is the base or an occupant of a job that has not
/// ended is not deleted: 409.
#[utoipa::path(
    delete, path = "/v1/placements/{id}", tag = "placements", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The placement."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the placement. If it has another, nothing is deleted."),
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
    _: NoParameters,
) -> Result<Response, Problem> {
    let id = placement_id(&id)?;
    // A placement is immutable, so its tag depends only on its id.
    if headers.contains_key(IF_MATCH) {
        api.store.placement(&caller.tenant, &id).await?;
        ETag::new(&id).may_match(&headers)?;
    }
    api.store.delete_placement(&caller.tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) fn placement_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Placement, text).ok_or_else(|| Problem::not_found("placement", text))
}
