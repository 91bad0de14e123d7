//! `/v1/placements/{id}/measurements`: what runners measured of a placement, beside what was planned.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_import::calibration::{Measurements, compare};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::compute::compute_apart;
use crate::http::gate::caller::{MayAdminister, MayPlan, MayRead};
use crate::http::json;
use crate::http::problem::import::of_measurements;
use crate::http::problem::responses::{
    BadBody, BadParameter, Conflict, Internal, InvalidOrReused, NotFound, Refused, Slow, StorageFull, TooLarge,
    Unavailable, WrongMedia,
};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::body::Document;
use crate::http::request::paging::{self, PageParameters};
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::routes::placements::placement_id;
use crate::http::shapes::joined::Measurement;
use crate::http::shapes::page::MeasurementPage;
use crate::store::{MeasurementSummary, NewMeasurement};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(add_measurement, list_measurements))
        .routes(routes!(get_measurement, delete_measurement))
}

/// Store measurements of a placement
///
/// The body is what `cutpoint-runner summarize` prints of the logs of all stages. The answer has what was planned beside
/// what was measured, for each pipeline, stage and transfer. The newest measurements are also in the placement's
/// explanation. Measurements of another placement are refused: where a stage ran on another node, or other bytes
/// travelled. They are deleted with their placement.
#[utoipa::path(
    post, path = "/v1/placements/{id}/measurements", tag = "placements", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The placement that ran."),
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key gets the same answer."),
    ),
    request_body = Measurements,
    responses(
        (status = 201, description = "Stored.", body = MeasurementSummary, headers(("Location" = String))),
        BadBody, Slow, NotFound, Conflict, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn add_measurement(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    _: NoParameters,
    document: Document,
) -> Result<Response, Problem> {
    let placement = api.store.placement(&caller.tenant, &placement_id(&id)?).await?;
    if placement.summary.figures.stages == 0 {
        let detail = format!("{id} is the proof that there is no placement, so nothing of it can have run");
        return Err(Problem::new(ProblemType::Conflict, detail));
    }
    let (measured, planned) = (document.value, placement.document);
    let compared = compute_apart(move || -> Result<NewMeasurement, Problem> {
        let planned: Value = serde_json::from_str(&planned).map_err(Problem::internal)?;
        let measured = Measurements::from_json(&measured).map_err(|error| of_measurements(&error))?;
        let comparison = compare(&planned, &measured).map_err(|error| of_measurements(&error))?;
        Ok(NewMeasurement::new(&measured, &comparison))
    });
    let placement_id = placement.summary.id;
    let added = api.store.add_measurement(&caller.tenant, &placement_id, compared.await?, document.idempotency);
    let row = added.await?.row;
    let location = format!("/v1/placements/{placement_id}/measurements/{}", row.id);
    Ok(([(header::LOCATION, location)], json::value(StatusCode::CREATED, &row)).into_response())
}

/// List the measurements of a placement
///
/// Returns what was planned beside what was measured each time.
#[utoipa::path(
    get, path = "/v1/placements/{id}/measurements", tag = "placements", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The placement."), PageParameters),
    responses(
        (status = 200, description = "A page of measurements, newest first.", body = MeasurementPage),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn list_measurements(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let page = paging::page(&mut query, IdKind::Measurement);
    query.finish()?;
    let listed = api.store.measurements(&caller.tenant, &placement_id(&id)?, page).await?;
    Ok(json::value(StatusCode::OK, &MeasurementPage::from(listed)))
}

/// Read measurements
#[utoipa::path(
    get, path = "/v1/placements/{id}/measurements/{measurement_id}", tag = "placements", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The placement."),
        ("measurement_id" = String, Path, description = "The measurements."),
    ),
    responses(
        (status = 200, description = "The measurements, with all that was kept of what the runners measured.", body = Measurement),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_measurement(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path((id, measurement_id)): Path<(String, String)>,
    _: NoParameters,
) -> Result<Response, Problem> {
    let (id, measurement_id) = (placement_id(&id)?, parse(&measurement_id)?);
    let (summary, document) = api.store.measurement(&caller.tenant, &id, &measurement_id).await?;
    Ok(json::text(StatusCode::OK, json::with_member(&summary, "measured", &document)?))
}

/// Delete measurements
#[utoipa::path(
    delete, path = "/v1/placements/{id}/measurements/{measurement_id}", tag = "placements", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The placement."),
        ("measurement_id" = String, Path, description = "The measurements."),
    ),
    responses(
        (status = 204, description = "Deleted."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn delete_measurement(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path((id, measurement_id)): Path<(String, String)>,
    _: NoParameters,
) -> Result<Response, Problem> {
    api.store.delete_measurement(&caller.tenant, &placement_id(&id)?, &parse(&measurement_id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn parse(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Measurement, text).ok_or_else(|| Problem::not_found("measurement", text))
}
