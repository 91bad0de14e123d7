//! The exports of a placement, as downloads.

use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use cutpoint_planner::domain::placement::Status;
use maud::{Markup, html};
use url::form_urlencoded;

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
                div.field {
                    label for="addresses" { "Addresses of the nodes" }
                    input #addresses name="addresses" spellcheck="false" placeholder="pi-1=10.0.0.2:7101, pi-2=…" aria-describedby="addresses-help";
                }
                button { "Download" }
            }
            p.help.near #addresses-help { "Nomad and Compose need the address of each node, with commas between." }
        }
    }
}

/// Returns the query as the API takes it: the addresses, which stand in one field, as one parameter each.
fn of_api(query: &str) -> String {
    let mut of_api = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == "addresses" {
            for address in value.split([',', ' ']).filter(|address| !address.is_empty()) {
                of_api.append_pair("address", address);
            }
        } else {
            of_api.append_pair(&name, &value);
        }
    }
    of_api.finish()
}

/// Returns an export as a file.
pub(super) async fn download(
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = id_of(IdKind::Placement, &id)?;
    let path = format!("/v1/placements/{id}/export?{}", of_api(&query.unwrap_or_default()));
    let mut response = visitor.send(Method::GET, &path, HeaderMap::new(), Body::empty()).await?;
    // The browser saves it and does not show it.
    let disposition = response.headers().get(header::CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    let saved = disposition.map(|text| text.replacen("inline", "attachment", 1));
    if let Some(saved) = saved.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::of_api;

    #[test]
    fn each_address_is_a_parameter() {
        assert_eq!(of_api("format=svg&addresses="), "format=svg");
        assert_eq!(
            of_api("image=r%3A1&addresses=a%3D1%3A2%2C+b%3D3%3A4"),
            "image=r%3A1&address=a%3D1%3A2&address=b%3D3%3A4"
        );
    }
}
