//! `/ui/clusters`: the list of clusters, a cluster with its map, and switching off a node.

mod map;
mod nodes;
mod replan;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, RawQuery, Request};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::Page;
use super::filters::{Filter, filtered};
use super::layout::View;
use super::parts::{items, name, pager, str_of, table, time_of};
use super::text::{counted, encoded};
use super::visitor::{Visitor, copied, id_of, json};
use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::problem::Problem;

/// Formats of node lists, and what they are.
const FORMATS: [(&str, &str); 3] =
    [("kubernetes", "Kubernetes nodes"), ("nomad", "Nomad nodes"), ("cutpoint", "Cutpoint inventory")];

pub(super) fn routes() -> Router<Page> {
    Router::new()
        .route("/ui/clusters", get(list))
        .route("/ui/clusters/import", post(import))
        .route("/ui/clusters/{id}", get(show))
        .route("/ui/clusters/{id}/node", post(nodes::switch))
        .route("/ui/clusters/{id}/replan", post(replan::replan))
}

async fn list(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let query = filtered(query.as_deref(), &[Filter::Text("name", "Name contains", "")]);
    let clusters = visitor.get(&format!("/v1/clusters?{}", query.of_api("20"))).await?;
    let body = html! {
        h1 { "Clusters" }
        (query.form("/ui/clusters"))
        @if items(&clusters, "items").is_empty() { p.empty { "There are none." } } @else {
            (table("Clusters", &html! {
                thead { tr { th scope="col" { "cluster" } th.number scope="col" { "nodes" } th.number scope="col" { "listed links" } th.number scope="col" { "revision" } th scope="col" { "changed, UTC" } } }
                tbody {
                    @for cluster in items(&clusters, "items") {
                        tr {
                            th scope="row" { a href={ "/ui/clusters/" (str_of(cluster, "id")) } { (name(str_of(cluster, "name"))) } }
                            td.number data-label="nodes" { (cluster["nodes"]) }
                            td.number data-label="listed links" { (cluster["links"]) }
                            td.number data-label="revision" { (cluster["revision"]) }
                            td.time data-label="changed, UTC" { (time_of(cluster, "revised_at")) }
                        }
                    }
                }
            }))
            (pager(&clusters, "/ui/clusters", &query.text()))
        }
        @if visitor.may(Scope::Plan) { (upload()) }
    };
    Ok(View::new("Clusters", body).page(&visitor))
}

fn upload() -> Markup {
    html! {
        section aria-labelledby="add" {
            h2 #add { "Add a cluster" }
            p { "What an orchestrator knows of its nodes, or an inventory. What nobody measured, such as the speed of links, is left out and warned of." }
            form.inline method="post" enctype="multipart/form-data" action="/ui/clusters/import?format=kubernetes" {
                div.field { label for="file" { "Node list" } input #file type="file" name="nodes" required; }
                @for (format, label) in FORMATS {
                    button formaction={ "/ui/clusters/import?format=" (format) } { "Add " (label) }
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Passes the form on as it arrives: the import reads forms, too.
async fn import(visitor: Visitor, Query(chosen): Query<Format>, request: Request) -> Result<Response, Problem> {
    let path = format!("/v1/clusters/import?format={}", encoded(&chosen.format));
    let headers = copied(request.headers(), &[header::CONTENT_TYPE, header::CONTENT_LENGTH]);
    let body: Body = request.into_body();
    let cluster: Value = json(visitor.send(Method::POST, &path, headers, body).await?).await?;
    Ok(Redirect::to(&format!("/ui/clusters/{}", str_of(&cluster, "id"))).into_response())
}

/// What a page of a cluster is about beside the cluster.
#[derive(Default, Deserialize)]
struct Chosen {
    /// A placement whose nodes are marked.
    placement: Option<String>,
    /// A node that was switched off.
    off: Option<String>,
}

async fn show(visitor: Visitor, Path(id): Path<String>, Query(chosen): Query<Chosen>) -> Result<Response, Problem> {
    let id = id_of(IdKind::Cluster, &id)?;
    let cluster = visitor.get(&format!("/v1/clusters/{id}")).await?;
    let inventory = &cluster["inventory"];
    let newest = visitor
        .get(&format!("/v1/placements?cluster_id={id}&latest=true&status=optimal&status=feasible&limit=20"))
        .await?;
    let marked = items(&newest, "items").iter().find(|it| it["id"].as_str() == chosen.placement.as_deref());
    let marked = marked.or_else(|| items(&newest, "items").first());
    let used: Vec<&str> =
        marked.map_or(Vec::new(), |it| items(it, "node_ids").iter().filter_map(Value::as_str).collect());
    let body = html! {
        p.crumbs { a href="/ui/clusters" { "Clusters" } }
        h1 { (name(str_of(&cluster, "name"))) }
        @if let Some(about) = inventory["description"].as_str() { p.lead { (name(about)) } }
        p.meta {
            span { (counted(items(inventory, "nodes").len(), "node")) }
            span { "revision " (cluster["revision"]) }
            span { "changed " (time_of(&cluster, "revised_at")) " UTC" }
        }
        @if let Some(off) = &chosen.off { (replan::touched(&visitor, &id, off).await?) }
        (map::map(inventory, &used))
        (nodes::nodes(&visitor, &cluster, &used))
        (map::network(inventory))
        section aria-labelledby="newest" {
            h2 #newest { "Newest placements on it" }
            (super::home::placement_rows(&visitor, &newest).await?)
        }
    };
    Ok(View::new(str_of(&cluster, "name"), body).page(&visitor))
}
