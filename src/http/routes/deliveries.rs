//! `/v1/webhooks/{id}/deliveries`: the messages to a webhook and their status.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::MayAdminister;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{BadParameter, Conflict, Internal, NotFound, Refused, StorageFull, Unavailable};
use crate::http::request::paging::{self, PageParameters};
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::routes::webhooks::webhook_id;
use crate::http::shapes::page::DeliveryPage;
use crate::store::{Delivery, DeliveryStatus};

/// A filter of deliveries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryParameters {
    /// Deliveries with this status. Repeatable: with one of them.
    #[param(nullable = false)]
    pub status: Option<Vec<DeliveryStatus>>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_deliveries)).routes(routes!(resend_delivery))
}

/// List a webhook's deliveries
///
/// Deliveries are kept for 30 days.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = String, Path, description = "The webhook."), DeliveryParameters, PageParameters),
    responses(
        (status = 200, description = "A page of deliveries, newest first.", body = DeliveryPage),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn list_deliveries(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let statuses = query.choices("status");
    let page = paging::page(&mut query, IdKind::Message);
    query.finish()?;
    let listed = api.store.deliveries(&caller.tenant, &webhook_id(&id)?, &statuses, page).await?;
    Ok(json::value(StatusCode::OK, &DeliveryPage::from(listed)))
}

/// Send a message again
///
/// The delivery becomes due at once. An ended delivery restarts the schedule of attempts; a pending one continues it.
/// The message keeps its id, so that a receiver can recognise it.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/deliveries/{message_id}/resend", tag = "webhooks", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook."),
        ("message_id" = String, Path, description = "The message."),
    ),
    responses(
        (status = 200, description = "The delivery will be attempted.", body = Delivery),
        BadParameter, NotFound, Conflict, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn resend_delivery(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path((id, message_id)): Path<(String, String)>,
    _: NoParameters,
) -> Result<Response, Problem> {
    let webhook_id = webhook_id(&id)?;
    let message = Id::parse(IdKind::Message, &message_id);
    let message = message.ok_or_else(|| Problem::not_found("message", &message_id))?;
    let delivery = api.store.resend(&caller.tenant, &webhook_id, &message).await?;
    Ok(json::value(StatusCode::OK, &delivery))
}
