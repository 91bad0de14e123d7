//! `/ui/jobs`: the list of jobs, a job with its live progress, and stopping it.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::Page;
use super::filters::{Filter, filtered};
use super::layout::{View, html_response};
use super::names::Names;
use super::parts::{items, name, pager, status, str_of, table, time_of};
use super::text::{gap_text, seconds_text};
use super::visitor::{Visitor, copied, id_of};
use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::problem::Problem;

const FILTERS: [Filter; 2] = [
    Filter::Choice("status", "Status", &["queued", "running", "succeeded", "infeasible", "cancelled", "failed"]),
    Filter::Text("label", "Label", "name=value"),
];

pub(super) fn routes() -> Router<Page> {
    Router::new()
        .route("/ui/jobs", get(list))
        .route("/ui/jobs/{id}", get(show))
        .route("/ui/jobs/{id}/events", get(events))
        .route("/ui/jobs/{id}/stop", post(stop))
}

async fn list(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let query = filtered(query.as_deref(), &FILTERS);
    let jobs = visitor.get(&format!("/v1/jobs?{}", query.of_api("20"))).await?;
    let mut names = Names::default();
    for job in items(&jobs, "items") {
        names.model(&visitor, str_of(job, "model_id")).await?;
        names.cluster(&visitor, str_of(job, "cluster_id")).await?;
    }
    let body = html! {
        h1 { "Jobs" }
        (query.form("/ui/jobs"))
        @if items(&jobs, "items").is_empty() { p.empty { "There are none." } } @else {
            (table("Jobs", &html! {
                thead { tr { th scope="col" { "job" } th scope="col" { "status" } th scope="col" { "labels" } th scope="col" { "queued, UTC" } } }
                tbody {
                    @for job in items(&jobs, "items") {
                        tr {
                            th scope="row" { a href={ "/ui/jobs/" (str_of(job, "id")) } { (name(names.of(str_of(job, "model_id")))) " on " (name(names.of(str_of(job, "cluster_id")))) } }
                            td data-label="status" { (status(str_of(job, "status"))) }
                            td data-label="labels" { (labels(job)) }
                            td.time data-label="queued, UTC" { (time_of(job, "created_at")) }
                        }
                    }
                }
            }))
        }
        (pager(&jobs, "/ui/jobs", &query.text()))
    };
    Ok(View::new("Jobs", body).page(&visitor))
}

fn labels(job: &Value) -> Markup {
    html! {
        @for (label, value) in job["labels"].as_object().into_iter().flatten() {
            span.label { (name(label)) "=" (name(value.as_str().unwrap_or_default())) } " "
        }
    }
}

async fn show(visitor: Visitor, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = id_of(IdKind::Job, &id)?;
    let job = visitor.get(&format!("/v1/jobs/{id}")).await?;
    if headers.contains_key("x-piece") {
        return Ok(html_response(progress(&visitor, &job)));
    }
    let mut names = Names::default();
    names.model(&visitor, str_of(&job, "model_id")).await?;
    names.cluster(&visitor, str_of(&job, "cluster_id")).await?;
    let is_open = is_open(&job);
    let body = html! {
        p.crumbs { a href="/ui/jobs" { "Jobs" } }
        h1 { "Planning " (name(names.of(str_of(&job, "model_id")))) span.on { " on " } (name(names.of(str_of(&job, "cluster_id")))) }
        p.meta { span { "queued " (time_of(&job, "created_at")) " UTC" } (labels(&job)) }
        div #progress data-job=[is_open.then_some(id.as_str())] { (progress(&visitor, &job)) }
        @if is_open {
            // Seen when the first event is drawn.
            section hidden aria-labelledby="closing" {
                div.heading {
                    h2 #closing { "Over time" }
                    ul.legend { li.compute { "best period so far" } li { "proven bound" } }
                }
                div #convergence {}
            }
        }
    };
    let refresh_s = is_open.then_some(2);
    Ok(View { refresh_s, ..View::new("Job", body) }.page(&visitor))
}

fn is_open(job: &Value) -> bool {
    matches!(str_of(job, "status"), "queued" | "running")
}

/// The piece that the script fetches again with each event.
fn progress(visitor: &Visitor, job: &Value) -> Markup {
    let progress = &job["progress"];
    let id = str_of(job, "id");
    let started: Option<Timestamp> = str_of(job, "started_at").parse().ok();
    let searching_s =
        started.filter(|_| is_open(job)).map(|start| visitor.api.clock.now().duration_since(start).as_secs_f64());
    html! {
        div aria-live="polite" {
            p.meta { (status(str_of(job, "status"))) (ended(job)) }
            @if !progress.is_null() {
                dl.figures {
                    @if let Some(period) = progress["period_s"].as_f64() { div { dt { @if is_open(job) { "best period so far" } @else { "period" } } dd { (seconds_text(period)) } } }
                    @if let Some(bound) = progress["lower_bound_s"].as_f64() { div { dt { "proven bound" } dd { (seconds_text(bound)) } } }
                    @if let Some(nodes) = progress["lower_bound_nodes"].as_u64() { div { dt { "proven bound, nodes" } dd { (nodes) } } }
                    @if let Some(gap) = progress["gap"].as_f64() { div { dt { "gap" } dd { (gap_text(gap)) } } }
                    @if let Some(searching_s) = searching_s {
                        div { dt { "searching for" } dd aria-live="off" data-elapsed=(searching_s) { (seconds_text(searching_s.round().max(1.0))) } }
                    } @else if let Some(elapsed) = progress["elapsed_s"].as_f64() {
                        div { dt { "searched for" } dd { (seconds_text(elapsed)) } }
                    }
                }
            }
        }
        @if let Some(detail) = job["error"]["detail"].as_str() { p.note.bad { (name(detail)) } }
        ul.buttons.after {
            @if let Some(placement) = job["placement_id"].as_str() {
                li { a.button.primary href={ "/ui/placements/" (placement) } { @if job["status"] == "infeasible" { "See why there is none" } @else { "See the placement" } } }
            }
            @if is_open(job) && visitor.may(Scope::Plan) {
                li { form method="post" action={ "/ui/jobs/" (id) "/stop" } { button { "Stop with the best so far" } } }
            }
        }
    }
}

fn ended(job: &Value) -> Markup {
    let words = match str_of(job, "termination") {
        "optimal" => "proven best",
        "infeasible" => "proven that there is no placement",
        "gap_reached" => "the gap was reached",
        "exhausted" => "nothing more to try",
        "time_limit" => "the time limit came",
        "stopped" => "stopped",
        _ => return html! {},
    };
    html! { span { (words) } }
}

async fn events(visitor: Visitor, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = id_of(IdKind::Job, &id)?;
    let headers = copied(&headers, &[header::ACCEPT, HeaderName::from_static("last-event-id")]);
    visitor.send(Method::GET, &format!("/v1/jobs/{id}/events"), headers, Body::empty()).await
}

async fn stop(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = id_of(IdKind::Job, &id)?;
    let mut headers = HeaderMap::new();
    headers.insert("prefer", header::HeaderValue::from_static("wait=2"));
    visitor.send(Method::POST, &format!("/v1/jobs/{id}/stop"), headers, Body::empty()).await?;
    Ok(Redirect::to(&format!("/ui/jobs/{id}")).into_response())
}
