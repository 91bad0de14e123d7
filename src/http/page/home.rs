//! `/ui/`: the first page. An empty service explains itself and offers the examples.

use axum::Router;
use axum::extract::Form;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::Page;
use super::layout::View;
use super::parts::{items, name, status, str_of, table, time_of};
use super::text::{encoded, rate_text, seconds_text};
use super::visitor::{Visitor, json};
use crate::domain::scope::Scope;
use crate::http::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, header};

/// The example that the first page plans with one click.
const FIRST_EXAMPLE: &str = "resnet50-radio-5";

pub(super) fn routes() -> Router<Page> {
    Router::new().route("/ui/", get(show)).route("/ui/examples", post(plan_example))
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    let placements = visitor.get("/v1/placements?limit=8").await?;
    let running = visitor.get("/v1/jobs?status=queued&status=running&limit=8").await?;
    let is_empty = items(&placements, "items").is_empty() && items(&running, "items").is_empty();
    let examples = visitor.get("/v1/examples").await?;
    let body = html! {
        @if is_empty {
            (welcome(&visitor))
        } @else {
            div.head { h1 { "Overview" } }
            (running_jobs(&running))
            section aria-labelledby="newest" {
                h2 #newest { "Newest placements" }
                (placement_rows(&visitor, &placements).await?)
                p { a href="/ui/placements" { "All placements" } }
            }
        }
        @if visitor.may(Scope::Plan) { (example_list(&examples, is_empty)) }
    };
    Ok(View::new("Overview", body).page(&visitor))
}

fn welcome(visitor: &Visitor) -> Markup {
    html! {
        div.welcome {
            h1 { "Where to cut a neural network" }
            p.lead { "Cutpoint splits a model into stages and puts each on a device, so that inferences stream through them." }
            p.lead { "It finds the placement with the most inferences a second, and proves that there is no better one." }
            p.lead { "Give it a model and the devices with their links, or begin with an example." }
            @if visitor.may(Scope::Plan) {
                div.actions {
                    form method="post" action="/ui/examples" {
                        input type="hidden" name="name" value=(FIRST_EXAMPLE);
                        button.primary.large { "Plan ResNet50 on five devices" }
                    }
                    a.button.large href="/ui/plan" { "Plan your own" }
                }
            } @else {
                p.muted { "Your key may read. Planning needs a key with the scope plan." }
            }
        }
    }
}

fn running_jobs(running: &Value) -> Markup {
    html! {
        @if !items(running, "items").is_empty() {
            section aria-labelledby="running" {
                h2 #running { "Being planned" }
                ul.plain {
                    @for job in items(running, "items") {
                        li { (status(str_of(job, "status"))) " " a href={ "/ui/jobs/" (str_of(job, "id")) } { "job of " (time_of(job, "created_at")) } }
                    }
                }
            }
        }
    }
}

/// Writes placements as rows, with the names of their models and clusters.
pub(super) async fn placement_rows(visitor: &Visitor, placements: &Value) -> Result<Markup, Problem> {
    let mut names = super::names::Names::default();
    for placement in items(placements, "items") {
        names.model(visitor, str_of(placement, "model_id")).await?;
        names.cluster(visitor, str_of(placement, "cluster_id")).await?;
    }
    Ok(html! {
        @if items(placements, "items").is_empty() {
            p.empty { "There are none." }
        } @else {
            (table("Placements", &html! {
                thead { tr {
                    th scope="col" { "placement" } th scope="col" { "claim" }
                    th.number scope="col" { "inferences a second" } th.number scope="col" { "period" }
                    th.number scope="col" { "latency" } th.number scope="col" { "stages" } th scope="col" { "planned, UTC" }
                } }
                tbody {
                    @for placement in items(placements, "items") {
                        tr {
                            th scope="row" {
                                a href={ "/ui/placements/" (str_of(placement, "id")) } {
                                    (name(names.of(str_of(placement, "model_id")))) " on " (name(names.of(str_of(placement, "cluster_id"))))
                                }
                            }
                            td data-label="claim" { (status(str_of(placement, "status"))) }
                            td.number data-label="inferences a second" { @if let Some(rate) = placement["inferences_per_s"].as_f64() { (rate_text(rate)) } }
                            td.number data-label="period" { @if let Some(period) = placement["period_s"].as_f64() { (seconds_text(period)) } }
                            td.number data-label="latency" { @if let Some(latency) = placement["latency_s"].as_f64() { (seconds_text(latency)) } }
                            td.number data-label="stages" { @if let Some(stages) = placement["stages"].as_u64().filter(|stages| *stages > 0) { (stages) } }
                            td.time data-label="planned, UTC" { (time_of(placement, "created_at")) }
                        }
                    }
                }
            }))
        }
    })
}

/// The kinds of examples, in words.
const EXAMPLES: [(&str, &str, &str); 3] = [
    ("request", "Whole requests", "a model on a site, with what is asked of it"),
    ("model", "Models", "each on a site with five kinds of devices"),
    ("cluster", "Sites", "each with a small model"),
];

fn example_list(examples: &Value, is_open: bool) -> Markup {
    html! {
        section aria-labelledby="examples" {
            h2 #examples { "Examples" }
            @for (kind, title, what) in EXAMPLES {
                details.folded open[is_open && kind == "request"] {
                  summary { h3.title { (title) } " " span.muted { (what) } }
                  ul.cards.examples {
                    @for example in items(examples, "items").iter().filter(|example| example["kind"] == kind) {
                        li {
                            @if kind == "request" {
                                h4 { (name(str_of(example, "description"))) }
                                p.what { (name(str_of(example, "name"))) }
                            } @else {
                                h4 { (name(str_of(example, "name"))) }
                                p { (name(str_of(example, "description"))) }
                            }
                            form method="post" action="/ui/examples" {
                                input type="hidden" name="name" value=(str_of(example, "name"));
                                button aria-label={ "Plan " (str_of(example, "name")) } { "Plan" }
                            }
                        }
                    }
                  }
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Chosen {
    name: String,
}

async fn plan_example(visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response, Problem> {
    let request = visitor.get(&format!("/v1/examples/{}", encoded(&chosen.name))).await?;
    planned(&visitor, &request).await
}

/// Sends a request to plan, and waits a moment for the end of its job, which it returns.
///
/// # Errors
/// The API's problem.
pub(super) async fn submit(visitor: &Visitor, request: &Value) -> Result<Value, Problem> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("prefer", HeaderValue::from_static("wait=1"));
    json(visitor.send(Method::POST, "/v1/jobs", headers, Body::from(request.to_string())).await?).await
}

/// Sends a request to plan, and leads to the placement, or to the job if it has not ended.
pub(super) async fn planned(visitor: &Visitor, request: &Value) -> Result<Response, Problem> {
    let job = submit(visitor, request).await?;
    let is_placed = job["status"] == "succeeded";
    let target = match job["placement_id"].as_str().filter(|_| is_placed) {
        Some(placement) => format!("/ui/placements/{placement}"),
        None => format!("/ui/jobs/{}", str_of(&job, "id")),
    };
    Ok(Redirect::to(&target).into_response())
}
