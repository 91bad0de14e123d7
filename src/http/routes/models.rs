//! `/v1/models`: immutable model profiles, known again by their content.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::model::ModelProfile;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::{MayAdminister, MayPlan, MayRead};
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, BadParameter, Conflict, Internal, InvalidOrReused, NotFound, Refused, Slow, StorageFull, TooLarge,
    Unavailable, WrongMedia,
};
use crate::http::request::body::Document;
use crate::http::request::paging::{self, PageParameters};
use crate::http::request::query::Parameters;
use crate::store::{self, ModelDocument};

/// Figures of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelStatistics {
    /// Layers.
    pub layers: u64,
    /// Edges between layers.
    pub edges: u64,
    /// Inner cut points under the cut policy `any`.
    pub cut_points: u64,
    /// Inner cut points under the cut policy `single_tensor`.
    pub single_tensor_cut_points: u64,
    /// Bytes of all parameters.
    pub param_bytes: u64,
    /// Operations of all layers for one pass.
    pub flops: u64,
    /// Bytes of the model's inputs.
    pub input_bytes: u64,
    /// Bytes of the model's outputs.
    pub output_bytes: u64,
}

/// A registered model without its profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Its name.
    pub name: String,
    /// SHA-256 of the profile, hexadecimal: the same content is the same model.
    pub content_hash: String,
    /// Its figures.
    pub statistics: ModelStatistics,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A registered model. The answer is written around the stored profile; this is its shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct Model {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Its name.
    pub name: String,
    /// SHA-256 of the profile, hexadecimal: the same content is the same model.
    pub content_hash: String,
    /// Its figures.
    pub statistics: ModelStatistics,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The profile, its layers in topological order.
    pub profile: ModelProfile,
}

/// A page of models, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelPage {
    /// The models.
    pub items: Vec<ModelSummary>,
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

impl From<store::Model> for ModelSummary {
    fn from(model: store::Model) -> Self {
        let store::Model { id, name, content_hash, statistics, created_at, .. } = model;
        Self { id, name, content_hash, statistics: statistics.into(), created_at }
    }
}

impl From<store::ModelStatistics> for ModelStatistics {
    fn from(statistics: store::ModelStatistics) -> Self {
        let store::ModelStatistics {
            layers,
            edges,
            cut_points,
            single_tensor_cut_points,
            param_bytes,
            flops,
            input_bytes,
            output_bytes,
        } = statistics;
        Self { layers, edges, cut_points, single_tensor_cut_points, param_bytes, flops, input_bytes, output_bytes }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_model, list_models)).routes(routes!(get_model, delete_model))
}

/// Register a model profile
///
/// A profile is immutable. The same content is one model: registering it again answers the first one with 200.
#[utoipa::path(
    post, path = "/v1/models", tag = "models", security(("key" = ["plan"])),
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key answers the same.")),
    request_body = ModelProfile,
    responses(
        (status = 201, description = "It is registered now.", body = ModelSummary, headers(("Location" = String))),
        (status = 200, description = "It was registered before.", body = ModelSummary, headers(("Location" = String))),
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
    let model = document.read(move |reader, value| limits.read_model(reader, value).as_ref().map(ModelDocument::new));
    let model = model.await?;
    let registered = api.store.register_model(&caller.tenant, model, idempotency).await?;
    let status = if registered.created { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/v1/models/{}", registered.row.id);
    Ok(([(header::LOCATION, location)], json::value(status, &ModelSummary::from(registered.row))).into_response())
}

/// List models
#[utoipa::path(
    get, path = "/v1/models", tag = "models", security(("key" = ["read"])), params(PageParameters),
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
    let page = paging::page(&mut query, IdKind::Model);
    query.finish()?;
    let listed = api.store.models(&caller.tenant, page).await?;
    let items = listed.items.into_iter().map(ModelSummary::from).collect();
    let next_cursor = listed.next.as_ref().map(paging::cursor);
    Ok(json::value(StatusCode::OK, &ModelPage { items, next_cursor, unreadable: listed.unreadable }))
}

/// Read a model
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "models", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The model."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag that is known already."),
    ),
    responses(
        (status = 200, description = "The model with its profile.", body = Model, headers(("ETag" = String))),
        (status = 304, description = "It is as the caller knows it."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_model(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: Parameters,
) -> Result<Response, Problem> {
    query.finish()?;
    let id = model_id(&id)?;
    let model = api.store.model(&caller.tenant, &id).await?;
    let etag = ETag::new(&model.content_hash);
    if etag.is_known(&headers) {
        return Ok(etag.not_modified());
    }
    let profile = api.store.model_document(&caller.tenant, &id).await?;
    let body = json::with_member(&ModelSummary::from(model), "profile", &profile)?;
    Ok(etag.on(json::text(StatusCode::OK, body)))
}

/// Delete a model
///
/// A model that a job or a placement refers to stays: 409.
#[utoipa::path(
    delete, path = "/v1/models/{id}", tag = "models", security(("key" = ["admin"])),
    params(("id" = String, Path, description = "The model.")),
    responses((status = 204, description = "It is gone."), BadParameter, NotFound, Conflict, Refused, Internal, Unavailable, StorageFull)
)]
async fn delete_model(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    query: Parameters,
) -> Result<Response, Problem> {
    query.finish()?;
    api.store.delete_model(&caller.tenant, &model_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn model_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Model, text).ok_or_else(|| Problem::not_found("model", text))
}
