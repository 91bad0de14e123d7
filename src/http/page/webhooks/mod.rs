//! `/ui/webhooks`: the webhooks of the tenant, for administrators.

mod deliveries;

use axum::Router;
use axum::extract::{Form, RawQuery};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::Page;
use super::filters::filtered;
use super::layout::View;
use super::parts::{items, name, pager, status, str_of, table, time_of};
use super::visitor::Visitor;
use crate::http::problem::Problem;

pub(super) fn routes() -> Router<Page> {
    Router::new()
        .route("/ui/webhooks", get(show).post(create))
        .route("/ui/webhooks/{id}", get(deliveries::show))
        .route("/ui/webhooks/{id}/state", post(deliveries::switch))
        .route("/ui/webhooks/{id}/delete", post(deliveries::delete))
        .route("/ui/webhooks/{id}/resend", post(deliveries::resend))
}

async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    list(&visitor, query.as_deref(), &html! {}).await
}

async fn list(visitor: &Visitor, query: Option<&str>, told: &Markup) -> Result<Response, Problem> {
    let query = filtered(query, &[]);
    let webhooks = visitor.get(&format!("/v1/webhooks?{}", query.of_api("20"))).await?;
    let body = html! {
        h1 { "Webhooks" }
        p.lead { "Each gets a signed message when a job ends or a deployment changes." }
        (told)
        @if items(&webhooks, "items").is_empty() { p.empty { "There are none yet." } } @else {
            (table("Webhooks", &html! {
                thead { tr { th scope="col" { "address" } th scope="col" { "description" } th scope="col" { "state" } th scope="col" { "created, UTC" } } }
                tbody {
                    @for webhook in items(&webhooks, "items") {
                        tr {
                            th scope="row" { a href={ "/ui/webhooks/" (str_of(webhook, "id")) } { (name(str_of(webhook, "url"))) } }
                            td data-label="description" { (name(str_of(webhook, "description"))) }
                            td data-label="state" { @if webhook["enabled"] == true { (status("enabled")) } @else { (status("disabled")) " " (str_of(webhook, "disabled_reason")) } }
                            td.time data-label="created, UTC" { (time_of(webhook, "created_at")) }
                        }
                    }
                }
            }))
            (pager(&webhooks, "/ui/webhooks", &query.text()))
        }
        section aria-labelledby="add" {
            h2 #add { "Add a webhook" }
            form.inline method="post" action="/ui/webhooks" {
                div.field { label for="url" { "Address" } input #url name="url" type="url" required; }
                div.field { label for="description" { "Description" } input #description name="description"; }
                button { "Add" }
            }
        }
    };
    Ok(View::new("Webhooks", body).page(visitor))
}

#[derive(Deserialize)]
struct Entered {
    url: String,
    #[serde(default)]
    description: String,
}

async fn create(visitor: Visitor, Form(entered): Form<Entered>) -> Result<Response, Problem> {
    let mut webhook = json!({ "url": entered.url });
    if !entered.description.is_empty() {
        webhook["description"] = entered.description.into();
    }
    let created = visitor.post("/v1/webhooks", &webhook).await?;
    let told = html! {
        p.note.good role="status" { "Added. Its secret is shown only now: " code { (str_of(&created, "secret")) } }
    };
    list(&visitor, None, &told).await
}
