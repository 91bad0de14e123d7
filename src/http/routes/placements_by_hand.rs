//! `POST /v1/placements`: stores a placement that somebody made by hand.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::check::{StageProposal, Violation};
use cutpoint_planner::domain::base::BasePlacement;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::occupant::Occupant;
use cutpoint_planner::domain::options::{Constraints, CostModel, Objective, PipelineOptions, PlanOptions};
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::{KnownBound, by_hand};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::http::api::{Api, Limits};
use crate::http::compute::compute;
use crate::http::gate::caller::MayPlan;
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, Internal, InvalidOrReused, NotFound, Refused, Slow, StorageFull, TooLarge, Unavailable, WrongMedia,
};
use crate::http::request::body::{Document, document};
use crate::http::request::inputs::{self, Inputs, Resolved};
use crate::http::request::limits::{MOST_LABELS, fits};
use crate::http::request::proposal::{PipelineProposal, Proposal};
use crate::http::request::stored::found;
use crate::http::shapes::joined::Placement;
use crate::store::{JobCluster, NewPlacement, Placement as StoredPlacement};

document! {
    /// A placement that somebody made by hand: a model and a cluster, each inline or by its id, and the stages, of one
    /// pipeline or of several.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct PlacementRequest {
        /// The id of a registered model. Alternatively give `model`.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub model_id: Option<String>,
        /// The model itself. The request registers it.
        #[schema(nullable = false)]
        pub model: Option<ModelProfile>,
        /// The id of a registered cluster. Alternatively give `cluster`.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub cluster_id: Option<String>,
        /// The revision of `cluster_id`; by default the newest.
        #[schema(nullable = false, minimum = 1, maximum = 9007199254740991_i64)]
        pub cluster_revision: Option<u64>,
        /// The cluster itself. The request registers it.
        #[schema(nullable = false)]
        pub cluster: Option<ClusterInventory>,
        /// What to optimise; by default the throughput. With `min_nodes`, missing the target is a violation.
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
        /// The id of a stored placement that these stages were changed from. What is proven of its request holds here, too, if
        /// model, cluster, revision and all options but `solver` are the same.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub origin_placement_id: Option<String>,
        /// Labels of the placement, by which lists can be filtered. At most 64.
        #[schema(nullable = false)]
        pub labels: Option<BTreeMap<String, String>>,
    }
}

struct Draft {
    inputs: Inputs,
    options: PlanOptions,
    proposal: Option<Proposal>,
    origin: Option<String>,
    labels: BTreeMap<String, String>,
}

