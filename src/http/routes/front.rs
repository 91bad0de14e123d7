//! `/v1/placements/{id}/front.svg`: the trade-off of period and latency, drawn.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export::front::draw;
use crate::http::api::Api;
use crate::http::gate::caller::MayRead;
use crate::http::problem::Problem;
use crate::http::problem::responses::{BadParameter, Internal, NotFound, Refused, Unavailable};
use crate::http::request::query::NoParameters;
use crate::http::routes::placements::placement_id;

/// The part of a stored placement to draw.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    front: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    period_s: f64,
    latency_s: f64,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_placement_front))
}

/// Draw a trade-off
///
/// Returns a plot of every placement that no other beats in both period and latency. Only a placement made with the
/// objective `tradeoff` has a front.
#[utoipa::path(
    get, path = "/v1/placements/{id}/front.svg", tag = "placements", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The placement.")),
    responses(
        (status = 200, description = "The plot.", body = String, content_type = "image/svg+xml", example = "<svg width=\"720\" height=\"480\"></svg>"),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_placement_front(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    _: NoParameters,
) -> Result<Response, Problem> {
    let placement = api.store.placement(&caller.tenant, &placement_id(&id)?).await?;
    let stored: Stored = serde_json::from_str(&placement.document).map_err(Problem::internal)?;
    if stored.front.is_empty() {
        return Err(Problem::not_found("front of the placement", &id).with_detail(format!(
            "placement {id} has no front: it was not made with the objective tradeoff, or none was found"
        )));
    }
    let points: Vec<(f64, f64)> = stored.front.iter().map(|point| (point.period_s, point.latency_s)).collect();
    let svg = draw(&format!("Trade-off of {id}"), &points).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"))], svg).into_response())
}
