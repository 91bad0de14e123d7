//! `/v1/deployments`: what orchestrators run, and what is proposed to them.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::known_compute::ClusterSource;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::Value;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::deployment::ConditionStatus;
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::gate::caller::{MayAdminister, MayPlan, MayRead};
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::responses::{
    BadBody, BadParameter, Internal, Invalid, InvalidOrReused, NotFound, Refused, Slow, Stale, StorageFull, TooLarge,
    Unavailable, VersionMissing, WrongMedia,
};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::body::Document;
use crate::http::request::deployment_request::{
    DeploymentDraft, DeploymentPatch, DeploymentRequest, read_change, read_deployment,
};
use crate::http::request::paging::{self, PageParameters};
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::request::stored::{found, read_stored};
use crate::http::shapes::page::{DeploymentPage, HistoryPage};
use crate::store::{Deployment, DeploymentFilter, NewDeployment};

/// A filter of deployments.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeploymentParameters {
    /// Deployments with this name.
    #[param(nullable = false, min_length = 1, max_length = 256)]
    pub name: Option<String>,
    /// Deployments of this model.
    #[param(nullable = false)]
    pub model_id: Option<String>,
    /// Deployments on this cluster.
    #[param(nullable = false)]
    pub cluster_id: Option<String>,
    /// Deployments in this condition. Repeatable: in one of them.
    #[param(nullable = false)]
    pub condition: Option<Vec<ConditionStatus>>,
    /// Deployments with this label, as `name=value`. Repeatable: with all of them.
    #[param(nullable = false)]
    pub label: Option<Vec<String>>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create_deployment, list_deployments))
        .routes(routes!(get_deployment, patch_deployment, delete_deployment))
        .routes(routes!(list_deployment_history))
}

/// Create a deployment
///
/// Its first placement is planned and proposed in the background.
#[utoipa::path(
    post, path = "/v1/deployments", tag = "deployments", security(("key" = ["plan"])),
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key returns the same deployment.")),
    request_body = DeploymentRequest,
    responses(
        (status = 201, description = "Created.", body = Deployment, headers(("Location" = String), ("ETag" = String))),
        BadBody, Slow, NotFound, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn create_deployment(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    document: Document,
) -> Result<Response, Problem> {
    let (idempotency, limits) = (document.idempotency.clone(), api.limits);
    let (mut reader, draft) = document.draft(move |reader, value| read_deployment(reader, value, &limits)).await?;
    let DeploymentDraft { name, model_id, cluster_id, options, labels, policy } = draft;
    let model = known(&mut reader, "model_id", IdKind::Model, &model_id);
    let cluster = known(&mut reader, "cluster_id", IdKind::Cluster, &cluster_id);
    let model_text = match &model {
        Some(id) => found(api.store.model_document(&caller.tenant, id).await)?,
        None => None,
    };
    let cluster_text = match &cluster {
        Some(id) => found(api.store.cluster_document(&caller.tenant, id, None).await)?.map(|(_, text)| text),
        None => None,
    };
    if model.is_some() && model_text.is_none() {
        unknown(&mut reader, "model_id", "model", &model_id);
    }
    if cluster.is_some() && cluster_text.is_none() {
        unknown(&mut reader, "cluster_id", "cluster", &cluster_id);
    }
    check_options(reader, model_text, cluster_text, &options).await?;
    let (Some(model_id), Some(cluster_id)) = (model, cluster) else {
        return Err(Problem::not_found("model", &model_id));
    };
    let tenant = caller.tenant.clone();
    let new = NewDeployment { tenant, name, model_id, cluster_id, options, labels, policy, idempotency };
    let registered = api.store.create_deployment(new).await?;
    let location = format!("/v1/deployments/{}", registered.row.id);
    Ok(([(header::LOCATION, location)], answer(StatusCode::CREATED, &registered.row)).into_response())
}

/// List deployments
#[utoipa::path(
    get, path = "/v1/deployments", tag = "deployments", security(("key" = ["read"])),
    params(DeploymentParameters, PageParameters),
    responses(
        (status = 200, description = "A page of deployments, newest first.", body = DeploymentPage),
        BadParameter, Refused, Internal, Unavailable,
    )
)]
async fn list_deployments(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let filter = DeploymentFilter {
        name: query.chosen_id("name"),
        model_id: query.id("model_id", IdKind::Model),
        cluster_id: query.id("cluster_id", IdKind::Cluster),
        conditions: query.choices("condition"),
        labels: query.labels("label"),
    };
    let page = paging::page(&mut query, IdKind::Deployment);
    query.finish()?;
    let listed = api.store.deployments(&caller.tenant, filter, page).await?;
    Ok(json::value(StatusCode::OK, &DeploymentPage::from(listed)))
}

