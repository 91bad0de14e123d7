//! The exports of a placement, as downloads.

use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use cutpoint_planner::domain::placement::Status;
use maud::{Markup, html};

use super::data::Shown;
use crate::domain::id::IdKind;
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;

/// Formats that need no more than the placement.
const DRAWINGS: [(&str, &str); 3] =
    [("svg", "Drawing (SVG)"), ("dot", "Graph (DOT)"), ("cuts", "Tensors at the cuts (JSON)")];

/// Writes links to the exports.
pub(super) fn downloads(shown: &Shown) -> Markup {
    if shown.placement.status == Status::Infeasible {
        return html! {};
    }
    let path = format!("/ui/placements/{}/export", shown.stored.id);
    html! {
        section aria-labelledby="downloads" {
            h2 #downloads { "Downloads" }
            ul.buttons {
                @for (format, label) in DRAWINGS {
                    li { a.button href={ (path) "?format=" (format) } download { (label) } }
                }
            }
            form.inline method="get" action=(path) {
                div.field {
                    label for="image" { "Image of the runner" }
                    input #image name="image" required placeholder="registry.local/cutpoint-runner:1" spellcheck="false";
                }
                div.field {
                    label for="format" { "Start it with" }
                    select #format name="format" {
                        option value="kubernetes" { "Kubernetes (YAML)" }
                        option value="nomad" { "Nomad (JSON)" }
                        option value="compose" { "Compose (zip, a folder for each node)" }
                    }
                }
                button { "Download" }
            }
            p.muted { "Nomad and Compose need the address of each node: " code { "/v1/placements/" (shown.stored.id) "/export" } " takes them." }
        }
    }
}

/// Returns an export as a file.
pub(super) async fn download(
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = id_of(IdKind::Placement, &id)?;
    let path = format!("/v1/placements/{id}/export?{}", query.unwrap_or_default());
    let mut response = visitor.send(Method::GET, &path, HeaderMap::new(), Body::empty()).await?;
    // The browser saves it and does not show it.
    let disposition = response.headers().get(header::CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    let saved = disposition.map(|text| text.replacen("inline", "attachment", 1));
    if let Some(saved) = saved.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    }
    Ok(response)
}
