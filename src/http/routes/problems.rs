//! `/problems/{name}`: the pages that a problem's `type` refers to.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::Api;
use crate::http::json;
use crate::http::problem::responses::{BadParameter, Internal, NotFound, Unavailable};
use crate::http::problem::{Problem, ProblemType};

/// A type of problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDescription {
    /// Its path, as in `type`.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub problem_type: &'static str,
    /// Its HTTP status.
    pub status: u16,
    /// A short title.
    pub title: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

/// Every type of problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemList {
    /// The types.
    pub items: Vec<ProblemDescription>,
}

impl From<ProblemType> for ProblemDescription {
    fn from(kind: ProblemType) -> Self {
        Self { problem_type: kind.uri(), status: kind.status().as_u16(), title: kind.title(), action: kind.action() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_problems)).routes(routes!(get_problem))
}

/// List the types of problem
#[utoipa::path(
    get, path = "/problems", tag = "service",
    responses((status = 200, description = "Every type.", body = ProblemList), Internal, Unavailable)
)]
async fn list_problems() -> Response {
    let items = ProblemType::ALL.into_iter().map(ProblemDescription::from).collect();
    json::value(StatusCode::OK, &ProblemList { items })
}

/// Read about a type of problem
#[utoipa::path(
    get, path = "/problems/{name}", tag = "service",
    params(("name" = String, Path, description = "The last part of a problem's type.", example = "not-found")),
    responses((status = 200, description = "The type.", body = ProblemDescription), BadParameter, NotFound, Internal, Unavailable)
)]
async fn get_problem(Path(name): Path<String>) -> Result<Response, Problem> {
    let kind = ProblemType::ALL.into_iter().find(|kind| kind.uri().strip_prefix("/problems/") == Some(&name));
    let kind = kind.ok_or_else(|| Problem::not_found("type of problem", &name))?;
    Ok(json::value(StatusCode::OK, &ProblemDescription::from(kind)))
}
