//! `POST /v1/evaluations`: the costs and violations of a placement that the caller proposes.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use cutpoint_planner::check::{StageProposal, evaluate, evaluate_pipelines};
use cutpoint_planner::domain::base::BasePlacement;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::occupant::Occupant;
use cutpoint_planner::domain::options::{Constraints, CostModel, Objective, PipelineOptions, PlanOptions};
use cutpoint_planner::domain::read::Reader;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::{Api, Limits};
use crate::http::compute::compute;
use crate::http::gate::caller::MayRead;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, Internal, Invalid, NotFound, Refused, Slow, TooLarge, Unavailable, WrongMedia,
};
use crate::http::request::body::{Document, document};
use crate::http::request::inputs::{self, Inputs};
use crate::http::request::proposal::{PipelineProposal, Proposal};
use crate::http::shapes::evaluation::Evaluation;

document! {
    /// What to score: a model and a cluster, each inline or by its id, and the proposed stages, of one
    /// pipeline or of several.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct EvaluationRequest {
        /// The id of a registered model. Alternatively give `model`.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub model_id: Option<String>,
        /// The model itself; it is not registered.
        #[schema(nullable = false)]
        pub model: Option<ModelProfile>,
        /// The id of a registered cluster. Alternatively give `cluster`.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub cluster_id: Option<String>,
        /// The revision of `cluster_id`; by default the newest.
        #[schema(nullable = false, minimum = 1, maximum = 9007199254740991_i64)]
        pub cluster_revision: Option<u64>,
        /// The cluster itself; it is not registered.
        #[schema(nullable = false)]
        pub cluster: Option<ClusterInventory>,
        /// What to optimise. With `min_nodes`, missing the target is a violation.
        #[schema(nullable = false)]
        pub objective: Option<Objective>,
        /// How many pipelines the placement may have; one where this is absent. More are a violation.
        #[schema(nullable = false)]
        pub pipelines: Option<PipelineOptions>,
        /// The constraints on the placement.
        #[schema(nullable = false)]
        pub constraints: Option<Constraints>,
        /// How memory, transfers and compute are counted.
        #[schema(nullable = false)]
        pub cost_model: Option<CostModel>,
        /// The running placement to replan from. Alternatively give `base_placement_id`.
        #[schema(nullable = false)]
        pub base: Option<BasePlacement>,
        /// The id of the running placement to replan from.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub base_placement_id: Option<String>,
        /// With a base: how many times the least period a placement may have in order to ship less; by default 1.
        #[schema(nullable = false, minimum = 1, maximum = 1e100)]
        pub max_period_ratio: Option<f64>,
        /// Placements of other models on the same cluster.
        #[schema(nullable = false)]
        pub occupants: Option<Vec<Occupant>>,
        /// The ids of stored placements on the same cluster, in addition to `occupants`; at most 100.
        #[schema(nullable = false)]
        pub occupied_by: Option<Vec<String>>,
        /// Passes per second of placements in `occupied_by` that run below their own rate, by their ids.
        #[schema(nullable = false)]
        pub occupant_rates_per_s: Option<BTreeMap<String, f64>>,
        /// The stages of one pipeline, in the order in which an input passes them. Alternatively give `proposed_pipelines`.
        #[schema(nullable = false)]
        pub stages: Option<Vec<StageProposal>>,
        /// Several pipelines, which are scored together at the rates with the largest sum.
        #[schema(nullable = false)]
        pub proposed_pipelines: Option<Vec<PipelineProposal>>,
    }
}

struct Draft {
    inputs: Inputs,
    options: PlanOptions,
    proposal: Option<Proposal>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_evaluation))
}

/// Score a proposed placement
///
/// Nothing is stored. The answer's `violations` name everything that is wrong with the placement. 422 means that a
/// document cannot be read.
#[utoipa::path(
    post, path = "/v1/evaluations", tag = "evaluations", security(("key" = ["read"])),
    request_body = EvaluationRequest,
    responses(
        (status = 200, description = "Costs and violations.", body = Evaluation),
        BadBody, Slow, NotFound, TooLarge, WrongMedia, Invalid, Refused, Internal, Unavailable,
    )
)]
async fn create_evaluation(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    document: Document,
) -> Result<Response, Problem> {
    let (bytes, limits) = (document.bytes, api.limits);
    let (reader, Draft { inputs, options, proposal }) =
        document.draft(move |reader, value| read_draft(reader, value, &limits)).await?;
    let resolved = inputs::resolve(&api, &caller.tenant, reader, inputs, options, bytes).await?;
    // An unreadable proposal has recorded its faults in the reader, which refuses the request.
    let proposal = proposal.unwrap_or(Proposal::Stages(Vec::new()));
    let checked_bytes = proposal.bytes_to_check(&resolved)?;
    let evaluation = compute(checked_bytes, move || match proposal {
        Proposal::Stages(stages) => Evaluation::from(evaluate(&resolved.request, &stages)),
        Proposal::Pipelines(pipelines) => Evaluation::from(evaluate_pipelines(&resolved.request, &pipelines)),
    });
    Ok(json::value(StatusCode::OK, &evaluation.await))
}

fn read_draft(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<Draft> {
    let map = reader.object(value, EvaluationRequest::FIELDS)?;
    if !limits.admit_constraints(reader, map) {
        return None;
    }
    let inputs = Inputs::read(reader, map, limits);
    let options = PlanOptions::read(reader, map);
    let proposal = Proposal::read(reader, map, limits);
    Some(Draft { inputs, options, proposal })
}
