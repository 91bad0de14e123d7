//! `/ui/webhooks/{id}`: a webhook with its deliveries, switching it, sending a message again, and deleting it.

use axum::body::Body;
use axum::extract::{Form, Path, RawQuery};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::id::IdKind;
use crate::http::page::filters::filtered;
use crate::http::page::layout::View;
use crate::http::page::parts::{items, name, pager, status, str_of, table, time_of};
use crate::http::page::text::counted;
use crate::http::page::visitor::{Visitor, id_of, json as read_json};
use crate::http::problem::Problem;

pub(super) async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = id_of(IdKind::Webhook, &id)?;
    let query = filtered(query.as_deref(), &[]);
    let answer = visitor.send(Method::GET, &format!("/v1/webhooks/{id}"), HeaderMap::new(), Body::empty()).await?;
    let version = answer.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
    let version = version.unwrap_or_default().trim_matches('"').to_owned();
    let webhook: Value = read_json(answer).await?;
    let deliveries = visitor.get(&format!("/v1/webhooks/{id}/deliveries?{}", query.of_api("20"))).await?;
    let path = format!("/ui/webhooks/{id}");
    let is_on = webhook["enabled"] == true;
    let body = html! {
        p.crumbs { a href="/ui/webhooks" { "Webhooks" } }
        h1 { "Webhook" }
        p.lead { code { (name(str_of(&webhook, "url"))) } }
        @if let Some(about) = webhook["description"].as_str() { p.lead { (name(about)) } }
        p.meta {
            (status(if is_on { "enabled" } else { "disabled" }))
            span { "created " (time_of(&webhook, "created_at")) " UTC" }
        }
        ul.buttons.after {
            li { form method="post" action={ (path) "/state" } {
                input type="hidden" name="enabled" value=(!is_on);
                input type="hidden" name="version" value=(version);
                button { @if is_on { "Disable" } @else { "Enable" } }
            } }
            li { form method="post" action={ (path) "/delete" } { button.danger { "Delete with its deliveries" } } }
        }
        section aria-labelledby="deliveries" {
            h2 #deliveries { "Deliveries" }
            @if items(&deliveries, "items").is_empty() { p.empty { "There are none: nothing has happened since." } } @else {
                (table("Deliveries", &html! {
                    thead { tr { th scope="col" { "event" } th scope="col" { "status" } th scope="col" { "last attempt" } th scope="col" { "created, UTC" } th scope="col" { "again" } } }
                    tbody { @for delivery in items(&deliveries, "items") { (row(&path, delivery)) } }
                }))
                (pager(&deliveries, &path, &query.text()))
            }
        }
    };
    Ok(View::new("Webhook", body).page(&visitor))
}

fn row(path: &str, delivery: &Value) -> Markup {
    let attempt = &delivery["last_attempt"];
    let attempts = delivery["attempts"].as_u64().unwrap_or(0) as usize;
    html! {
        tr {
            th scope="row" {
                @if let Some(job) = delivery["job_id"].as_str() {
                    a href={ "/ui/jobs/" (job) } { (str_of(delivery, "event_type")) }
                } @else {
                    (str_of(delivery, "event_type"))
                }
            }
            td data-label="status" { (status(str_of(delivery, "status"))) }
            td data-label="last attempt" {
                (counted(attempts, "attempt"))
                @if let Some(outcome) = attempt["outcome"].as_str() { ", " (outcome.replace('_', " ")) }
                @if let Some(code) = attempt["status_code"].as_u64() { ", status " (code) }
                @if let Some(detail) = attempt["detail"].as_str() { div.muted { (name(detail)) } }
            }
            td.time data-label="created, UTC" { (time_of(delivery, "created_at")) }
            td data-label="again" {
                form method="post" action={ (path) "/resend" } {
                    input type="hidden" name="message" value=(str_of(delivery, "message_id"));
                    button.small aria-label={ "Send again the message of " (time_of(delivery, "created_at")) } { "Send again" }
                }
            }
        }
    }
}

/// The state that is wanted, and the version that the visitor saw.
#[derive(Deserialize)]
pub(super) struct Switch {
    enabled: bool,
    version: String,
}

pub(super) async fn switch(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(switch): Form<Switch>,
) -> Result<Response, Problem> {
    let id = id_of(IdKind::Webhook, &id)?;
    let path = format!("/v1/webhooks/{id}");
    visitor.change(Method::PATCH, &path, Some(&switch.version), &json!({"enabled": switch.enabled})).await?;
    Ok(Redirect::to(&format!("/ui/webhooks/{id}")).into_response())
}

pub(super) async fn delete(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = id_of(IdKind::Webhook, &id)?;
    visitor.send(Method::DELETE, &format!("/v1/webhooks/{id}"), HeaderMap::new(), Body::empty()).await?;
    Ok(Redirect::to("/ui/webhooks").into_response())
}

/// The message that is sent again.
#[derive(Deserialize)]
pub(super) struct Chosen {
    message: String,
}

pub(super) async fn resend(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let id = id_of(IdKind::Webhook, &id)?;
    let message = id_of(IdKind::Message, &chosen.message)?;
    let path = format!("/v1/webhooks/{id}/deliveries/{message}/resend");
    visitor.send(Method::POST, &path, HeaderMap::new(), Body::empty()).await?;
    Ok(Redirect::to(&format!("/ui/webhooks/{id}")).into_response())
}
