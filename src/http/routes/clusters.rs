//! `/v1/clusters`: inventories with revisions. A change names the revision that it changes.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::{MayAdminister, MayPlan, MayRead};
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, BadParameter, Conflict, Internal, Invalid, InvalidOrReused, NotFound, Refused, Slow, Stale, StorageFull,
    TooLarge, Unavailable, VersionMissing, WrongMedia,
};
use crate::http::request::body::Document;
use crate::http::request::paging::{self, NamedParameters, PageParameters};
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::shapes::joined::Cluster;
use crate::http::shapes::page::ClusterPage;
use crate::store::{ClusterDocument, ClusterSummary};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_cluster, list_clusters)).routes(routes!(
        get_cluster,
        replace_cluster,
        delete_cluster
    ))
}

/// Register a cluster inventory
///
/// Every registration creates a new cluster at revision 1.
#[utoipa::path(
    post, path = "/v1/clusters", tag = "clusters", security(("key" = ["plan"])),
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key gets the same answer.")),
    request_body = ClusterInventory,
    responses(
        (status = 201, description = "Registered.", body = ClusterSummary,
            headers(("Location" = String), ("ETag" = String))),
        BadBody, Slow, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn create_cluster(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    document: Document,
) -> Result<Response, Problem> {
    let idempotency = document.idempotency.clone();
    let limits = api.limits;
    let cluster =
        document.read(move |reader, value| limits.read_cluster(reader, value).as_ref().map(ClusterDocument::new));
    let registered = api.store.register_cluster(&caller.tenant, cluster.await?, idempotency).await?;
    let location = format!("/v1/clusters/{}", registered.row.id);
    Ok(([(header::LOCATION, location)], summary(StatusCode::CREATED, registered.row)).into_response())
}

/// List clusters
#[utoipa::path(
    get, path = "/v1/clusters", tag = "clusters", security(("key" = ["read"])), params(NamedParameters, PageParameters),
    responses(
        (status = 200, description = "A page of clusters, newest first.", body = ClusterPage),
        BadParameter, Refused, Internal, Unavailable,
    )
)]
async fn list_clusters(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let name = query.chosen_id("name");
    let page = paging::page(&mut query, IdKind::Cluster);
    query.finish()?;
    let listed = api.store.clusters_named(&caller.tenant, name.as_deref(), page).await?;
    Ok(json::value(StatusCode::OK, &ClusterPage::from(listed)))
}

/// Read a cluster
///
/// Returns the newest revision, or the requested one.
#[utoipa::path(
    get, path = "/v1/clusters/{id}", tag = "clusters", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The cluster."),
        ("revision" = Option<u64>, Query, nullable = false, description = "The revision; by default the newest.", minimum = 1),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
    ),
    responses(
        (status = 200, description = "The cluster with its inventory.", body = Cluster, headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_cluster(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let revision = query.integer("revision", 1, MAX_SAFE_INTEGER);
    query.finish()?;
    let (cluster, inventory) = api.store.cluster_document(&caller.tenant, &cluster_id(&id)?, revision).await?;
    let etag = ETag::new(cluster.revision);
    if etag.is_known(&headers) {
        return Ok(etag.not_modified());
    }
    let body = json::with_member(&cluster, "inventory", &inventory)?;
    Ok(etag.on(json::text(StatusCode::OK, body)))
}

/// Replace a cluster's inventory
///
/// This creates a new revision. `If-Match` names the ETag of the revision that it replaces.
#[utoipa::path(
    put, path = "/v1/clusters/{id}", tag = "clusters", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The cluster."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the revision to replace. It must be given."),
    ),
    request_body = ClusterInventory,
    responses(
        (status = 200, description = "The new revision.", body = ClusterSummary, headers(("ETag" = String))),
        BadBody, Slow, NotFound, Stale, TooLarge, WrongMedia, Invalid, VersionMissing, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn replace_cluster(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    headers: HeaderMap,
    document: Document,
) -> Result<Response, Problem> {
    let present = api.store.cluster(&caller.tenant, &cluster_id(&id)?, None).await?;
    ETag::new(present.revision).must_match(&headers)?;
    let limits = api.limits;
    let cluster =
        document.read(move |reader, value| limits.read_cluster(reader, value).as_ref().map(ClusterDocument::new));
    let revised = api.store.replace_cluster(&caller.tenant, &present.id, present.revision, cluster.await?).await?;
    Ok(summary(StatusCode::OK, revised))
}

/// Delete a cluster
///
/// Deletes all revisions. A cluster that a job or a placement refers to is not deleted: 409.
#[utoipa::path(
    delete, path = "/v1/clusters/{id}", tag = "clusters", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The cluster."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the newest revision. If it has another, nothing is deleted."),
    ),
    responses(
        (status = 204, description = "Deleted."),
        BadParameter, NotFound, Conflict, Stale, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn delete_cluster(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let present = api.store.cluster(&caller.tenant, &cluster_id(&id)?, None).await?;
    let expected = ETag::new(present.revision).may_match(&headers)?.then_some(present.revision);
    api.store.delete_cluster(&caller.tenant, &present.id, expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Returns an answer with a revision's summary and tag.
pub(crate) fn summary(status: StatusCode, cluster: ClusterSummary) -> Response {
    ETag::new(cluster.revision).on(json::value(status, &cluster))
}

/// Parses the id in a path.
pub(crate) fn cluster_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Cluster, text).ok_or_else(|| Problem::not_found("cluster", text))
}
