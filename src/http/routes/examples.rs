//! `/v1/examples`: ready bodies for `POST /v1/jobs`, from the files in `examples/`.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cutpoint_planner::domain::hash::content_hash;
use cutpoint_planner::domain::unit::{bytes_text, counted};
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
    #[serde(default)]
    layers: Vec<LayerSize>,
}

/// The size of a layer of a model.
#[derive(Deserialize)]
struct LayerSize {
    #[serde(default)]
    param_bytes: u64,
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
        "models" => (ExampleKind::Model, model_words(&name, &about)),
        "clusters" => (ExampleKind::Cluster, about.description.or(about.name)?),
        _ => return None,
    };
    Some(Example { name, kind, description })
}

/// What the models are for. The descriptions of their files say where the profiles come from.
const PURPOSES: [(&str, &str); 16] = [
    ("AlexNet", "Classifies images, as in 2012"),
    ("BERT-base", "Encodes texts of 128 tokens"),
    ("DenseNet121", "Classifies images; every layer of a block reads all before it"),
    ("EfficientNetB1", "Classifies images on small devices"),
    ("EfficientNetV2L", "Classifies images; large"),
    ("GPT2", "Continues texts of 128 tokens"),
    ("InceptionResNetV2", "Classifies images in branches, with residuals"),
    ("Llama-3-8B", "Continues texts; a large language model"),
    ("MobileNetV2", "Classifies images on phones"),
    ("NASNetLarge", "Classifies images; found by search, with many branches"),
    ("NASNetMobile", "Classifies images on phones; found by search"),
    ("ResNet50", "Classifies images, with residuals"),
    ("SqueezeNet1.1", "Classifies images with few parameters"),
    ("VGG16", "Classifies images in one line of layers; heavy"),
    ("ViT-B16", "Classifies images with a transformer"),
    ("YOLOv5s-like", "Finds objects in images"),
];

/// Returns what a model is for, and how large it is.
fn model_words(name: &str, about: &About) -> String {
    let purpose = PURPOSES.iter().find(|(model, _)| *model == name).map(|(_, purpose)| *purpose);
    let purpose = purpose.or(about.description.as_deref()).unwrap_or(name);
    let param_bytes = about.layers.iter().map(|layer| layer.param_bytes).sum();
    format!("{purpose}. {}, {}", counted(about.layers.len() as u64, "layer"), bytes_text(param_bytes))
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
