//! `/ui/models`: the list of models, a model, and adding one from a file.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::Page;
use super::filters::{Filter, filtered};
use super::layout::View;
use super::parts::{items, long_table, name, pager, str_of, table, time_of};
use super::plan::{MOST_TEXT, import_model, read_whole};
use super::text::{amount_text, bytes_text, operations_text};
use super::visitor::{Visitor, id_of};
use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::problem::Problem;

/// Formats of files, and what they are.
const FORMATS: [(&str, &str); 3] =
    [("onnx", "ONNX model"), ("dnn-partitioning", "dnn-partitioning instance"), ("pipeedge", "PipeEdge models.yml")];

pub(super) fn routes() -> Router<Page> {
    Router::new()
        .route("/ui/models", get(list))
        .route("/ui/models/import", post(import).layer(DefaultBodyLimit::disable()))
        .route("/ui/models/{id}", get(show))
}

async fn list(visitor: Visitor, axum::extract::RawQuery(query): axum::extract::RawQuery) -> Result<Response, Problem> {
    let query = filtered(query.as_deref(), &[Filter::Text("name", "Name contains", "")]);
    let models = visitor.get(&format!("/v1/models?{}", query.of_api("20"))).await?;
    let body = html! {
        h1 { "Models" }
        (query.form("/ui/models"))
        @if items(&models, "items").is_empty() { p.empty { "There are none." } } @else {
            (table("Models", &html! {
                thead { tr { th scope="col" { "model" } th.number scope="col" { "layers" } th.number scope="col" { "cuts" } th.number scope="col" { "parameters" } th.number scope="col" { "operations" } th scope="col" { "added, UTC" } } }
                tbody {
                    @for model in items(&models, "items") {
                        tr {
                            th scope="row" { a href={ "/ui/models/" (str_of(model, "id")) } { (name(str_of(model, "name"))) } }
                            td.number data-label="layers" { (model["statistics"]["layers"]) }
                            td.number data-label="cuts" { (cuts(&model["statistics"])) }
                            td.number data-label="parameters" { (bytes_text(model["statistics"]["param_bytes"].as_u64().unwrap_or(0))) }
                            td.number data-label="operations" { (operations_text(model["statistics"]["flops"].as_f64().unwrap_or(0.0))) }
                            td.time data-label="added, UTC" { (time_of(model, "created_at")) }
                        }
                    }
                }
            }))
            (pager(&models, "/ui/models", &query.text()))
        }
        @if visitor.may(Scope::Plan) { (upload()) }
    };
    Ok(View::new("Models", body).page(&visitor))
}

fn cuts(statistics: &Value) -> String {
    let count = statistics["cuts"].as_u64().or(statistics["cut_points"].as_u64());
    count.map_or_else(String::new, |count| amount_text(count as f64))
}

fn upload() -> Markup {
    html! {
        section aria-labelledby="add" {
            h2 #add { "Add a model" }
            p { "A file is read while it arrives; the weights of an ONNX file are skipped and never kept. A profile in Cutpoint's own form is added where you plan." }
            form.inline method="post" enctype="multipart/form-data" action="/ui/models/import?format=onnx" {
                div.field { label for="dim" { "Open dimensions" } input #dim name="dim" placeholder="batch=1" spellcheck="false"; }
                div.field { label for="file" { "File" } input #file type="file" name="file" required; }
                div.buttons {
                    @for (format, label) in FORMATS {
                        button formaction={ "/ui/models/import?format=" (format) } { "Add " (label) }
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Takes the file out of the form while it arrives: the import reads a file by itself.
async fn import(visitor: Visitor, Query(chosen): Query<Format>, mut parts: Multipart) -> Result<Response, Problem> {
    if !visitor.may(Scope::Plan) {
        // Before anything of the file is read. The API says what is missing.
        return Err(match visitor.post("/v1/models", &Value::Null).await {
            Err(problem) => problem,
            Ok(_) => Problem::internal("a model without a scope"),
        });
    }
    let broken = |_| Problem::malformed_body(Vec::new()).with_detail("the form broke off");
    let (format, mut dimensions) = (super::text::encoded(&chosen.format), String::new());
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        if part.name() == Some("dim") {
            let text = read_whole(part, Vec::new(), MOST_TEXT).await?;
            dimensions = String::from_utf8_lossy(&text).into_owned();
        } else if part.name() == Some("file") {
            let first = part.chunk().await.map_err(broken)?.unwrap_or_default();
            let id = import_model(&visitor, (&format, &dimensions), first.into(), part).await?;
            return Ok(Redirect::to(&format!("/ui/models/{id}")).into_response());
        }
    }
    Err(Problem::malformed_body(Vec::new()).with_detail("the form has no file"))
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = id_of(IdKind::Model, &id)?;
    let model = visitor.get(&format!("/v1/models/{id}")).await?;
    let placements = visitor.get(&format!("/v1/placements?model_id={id}&limit=10")).await?;
    let statistics = &model["statistics"];
    let layers = items(&model["profile"], "layers");
    let body = html! {
        p.crumbs { a href="/ui/models" { "Models" } }
        h1 { (name(str_of(&model, "name"))) }
        @if let Some(about) = model["profile"]["description"].as_str() { p.lead { (name(about)) } }
        dl.figures {
            div { dt { "layers" } dd { (layers.len()) } }
            div { dt { "parameters" } dd { (bytes_text(statistics["param_bytes"].as_u64().unwrap_or(0))) } }
            div { dt { "operations" } dd { (operations_text(statistics["flops"].as_f64().unwrap_or(0.0))) } }
            div { dt { "input" } dd { (bytes_text(statistics["input_bytes"].as_u64().unwrap_or(0))) } }
            div { dt { "output" } dd { (bytes_text(statistics["output_bytes"].as_u64().unwrap_or(0))) } }
        }
        @if visitor.may(Scope::Plan) { p.after { a.button.primary href={ "/ui/plan?model_id=" (id) } { "Plan it" } } }
        section aria-labelledby="placements" {
            h2 #placements { "Placements" }
            (super::home::placement_rows(&visitor, &placements).await?)
        }
        section aria-labelledby="layers" {
            h2 #layers { "Layers" }
            (layer_rows(layers))
        }
    };
    Ok(View::new(str_of(&model, "name"), body).page(&visitor))
}

/// The most layers on the page of a model; the API has all of them.
const MOST_LAYERS: usize = 500;

fn layer_rows(layers: &[Value]) -> Markup {
    html! {
        @if layers.len() > MOST_LAYERS { p.muted { "The first " (MOST_LAYERS) " of " (layers.len()) "." } }
        (long_table("Layers", &html! {
            thead { tr { th scope="col" { "layer" } th scope="col" { "operator" } th.number scope="col" { "parameters" } th.number scope="col" { "output" } th.number scope="col" { "operations" } } }
            tbody {
                @for layer in layers.iter().take(MOST_LAYERS) {
                    tr {
                        th scope="row" { (name(str_of(layer, "id"))) }
                        td data-label="operator" { (name(str_of(layer, "op"))) }
                        td.number data-label="parameters" { (bytes_text(layer["param_bytes"].as_u64().unwrap_or(0))) }
                        td.number data-label="output" { (bytes_text(layer["output_bytes"].as_u64().unwrap_or(0))) }
                        td.number data-label="operations" { (operations_text(layer["flops"].as_f64().unwrap_or(0.0))) }
                    }
                }
            }
        }))
    }
}
