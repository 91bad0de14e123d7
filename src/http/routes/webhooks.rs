//! `/v1/webhooks`: the receivers of messages about ended jobs. `deliveries` has the messages.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::read::Reader;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::MayAdminister;
use crate::http::headers::etag::ETag;
use crate::http::headers::idempotency;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, BadParameter, Conflict, Internal, Invalid, InvalidOrReused, NotFound, Refused, Reused, Slow, Stale,
    StorageFull, TooLarge, Unavailable, VersionMissing, WrongMedia,
};
use crate::http::request::body::Document;
use crate::http::request::paging::{self, PageParameters};
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::shapes::page::WebhookPage;
use crate::http::shapes::webhook::{Webhook, WebhookPatch, WebhookRequest, WebhookWithSecret};
use crate::store::{self, NewWebhook, WebhookChange};
use crate::webhook::Guard;
use crate::webhook::target::read_url;

const LONGEST_DESCRIPTION: usize = 256;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create_webhook, list_webhooks))
        .routes(routes!(get_webhook, patch_webhook, delete_webhook))
        .routes(routes!(rotate_webhook_secret))
}

/// Create a webhook
///
/// The webhook gets a message when a job of the tenant ends. Messages are signed as Standard Webhooks specifies, with
/// the secret in this answer. A retry with the same `Idempotency-Key` returns the webhook and its secret again. An
/// address that messages may not go to is refused; the addresses of a name are checked at each attempt.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "webhooks", security(("key" = ["admin"])),
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key returns the same webhook.")),
    request_body = WebhookRequest,
    responses(
        (status = 201, description = "Created.", body = WebhookWithSecret,
            headers(("Location" = String), ("ETag" = String))),
        BadBody, Slow, Conflict, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn create_webhook(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    document: Document,
) -> Result<Response, Problem> {
    let idempotency = document.idempotency.clone();
    let guard = api.guard.clone();
    let webhook = document.read(move |reader, value| read_webhook(reader, value, &guard)).await?;
    let registered = api.store.register_webhook(&caller.tenant, webhook, idempotency).await?;
    let location = format!("/v1/webhooks/{}", registered.row.id);
    let etag = ETag::new(registered.row.version);
    let answer = json::value(StatusCode::CREATED, &WebhookWithSecret::new(registered.row, api.clock.now()));
    Ok(([(header::LOCATION, location)], etag.on(answer)).into_response())
}

/// List webhooks
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "webhooks", security(("key" = ["admin"])), params(PageParameters),
    responses(
        (status = 200, description = "A page of webhooks, newest first.", body = WebhookPage),
        BadParameter, Refused, Internal, Unavailable,
    )
)]
async fn list_webhooks(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let page = paging::page(&mut query, IdKind::Webhook);
    query.finish()?;
    let listed = api.store.webhooks(&caller.tenant, page).await?;
    Ok(json::value(StatusCode::OK, &WebhookPage::from(listed)))
}

/// Read a webhook
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", tag = "webhooks", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
    ),
    responses(
        (status = 200, description = "The webhook.", body = Webhook, headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_webhook(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let webhook = api.store.webhook(&caller.tenant, &webhook_id(&id)?).await?;
    let etag = ETag::new(webhook.version);
    if etag.is_known(&headers) {
        return Ok(etag.not_modified());
    }
    Ok(etag.on(json::value(StatusCode::OK, &Webhook::from(webhook))))
}

/// Change a webhook
///
/// Changes its URL, its description, or whether it is enabled. `If-Match` names the ETag of the version that it
/// changes.
#[utoipa::path(
    patch, path = "/v1/webhooks/{id}", tag = "webhooks", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the version to change. It must be given."),
    ),
    request_body = WebhookPatch,
    responses(
        (status = 200, description = "The changed webhook.", body = Webhook, headers(("ETag" = String))),
        BadBody, Slow, NotFound, Stale, TooLarge, WrongMedia, Invalid, VersionMissing, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn patch_webhook(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    headers: HeaderMap,
    document: Document,
) -> Result<Response, Problem> {
    let present = api.store.webhook(&caller.tenant, &webhook_id(&id)?).await?;
    ETag::new(present.version).must_match(&headers)?;
    let guard = api.guard.clone();
    let change = document.read(move |reader, value| read_change(reader, value, &guard)).await?;
    let changed = api.store.change_webhook(&caller.tenant, &present.id, present.version, change).await?;
    Ok(summary(changed))
}

/// Delete a webhook
///
/// Deletes its deliveries too.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", tag = "webhooks", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the webhook. If it has another, nothing is deleted."),
    ),
    responses((status = 204, description = "Deleted."), BadParameter, NotFound, Stale, Refused, Internal, Unavailable, StorageFull)
)]
async fn delete_webhook(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let present = api.store.webhook(&caller.tenant, &webhook_id(&id)?).await?;
    let expected = ETag::new(present.version).may_match(&headers)?.then_some(present.version);
    api.store.delete_webhook(&caller.tenant, &present.id, expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Rotate a webhook's secret
///
/// The answer contains the new secret. For a day messages are signed with both secrets, so that the receiver can
/// switch. Earlier secrets stop signing at once. Send an `Idempotency-Key`: a retry with it does not rotate again and
/// returns the current secret.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/rotate-secret", tag = "webhooks", security(("key" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook."),
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key does not rotate again."),
    ),
    responses(
        (status = 200, description = "The webhook with its new secret.", body = WebhookWithSecret,
            headers(("ETag" = String))),
        BadParameter, NotFound, Reused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn rotate_webhook_secret(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let id = webhook_id(&id)?;
    let operation = format!("POST /v1/webhooks/{id}/rotate-secret");
    let idempotency = idempotency::key(&headers)?.map(|key| idempotency::of(key, &operation, &Value::Null));
    let rotated = api.store.rotate_secret(&caller.tenant, &id, idempotency).await?;
    let etag = ETag::new(rotated.version);
    Ok(etag.on(json::value(StatusCode::OK, &WebhookWithSecret::new(rotated, api.clock.now()))))
}

/// Parses the id in a path.
pub(crate) fn webhook_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Webhook, text).ok_or_else(|| Problem::not_found("webhook", text))
}

fn summary(webhook: store::Webhook) -> Response {
    ETag::new(webhook.version).on(json::value(StatusCode::OK, &Webhook::from(webhook)))
}

fn read_webhook(reader: &mut Reader, value: &Value, guard: &Guard) -> Option<NewWebhook> {
    let map = reader.object(value, WebhookRequest::FIELDS)?;
    let url = reader.required(map, "url", |reader, value| read_url(reader, value, guard));
    let description = reader.optional(map, "description", read_description);
    Some(NewWebhook { url: url?, description })
}

fn read_change(reader: &mut Reader, value: &Value, guard: &Guard) -> Option<WebhookChange> {
    let map = reader.object(value, WebhookPatch::FIELDS)?;
    let url = reader.optional(map, "url", |reader, value| read_url(reader, value, guard));
    let description = reader.optional(map, "description", read_description);
    let enabled = reader.optional(map, "enabled", Reader::flag);
    Some(WebhookChange { url, description, enabled })
}

fn read_description(reader: &mut Reader, value: &Value) -> Option<String> {
    reader.text(value, LONGEST_DESCRIPTION)
}
