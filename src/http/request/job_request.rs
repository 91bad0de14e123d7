//! The body of `POST /v1/jobs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutpoint_planner::domain::base::BasePlacement;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::occupant::Occupant;
use cutpoint_planner::domain::options::{
    Constraints, CostModel, Objective, PipelineOptions, PlanOptions, SolverOptions,
};
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::request::PlanRequest;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::api::{Api, Limits};
use crate::http::gate::caller::Caller;
use crate::http::problem::Problem;
use crate::http::request::body::{Document, document};
use crate::http::request::inputs::{self, Inputs};
use crate::http::request::limits::{MOST_LABELS, fits};
use crate::store::NewJob;

document! {
    /// What to plan: a model and a cluster, each inline or by its id. Everything else has a default.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct JobRequest {
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
        /// What to optimise; by default the throughput.
        #[schema(nullable = false)]
        pub objective: Option<Objective>,
        /// How many pipelines the placement may have, each on nodes of its own; one where this is absent.
        #[schema(nullable = false)]
        pub pipelines: Option<PipelineOptions>,
        /// The constraints on the placement.
        #[schema(nullable = false)]
        pub constraints: Option<Constraints>,
        /// How memory, transfers and compute are counted.
        #[schema(nullable = false)]
        pub cost_model: Option<CostModel>,
        /// The algorithm and its limits.
        #[schema(nullable = false)]
        pub solver: Option<SolverOptions>,
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
        /// Labels of the job and its placement, by which lists can be filtered. At most 64.
        #[schema(nullable = false)]
        pub labels: Option<BTreeMap<String, String>>,
    }
}

struct Draft {
    inputs: Inputs,
    options: PlanOptions,
    labels: BTreeMap<String, String>,
}

impl JobRequest {
    /// Reads a body and resolves its references. Returns the job, and its request with the size of its JSON.
    ///
    /// # Errors
    /// 404 if the only faults are unknown ids, else 422 with every fault.
    pub async fn read(
        api: &Api,
        caller: &Caller,
        document: Document,
    ) -> Result<(NewJob, (Arc<PlanRequest>, usize)), Problem> {
        let (bytes, limits) = (document.bytes, api.limits);
        let idempotency = document.idempotency.clone();
        let (reader, Draft { inputs, options, labels }) =
            document.draft(move |reader, value| read_draft(reader, value, &limits)).await?;
        let named_placements = inputs.named_placements();
        let resolved = inputs::resolve(api, &caller.tenant, reader, inputs, options, bytes).await?;
        let (request, cluster) = (Arc::new(resolved.request), resolved.cluster);
        let model = inputs::stored_or_inline(resolved.model, &request.model).await;
        let options = request.options.clone();
        let (tenant, key_id) = (caller.tenant.clone(), caller.key_id.clone());
        let job = NewJob { tenant, key_id, model, cluster, options, labels, named_placements, idempotency };
        Ok((job, (request, resolved.bytes)))
    }
}

fn read_draft(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<Draft> {
    let map = reader.object(value, JobRequest::FIELDS)?;
    if !limits.admit_constraints(reader, map) {
        return None;
    }
    let inputs = Inputs::read(reader, map, limits);
    let mut options = PlanOptions::read(reader, map);
    limits.bound_time(reader, map, &mut options.solver);
    let labels = fits(reader, map.get("labels"), "labels", MOST_LABELS)
        .then(|| reader.optional(map, "labels", Reader::labels))
        .flatten()
        .unwrap_or_default();
    Some(Draft { inputs, options, labels })
}
