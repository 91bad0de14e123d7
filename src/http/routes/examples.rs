//! `/v1/examples`: ready bodies for `POST /v1/jobs`, from the files in `examples/`.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cutpoint_planner::domain::hash::content_hash;
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::gate::caller::MayRead;
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{BadParameter, Internal, NotFound, Refused, Unavailable};
use crate::http::request::job_request::JobRequest;
use crate::http::request::query::NoParameters;

#[derive(RustEmbed)]
#[folder = "examples/"]
#[allow_missing = true]
struct Files;

/// The kind of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExampleKind {
    /// A whole request.
    Request,
    /// A model, on a cluster of five nodes.
    Model,
    /// A cluster, with a small model.
    Cluster,
}

/// An example.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Example {
    /// Its name. `/v1/examples/{name}` returns the body.
    pub name: String,
    /// Its kind.
    pub kind: ExampleKind,
    /// A description.
    pub description: String,
}

/// Every example.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleList {
    /// The examples.
    pub items: Vec<Example>,
}

/// The cluster for examples of models. All of them fit on it.
const COMPANION_CLUSTER: &str = "clusters/mixed-site.json";

/// The model for examples of clusters. It fits on all of them.
const COMPANION_MODEL: &str = "models/MobileNetV2.json";

/// The members of a file that are used for its description.
#[derive(Default, Deserialize)]
struct About {
    name: Option<String>,
    description: Option<String>,
    model: Option<Box<About>>,
    cluster: Option<Box<About>>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_examples)).routes(routes!(get_example))
}

/// List the examples
#[utoipa::path(
    get, path = "/v1/examples", tag = "examples", security(("key" = ["read"])),
    responses((status = 200, description = "Every example.", body = ExampleList), BadParameter, Refused, Internal, Unavailable)
)]
async fn list_examples(_caller: MayRead, _: NoParameters) -> Result<Response, Problem> {
    let items = tokio::task::spawn_blocking(examples).await.map_err(Problem::internal)?;
    Ok(json::value(StatusCode::OK, &ExampleList { items }))
}

/// Read an example
///
/// The answer is a body for `POST /v1/jobs`. An example of a model contains a matching cluster, and the other way
/// round.
#[utoipa::path(
    get, path = "/v1/examples/{name}", tag = "examples", security(("key" = ["read"])),
    params(
        ("name" = String, Path, description = "The example's name.", example = "resnet50-radio-5"),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
    ),
    responses(
        (status = 200, description = "The body.", body = JobRequest, headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_example(
    _caller: MayRead,
    Path(name): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let body = body(&name).ok_or_else(|| Problem::not_found("example", &name))?;
    let (etag, body) = compute(body.len(), || (ETag::new(content_hash(&body)), body)).await;
    Ok(if etag.is_known(&headers) { etag.not_modified() } else { etag.on(json::text(StatusCode::OK, body)) })
}

/// Returns every example, sorted by kind and name.
pub fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Files::iter().filter_map(|path| example(&path)).collect();
    examples.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    examples
}

fn example(path: &str) -> Option<Example> {
    let (folder, file) = path.split_once('/')?;
    let name = file.strip_suffix(".json")?.to_owned();
    let about: About = serde_json::from_str(&text(path)?).ok()?;
    let (kind, description) = match folder {
        "requests" => {
            let name_of = |about: Option<Box<About>>| about.and_then(|about| about.name).unwrap_or_default();
            (ExampleKind::Request, format!("{} on {}", name_of(about.model), name_of(about.cluster)))
        }
        "models" => (ExampleKind::Model, about.description.or(about.name)?),
        "clusters" => (ExampleKind::Cluster, about.description.or(about.name)?),
        _ => return None,
    };
    Some(Example { name, kind, description })
}

/// Returns the body of the example with this name. A name cannot contain a path, so that it cannot lead to other files.
pub fn body(name: &str) -> Option<String> {
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return None;
    }
    let of = |folder: &str| text(&format!("{folder}/{name}.json"));
    let together = |model: &str, cluster: &str| format!("{{\"model\":{model},\"cluster\":{cluster}}}");
    if let Some(request) = of("requests") {
        return Some(request);
    }
    if let Some(model) = of("models") {
        return Some(together(&model, &text(COMPANION_CLUSTER)?));
    }
    Some(together(&text(COMPANION_MODEL)?, &of("clusters")?))
}

fn text(path: &str) -> Option<String> {
    String::from_utf8(Files::get(path)?.data.into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_planner::domain::request::PlanRequest;

    #[test]
    fn every_example_has_a_name_of_its_own_and_a_body_without_faults() {
        let examples = examples();
        let names: std::collections::BTreeSet<&str> = examples.iter().map(|example| example.name.as_str()).collect();
        assert_eq!(names.len(), examples.len());
        for example in &examples {
            let body = serde_json::from_str(&body(&example.name).unwrap()).unwrap();
            PlanRequest::from_json(&body).unwrap_or_else(|faults| panic!("{}: {faults:?}", example.name));
            assert!(!example.description.is_empty(), "{}", example.name);
        }
    }
}
