//! What a placement is worth on a cluster beside what else runs there.

use std::collections::BTreeSet;
use std::sync::Arc;

use cutpoint_planner::check::{evaluate, evaluate_pipelines};
use cutpoint_planner::diff;
use cutpoint_planner::domain::base::BasePlacement;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::known_compute::ClusterSource;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::occupant::{Occupant, OccupantEffect};
use cutpoint_planner::domain::options::{Objective, PlanOptions};
use cutpoint_planner::domain::placed::{Placed, PlacedPipeline};
use cutpoint_planner::domain::placement::Stage;
use cutpoint_planner::domain::proposal::StageProposal;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::{Value, json};

use super::policy::Figures;

/// What a placement costs, and everything that is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Its figures; absent where a stage or a hop has no time.
    pub(crate) figures: Option<Figures>,
    /// Its violations, as JSON.
    pub(crate) violations: Vec<Value>,
    /// What it does to occupants.
    pub(crate) effects: Vec<OccupantEffect>,
    /// The stages of its pipelines.
    pub(crate) pipelines: Vec<Vec<Stage>>,
}

impl Outcome {
    /// Returns that of a placement where there is no cluster.
    pub(crate) fn nothing() -> Self {
        Self { figures: None, violations: Vec::new(), effects: Vec::new(), pipelines: Vec::new() }
    }

    /// Returns its figures if nothing is wrong.
    pub(crate) fn valid(&self) -> Option<Figures> {
        self.figures.filter(|_| self.violations.is_empty())
    }

    /// Returns the nodes and switches between the ends of its transfers.
    pub(crate) fn passed(&self) -> BTreeSet<String> {
        let routes = self.pipelines.iter().flatten().flat_map(|stage| {
            let receive = stage.receive.as_ref().map(|receive| &receive.route);
            receive.into_iter().chain(stage.send.as_ref().map(|send| &send.route))
        });
        let between = |route: &Vec<String>| route.iter().skip(1).rev().skip(1).cloned().collect::<Vec<_>>();
        routes.flat_map(between).collect()
    }
}

/// What is placed: a model with its options.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) model: Arc<ModelProfile>,
    pub(crate) options: PlanOptions,
}

impl Subject {
    /// Returns the request to place it, beside occupants, from a base.
    ///
    /// # Errors
    /// The options do not fit the cluster any more.
    pub(crate) fn request(
        &self,
        cluster: &Arc<ClusterInventory>,
        occupants: Vec<Occupant>,
        base: Option<BasePlacement>,
    ) -> Result<PlanRequest, Vec<Fault>> {
        let has_base = base.is_some();
        let mut options = PlanOptions { occupants, base, ..self.options.clone() };
        if !has_base {
            options.max_period_ratio = None;
        }
        // A lost node needs no exclusion.
        options.constraints.exclude_nodes.retain(|id| cluster.node_index(id).is_some());
        let mut reader = Reader::new();
        let cluster = (ClusterSource::ById, Some(cluster.clone()));
        let request = PlanRequest::assemble(&mut reader, Some(self.model.clone()), cluster, options);
        reader.finish(request)
    }

    /// Evaluates a placement of it.
    pub(crate) fn evaluate(
        &self,
        cluster: &Arc<ClusterInventory>,
        occupants: Vec<Occupant>,
        placed: &Placed,
    ) -> Outcome {
        match self.request(cluster, occupants, None) {
            Ok(request) => evaluated(&request, placed),
            Err(faults) => {
                let violation = |fault: Fault| json!({"code": "node_not_eligible", "detail": fault.to_string()});
                let violations = faults.into_iter().map(violation).collect();
                Outcome { violations, ..Outcome::nothing() }
            }
        }
    }

    /// Returns `true` if plans can start from what runs.
    pub(crate) fn takes_base(&self) -> bool {
        self.options.objective == Objective::MaxThroughput
    }

    /// Returns the bytes to ship from one placement to another.
    pub(crate) fn shipped_bytes(&self, cluster: &Arc<ClusterInventory>, from: &Placed, to: &Placed) -> u64 {
        diff(&self.model, cluster, from, to).shipped_bytes
    }
}

fn evaluated(request: &PlanRequest, placed: &Placed) -> Outcome {
    let pipelines: Vec<Vec<StageProposal>> = placed.pipelines.iter().map(stages).collect();
    let figures =
        |period_s: Option<f64>, latency_s: Option<f64>| Some(Figures { period_s: period_s?, latency_s: latency_s? });
    if let ([stages], false) = (pipelines.as_slice(), request.options.wants_several()) {
        let evaluation = evaluate(request, stages);
        return Outcome {
            figures: figures(evaluation.period_s, evaluation.latency_s),
            violations: evaluation.violations.iter().map(|violation| json!(violation)).collect(),
            effects: evaluation.occupants,
            pipelines: vec![evaluation.stages],
        };
    }
    let evaluation = evaluate_pipelines(request, &pipelines);
    Outcome {
        figures: figures(evaluation.period_s, evaluation.latency_s),
        violations: evaluation.violations.iter().map(|violation| json!(violation)).collect(),
        effects: evaluation.occupants,
        pipelines: evaluation.pipelines.into_iter().map(|pipeline| pipeline.stages).collect(),
    }
}

fn stages(pipeline: &PlacedPipeline) -> Vec<StageProposal> {
    let stage = |stage: &cutpoint_planner::domain::placed::PlacedStage| StageProposal {
        node_id: stage.node_id.clone(),
        layer_ids: stage.layer_ids.clone(),
    };
    pipeline.stages.iter().map(stage).collect()
}

/// Returns `true` if two placements put the same layers on the same nodes.
pub(crate) fn is_same(one: &Placed, other: &Placed) -> bool {
    one.pipelines.len() == other.pipelines.len()
        && one.pipelines.iter().zip(&other.pipelines).all(|(one, other)| stages(one) == stages(other))
}