/// Store a placement made by hand
///
/// The independent checker evaluates it like an evaluation. A placement that breaks a rule is not stored: 422 names every
/// violation. One that is stored is like the result of a job, with the termination `by_hand` and without `job_id`. It can be
/// explained, compared, exported and measured. Its bound is that of `origin_placement_id`, or 0.
#[utoipa::path(
    post, path = "/v1/placements", tag = "placements", security(("key" = ["plan"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key returns the same placement."),
    ),
    request_body = PlacementRequest,
    responses(
        (status = 201, description = "Stored.", body = Placement, headers(("Location" = String), ("ETag" = String))),
        BadBody, Slow, NotFound, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
pub(crate) async fn create_placement(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    document: Document,
) -> Result<Response, Problem> {
    let (bytes, limits, idempotency) = (document.bytes, api.limits, document.idempotency.clone());
    let (mut reader, Draft { inputs, options, proposal, origin, labels }) =
        document.draft(move |reader, value| read_draft(reader, value, &limits)).await?;
    let origin = match &origin {
        Some(id) => read_origin(&api, &caller.tenant, &mut reader, id).await?,
        None => None,
    };
    let resolved = inputs::resolve(&api, &caller.tenant, reader, inputs, options, bytes).await?;
    // An unreadable proposal has recorded its faults in the reader, which refuses the request.
    let proposal = proposal.unwrap_or(Proposal::Stages(Vec::new()));
    let checked_bytes = proposal.bytes_to_check(&resolved)?;
    let known = match &origin {
        Some(origin) => known_bound(origin, &resolved)?,
        None => KnownBound::default(),
    };
    let (pipelines, are_several) = proposal.into_pipelines();
    let Resolved { request, model, cluster, .. } = resolved;
    let (request, checked) = compute(checked_bytes, move || {
        let checked = by_hand(&request, &pipelines, known);
        (request, checked)
    })
    .await;
    let document = checked.map_err(|violations| refused(violations, are_several))?;
    let model = inputs::stored_or_inline(model, &request.model).await;
    let placement = NewPlacement::new(model, cluster, &request.options, labels, &document);
    let row = api.store.insert_placement(&caller.tenant, placement, idempotency).await?.row;
    let location = format!("/v1/placements/{}", row.summary.id);
    let body = json::with_member(&row.summary, "placement", &row.document)?;
    let response = ETag::new(&row.summary.id).on(json::text(StatusCode::CREATED, body));
    Ok(([(header::LOCATION, location)], response).into_response())
}

fn read_draft(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<Draft> {
    let map = reader.object(value, PlacementRequest::FIELDS)?;
    if !limits.admit_constraints(reader, map) {
        return None;
    }
    let inputs = Inputs::read(reader, map, limits);
    let options = PlanOptions::read(reader, map);
    let proposal = Proposal::read(reader, map, limits);
    let origin = reader.optional(map, "origin_placement_id", Reader::id);
    let labels = fits(reader, map.get("labels"), "labels", MOST_LABELS)
        .then(|| reader.optional(map, "labels", Reader::labels))
        .flatten()
        .unwrap_or_default();
    Some(Draft { inputs, options, proposal, origin, labels })
}

async fn read_origin(
    api: &Api,
    tenant: &Tenant,
    reader: &mut Reader,
    id: &str,
) -> Result<Option<StoredPlacement>, Problem> {
    let row = match Id::parse(IdKind::Placement, id) {
        Some(id) => found(api.store.placement(tenant, &id).await)?,
        None => None,
    };
    if row.is_none() {
        let detail = format!("there is no placement {id:?}");
        let action = "Give the id of a stored placement, or leave it out";
        reader.fault_at(&["origin_placement_id".into()], FaultCode::UnknownReference, detail, action);
    }
    Ok(row)
}

/// Returns what is proven of the request, if the origin answers the same one.
fn known_bound(origin: &StoredPlacement, resolved: &Resolved) -> Result<KnownBound, Problem> {
    let summary = &origin.summary;
    let same_cluster = matches!(&resolved.cluster, JobCluster::Registered { id, revision }
        if *id == summary.cluster_id && *revision == summary.cluster_revision);
    let Some(options) = origin.options.as_deref().filter(|_| same_cluster) else { return Ok(KnownBound::default()) };
    if resolved.model.as_ref() != Some(&summary.model_id) {
        return Ok(KnownBound::default());
    }
    let mut reader = Reader::new();
    let asked = match serde_json::from_str(options).map_err(Problem::internal)? {
        Value::Object(map) => PlanOptions::read(&mut reader, &map),
        _ => return Ok(KnownBound::default()),
    };
    let options = &resolved.request.options;
    let asked = PlanOptions { solver: options.solver, ..asked };
    if reader.finish(Some(())).is_err() || asked != *options {
        return Ok(KnownBound::default());
    }
    let document: PlacementDocument = serde_json::from_str(&origin.document).map_err(Problem::internal)?;
    Ok(KnownBound::of(&document))
}

/// Returns the violations as faults at their stages.
fn refused(violations: Vec<Violation>, are_several: bool) -> Problem {
    let fault = |violation: Violation| {
        let place = if are_several {
            let pipeline = violation.pipeline_index.map(|index| format!("/{index}"));
            let stage = violation.stage_index.filter(|_| pipeline.is_some()).map(|index| format!("/stages/{index}"));
            format!("/proposed_pipelines{}{}", pipeline.unwrap_or_default(), stage.unwrap_or_default())
        } else {
            format!("/stages{}", violation.stage_index.map(|index| format!("/{index}")).unwrap_or_default())
        };
        let action = "Change the stages, or what the request asks of them";
        Fault::new(place, FaultCode::Violation, violation.detail, action)
    };
    Problem::invalid_request(violations.into_iter().map(fault).collect())
}
