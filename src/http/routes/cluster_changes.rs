//! `PATCH /v1/clusters/{id}`: many changes of a cluster in one revision; and what such changes would do to deployments.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::deployments::Impact;
use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::gate::caller::{MayPlan, MayRead};
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, Internal, Invalid, NotFound, Refused, Slow, Stale, StorageFull, TooLarge, Unavailable, VersionMissing,
    WrongMedia,
};
use crate::http::request::body::Document;
use crate::http::request::cluster_change::{ClusterPatch, changed};
use crate::http::request::query::NoParameters;
use crate::http::routes::clusters::{cluster_id, summary};
use crate::store::{ClusterDocument, ClusterSummary};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(patch_cluster)).routes(routes!(get_cluster_impact))
}

/// Change a cluster
///
/// Adds, changes and removes nodes and links in one new revision. `If-Match` names the ETag of the revision that it
/// changes.
#[utoipa::path(
    patch, path = "/v1/clusters/{id}", tag = "clusters", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The cluster."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the revision to change. It must be given."),
    ),
    request_body = ClusterPatch,
    responses(
        (status = 200, description = "The new revision.", body = ClusterSummary, headers(("ETag" = String))),
        BadBody, Slow, NotFound, Stale, TooLarge, WrongMedia, Invalid, VersionMissing, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn patch_cluster(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    headers: HeaderMap,
    document: Document,
) -> Result<Response, Problem> {
    let (present, inventory) = api.store.cluster_document(&caller.tenant, &cluster_id(&id)?, None).await?;
    ETag::new(present.revision).must_match(&headers)?;
    let (bytes, limits) = (inventory.len() + document.bytes, api.limits);
    let changed = compute(bytes, move || {
        changed(&inventory, &document.value, &limits).map(|inventory| ClusterDocument::new(&inventory))
    });
    let revised = api.store.replace_cluster(&caller.tenant, &present.id, present.revision, changed.await?).await?;
    Ok(summary(StatusCode::OK, revised))
}

/// Evaluate a change of a cluster
///
/// Returns the conditions of all deployments of the cluster under the change. Nothing is stored.
#[utoipa::path(
    post, path = "/v1/clusters/{id}/impact", tag = "clusters", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The cluster.")),
    request_body = ClusterPatch,
    responses(
        (status = 200, description = "The conditions under the change.", body = Impact),
        BadBody, Slow, NotFound, TooLarge, WrongMedia, Invalid, Refused, Internal, Unavailable,
    )
)]
async fn get_cluster_impact(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    _: NoParameters,
    document: Document,
) -> Result<Response, Problem> {
    let id = cluster_id(&id)?;
    let (_, inventory) = api.store.cluster_document(&caller.tenant, &id, None).await?;
    let (bytes, limits) = (inventory.len() + document.bytes, api.limits);
    let changed = compute(bytes, move || changed(&inventory, &document.value, &limits)).await?;
    let impact = api.deployments.impact(&caller.tenant, &id, Arc::new(changed)).await?;
    Ok(json::value(StatusCode::OK, &impact))
}
