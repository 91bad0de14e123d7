//! What is done with deployments: say what runs, plan several together, and ask what happens when a node is lost.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::deployments::{ApplyError, Resilience, Together, TogetherError};
use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::{MayPlan, MayRead};
use crate::http::json;
use crate::http::problem::responses::{
    BadBody, BadParameter, Conflict, Internal, Invalid, NotFound, Refused, Slow, StorageFull, TooLarge, Unavailable,
    WrongMedia,
};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::body::Document;
use crate::http::request::deployment_request::{AppliedRequest, TogetherRequest, read_applied, read_together};
use crate::http::request::query::NoParameters;
use crate::http::routes::deployments::{answer, deployment_id};
use crate::jobs::ApartError;
use crate::store::Deployment;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(apply_deployment))
        .routes(routes!(plan_deployments))
        .routes(routes!(get_deployment_resilience))
}

/// Say what runs
///
/// The placement is the proposed one, or an earlier one of the history. It is evaluated on the newest revision of the
/// cluster beside what else runs there; with a proposal that was made together with others, without what these others still
/// run. If it is not valid, `errors` lists every violation, and nothing is stored.
#[utoipa::path(
    post, path = "/v1/deployments/{id}/applied", tag = "deployments", security(("key" = ["plan"])),
    params(("id" = String, Path, description = "The deployment.")),
    request_body = AppliedRequest,
    responses(
        (status = 200, description = "The deployment, with what runs now.", body = Deployment, headers(("ETag" = String))),
        BadBody, Slow, NotFound, Conflict, TooLarge, WrongMedia, Invalid, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn apply_deployment(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    _: NoParameters,
    document: Document,
) -> Result<Response, Problem> {
    let id = deployment_id(&id)?;
    api.store.deployment(&caller.tenant, &id).await?;
    let (placement_id, revision) = document.read(read_applied).await?;
    let placement_id = Id::parse(IdKind::Placement, &placement_id).ok_or_else(|| {
        let detail = format!("{placement_id:?} was never proposed for {id}");
        Problem::new(ProblemType::Conflict, detail)
    })?;
    let applied = api.deployments.apply(&caller.tenant, &id, &placement_id, revision).await?;
    Ok(answer(StatusCode::OK, &applied))
}

/// Plan deployments together
///
/// They are planned one after the other, in the best of several orders within the time limit, and the placements are
/// proposed.
#[utoipa::path(
    post, path = "/v1/deployments/plan", tag = "deployments", security(("key" = ["plan"])),
    request_body = TogetherRequest,
    responses(
        (status = 200, description = "The order, and what is proposed.", body = Together),
        BadBody, Slow, NotFound, Conflict, TooLarge, WrongMedia, Invalid, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn plan_deployments(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    _: NoParameters,
    document: Document,
) -> Result<Response, Problem> {
    let limits = api.limits;
    let (ids, limit_s) = document.read(move |reader, value| read_together(reader, value, &limits)).await?;
    let ids: Vec<Id> = ids.iter().map(|id| deployment_id(id)).collect::<Result<_, _>>()?;
    let limit = Duration::try_from_secs_f64(limit_s).unwrap_or(Duration::MAX);
    let together = api.deployments.plan_together(&caller.tenant, &ids, limit).await?;
    Ok(json::value(StatusCode::OK, &together))
}

/// Read what is done when a node is lost
///
/// Placements for the loss of each node that the deployment uses are planned ahead, in idle time.
#[utoipa::path(
    get, path = "/v1/deployments/{id}/resilience", tag = "deployments", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The deployment.")),
    responses(
        (status = 200, description = "What is known of the loss of each node.", body = Resilience),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_deployment_resilience(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    _: NoParameters,
) -> Result<Response, Problem> {
    let resilience = api.deployments.resilience(&caller.tenant, &deployment_id(&id)?).await?;
    Ok(json::value(StatusCode::OK, &resilience))
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        let detail = error.to_string();
        match error {
            ApplyError::NotProposed { .. } => Self::new(ProblemType::Conflict, detail),
            ApplyError::Invalid { violations, .. } => {
                Self::new(ProblemType::Conflict, detail).with_errors(violations.iter().map(fault).collect())
            }
            ApplyError::Restless => Self::new(ProblemType::Unavailable, detail),
            ApplyError::Store(error) => error.into(),
        }
    }
}

/// Returns a violation as a fault of the request's placement.
fn fault(violation: &Value) -> Fault {
    let text = |member: &Value| member.as_str().map(str::to_owned);
    let only = |members: &Value| members.as_array().filter(|ids| ids.len() == 1).and_then(|ids| text(&ids[0]));
    let code = violation["code"].as_str().unwrap_or_default();
    let detail = format!("{code}: {}", violation["detail"].as_str().unwrap_or_default());
    let action = "Apply another placement, or change the cluster";
    let mut fault = Fault::new("/placement_id", FaultCode::Conflict, detail, action);
    fault.node_id = only(&violation["node_ids"]);
    fault.layer_id = only(&violation["layer_ids"]);
    fault
}

impl From<TogetherError> for Problem {
    fn from(error: TogetherError) -> Self {
        let detail = error.to_string();
        match error {
            TogetherError::SeveralClusters | TogetherError::Changed => Self::new(ProblemType::Conflict, detail),
            TogetherError::Apart(ApartError::Busy | ApartError::Closing) => Self::new(ProblemType::Unavailable, detail),
            TogetherError::Apart(error) => Self::internal(error),
            TogetherError::Store(error) => error.into(),
        }
    }
}
