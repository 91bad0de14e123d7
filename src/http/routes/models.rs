//! `/v1/models`: immutable model profiles, identified by their content.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::model::ModelProfile;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::compute::compute_apart;
use crate::http::gate::caller::{MayAdminister, MayPlan, MayRead};
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, BadParameter, Conflict, Internal, InvalidOrReused, NotFound, Refused, Slow, StorageFull, TooLarge,
    Unavailable, WrongMedia,
};
use crate::http::request::body::Document;
use crate::http::request::paging::{self, NamedParameters, PageParameters};
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::shapes::joined::Model;
use crate::http::shapes::page::ModelPage;
use crate::store::{ModelDocument, ModelSummary};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_model, list_models)).routes(routes!(get_model, delete_model))
}

/// Register a model profile
///
/// A profile is immutable. Registering the same content again returns the existing model with 200.
#[utoipa::path(
    post, path = "/v1/models", tag = "models", security(("key" = ["plan"])),
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key gets the same answer.")),
    request_body = ModelProfile,
    responses(
        (status = 201, description = "Registered.", body = ModelSummary, headers(("Location" = String))),
        (status = 200, description = "The model was registered before.", body = ModelSummary, headers(("Location" = String))),
        BadBody, Slow, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn create_model(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    document: Document,
) -> Result<Response, Problem> {
    let idempotency = document.idempotency.clone();
    let limits = api.limits;
    let profile = document.read(move |reader, value| limits.read_model(reader, value)).await?;
    // Even a small profile can have many cuts to count.
    let model = compute_apart(move || ModelDocument::new(&profile)).await;
    let registered = api.store.register_model(&caller.tenant, model, idempotency).await?;
    let status = if registered.created { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/v1/models/{}", registered.row.id);
    Ok(([(header::LOCATION, location)], json::value(status, &registered.row)).into_response())
}

/// List models
#[utoipa::path(
    get, path = "/v1/models", tag = "models", security(("key" = ["read"])), params(NamedParameters, PageParameters),
    responses(
        (status = 200, description = "A page of models, newest first.", body = ModelPage),
        BadParameter, Refused, Internal, Unavailable,
    )
)]
async fn list_models(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let name = query.chosen_id("name");
    let page = paging::page(&mut query, IdKind::Model);
    query.finish()?;
    let listed = api.store.models_named(&caller.tenant, name.as_deref(), page).await?;
    Ok(json::value(StatusCode::OK, &ModelPage::from(listed)))
}

/// Read a model
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "models", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The model."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
    ),
    responses(
        (status = 200, description = "The model with its profile.", body = Model, headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_model(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let id = model_id(&id)?;
    let model = api.store.model(&caller.tenant, &id).await?;
    let etag = ETag::new(&model.content_hash);
    if etag.is_known(&headers) {
        return Ok(etag.not_modified());
    }
    let profile = api.store.model_document(&caller.tenant, &id).await?;
    let body = json::with_member(&model, "profile", &profile)?;
    Ok(etag.on(json::text(StatusCode::OK, body)))
}

/// Delete a model
///
/// A model that a job or a placement refers to is not deleted: 409.
#[utoipa::path(
    delete, path = "/v1/models/{id}", tag = "models", security(("key" = ["admin"])),
    params(("id" = String, Path, description = "The model.")),
    responses((status = 204, description = "Deleted."), BadParameter, NotFound, Conflict, Refused, Internal, Unavailable, StorageFull)
)]
async fn delete_model(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    _: NoParameters,
) -> Result<Response, Problem> {
    api.store.delete_model(&caller.tenant, &model_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn model_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Model, text).ok_or_else(|| Problem::not_found("model", text))
}