/// Read a deployment
#[utoipa::path(
    get, path = "/v1/deployments/{id}", tag = "deployments", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The deployment."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
    ),
    responses(
        (status = 200, description = "The deployment.", body = Deployment, headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_deployment(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let deployment = api.store.deployment(&caller.tenant, &deployment_id(&id)?).await?;
    let etag = ETag::new(deployment.version);
    Ok(if etag.is_known(&headers) { etag.not_modified() } else { answer(StatusCode::OK, &deployment) })
}

/// Change a deployment
///
/// Other options withdraw what is proposed, and ask for a plan. `If-Match` names the ETag of the version that it changes.
#[utoipa::path(
    patch, path = "/v1/deployments/{id}", tag = "deployments", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The deployment."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the version to change. It must be given."),
    ),
    request_body = DeploymentPatch,
    responses(
        (status = 200, description = "The changed deployment.", body = Deployment, headers(("ETag" = String))),
        BadBody, Slow, NotFound, Stale, TooLarge, WrongMedia, Invalid, VersionMissing, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn patch_deployment(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    headers: HeaderMap,
    document: Document,
) -> Result<Response, Problem> {
    let present = api.store.deployment(&caller.tenant, &deployment_id(&id)?).await?;
    ETag::new(present.version).must_match(&headers)?;
    let limits = api.limits;
    let (reader, change) = document.draft(move |reader, value| read_change(reader, value, &limits)).await?;
    match &change.options {
        Some(options) => {
            let (model, cluster) = documents(&api, &caller.tenant, &present).await?;
            check_options(reader, Some(model), Some(cluster), options).await?;
        }
        None => reader.finish(Some(())).map_err(Problem::invalid_request)?,
    }
    let changed = api.store.change_deployment(&caller.tenant, &present.id, present.version, change).await?;
    Ok(answer(StatusCode::OK, &changed))
}

/// Delete a deployment
///
/// Its placements stay. It does not occupy the cluster any more.
#[utoipa::path(
    delete, path = "/v1/deployments/{id}", tag = "deployments", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The deployment."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the deployment. If it has another, nothing is deleted."),
    ),
    responses((status = 204, description = "Deleted."), BadParameter, NotFound, Stale, Refused, Internal, Unavailable, StorageFull)
)]
async fn delete_deployment(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let present = api.store.deployment(&caller.tenant, &deployment_id(&id)?).await?;
    let expected = ETag::new(present.version).may_match(&headers)?.then_some(present.version);
    api.store.delete_deployment(&caller.tenant, &present.id, expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// List what has happened to a deployment
#[utoipa::path(
    get, path = "/v1/deployments/{id}/history", tag = "deployments", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The deployment."), PageParameters),
    responses(
        (status = 200, description = "A page of proposals, applications, withdrawals and failures, newest first.", body = HistoryPage),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn list_deployment_history(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let page = paging::page(&mut query, IdKind::HistoryEntry);
    query.finish()?;
    let listed = api.store.deployment_history(&caller.tenant, &deployment_id(&id)?, page).await?;
    Ok(json::value(StatusCode::OK, &HistoryPage::from(listed)))
}

/// Returns an answer with a deployment and its tag.
pub(crate) fn answer(status: StatusCode, deployment: &Deployment) -> Response {
    ETag::new(deployment.version).on(json::value(status, deployment))
}

/// Parses the id in a path.
pub(crate) fn deployment_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Deployment, text).ok_or_else(|| Problem::not_found("deployment", text))
}

fn known(reader: &mut Reader, field: &'static str, kind: IdKind, text: &str) -> Option<Id> {
    let id = Id::parse(kind, text);
    if id.is_none() {
        unknown(reader, field, kind.name(), text);
    }
    id
}

fn unknown(reader: &mut Reader, field: &'static str, what: &str, id: &str) {
    let detail = format!("there is no {what} {id:?}");
    reader.fault_at(&[field.into()], FaultCode::UnknownReference, detail, "Give the id of a registered one");
}

async fn documents(api: &Api, tenant: &Tenant, deployment: &Deployment) -> Result<(String, String), Problem> {
    let model = api.store.model_document(tenant, &deployment.model_id).await?;
    let (_, cluster) = api.store.cluster_document(tenant, &deployment.cluster_id, None).await?;
    Ok((model, cluster))
}

/// Checks that options fit the model and the cluster, with the faults that were found before.
async fn check_options(
    reader: Reader,
    model: Option<String>,
    cluster: Option<String>,
    options: &Value,
) -> Result<(), Problem> {
    let bytes = model.as_ref().map_or(0, String::len) + cluster.as_ref().map_or(0, String::len);
    let options = options.clone();
    compute(bytes, move || {
        let mut reader = reader;
        let model = model.map(|text| read_stored(&text, ModelProfile::from_json)).transpose()?.map(Arc::new);
        let cluster = cluster.map(|text| read_stored(&text, ClusterInventory::from_json)).transpose()?.map(Arc::new);
        let plan_options = reader.within("options", |reader| match options.as_object() {
            Some(map) => PlanOptions::read(reader, map),
            None => PlanOptions::default(),
        });
        reader.within("options", |reader| {
            PlanRequest::assemble(reader, model, (ClusterSource::ById, cluster), plan_options);
        });
        reader.finish(Some(())).map_err(|faults| {
            let is_unknown = |pointer: &str| pointer == "/model_id" || pointer == "/cluster_id";
            if faults.iter().all(|fault| is_unknown(&fault.pointer) && fault.code == FaultCode::UnknownReference) {
                let details: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
                return Problem::new(ProblemType::NotFound, details.join("; ")).with_errors(faults);
            }
            Problem::invalid_request(faults)
        })
    })
    .await
}
