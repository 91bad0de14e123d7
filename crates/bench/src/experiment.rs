//! The experiment: every algorithm on every instance, and what is proven about each instance.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::{
    Algorithm, ComputeModel, CostModel, CutPolicy, MemoryModel, PlanOptions, SolverOptions,
};
use cutpoint_planner::domain::placement::{CutsConsidered, PlacementDocument, Status, Termination};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::counted;
use cutpoint_planner::env::NoProgress;
use cutpoint_planner::{Env, plan};
use serde::Serialize;

use super::cluster::Places;
use crate::interrupt::{Interrupt, RunEnd};

/// The published algorithms, the weakest first.
pub(super) const BASELINES: [Algorithm; 3] = [Algorithm::Random, Algorithm::Greedy, Algorithm::Kpath];

/// All algorithms that are compared.
pub(super) const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Random, Algorithm::Greedy, Algorithm::Kpath, Algorithm::Exact];

/// The design of an experiment: what is run.
pub(super) struct Design {
    pub(super) models: Vec<Arc<ModelProfile>>,
    /// Numbers of nodes, ascending.
    pub(super) nodes: Vec<usize>,
    /// Memory of each node, in MiB, ascending.
    pub(super) memory_mib: Vec<u64>,
    pub(super) clusters: usize,
    pub(super) seed: u64,
    pub(super) time_limit_s: f64,
}

/// A model, a number of nodes and a memory. A cell has one instance for each cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Cell {
    pub(super) model: String,
    pub(super) nodes: usize,
    pub(super) memory_mib: u64,
}

/// The answer of one algorithm for an instance.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) algorithm: Algorithm,
    pub(super) status: Status,
    pub(super) termination: Termination,
    pub(super) stages: usize,
    pub(super) period_s: Option<f64>,
    pub(super) least_period_s: Option<f64>,
    pub(super) latency_s: Option<f64>,
    pub(super) lower_bound_s: Option<f64>,
    pub(super) gap: Option<f64>,
    pub(super) cuts: Option<CutsConsidered>,
    pub(super) solve_s: f64,
}

/// How an instance is counted, by the answer of the exact algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// It has a hop and a proven optimum, so ratios to the optimum are defined.
    Compared,
    /// One node suffices, and the optimum is 0.
    OneStage,
    /// Proven to have no placement.
    Infeasible,
    /// The time limit ended the search before a proof.
    Unproven,
}

/// A cell on one cluster, with the run of each of [`ALGORITHMS`].
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) cell: Cell,
    pub(super) cluster: usize,
    pub(super) runs: [Run; ALGORITHMS.len()],
}

impl Instance {
    /// Returns an algorithm's run.
    pub(super) fn run(&self, algorithm: Algorithm) -> &Run {
        // Every algorithm of [`ALGORITHMS`] has a run. For another one, the run of the exact
        // algorithm is returned.
        self.runs.iter().find(|run| run.algorithm == algorithm).unwrap_or(&self.runs[ALGORITHMS.len() - 1])
    }

    /// Returns how the instance is counted.
    pub(super) fn kind(&self) -> Kind {
        let exact = self.run(Algorithm::Exact);
        match (exact.status, exact.period_s) {
            (Status::Infeasible, _) => Kind::Infeasible,
            (Status::Optimal, Some(0.0)) => Kind::OneStage,
            (Status::Optimal, Some(_)) => Kind::Compared,
            _ => Kind::Unproven,
        }
    }

    /// Returns an algorithm's period / optimum, or `None` if the instance is not compared or the
    /// algorithm found no placement.
    pub(super) fn ratio(&self, algorithm: Algorithm) -> Option<f64> {
        let optimum_s = self.run(Algorithm::Exact).period_s.filter(|_| self.kind() == Kind::Compared)?;
        self.run(algorithm).period_s.map(|period_s| period_s / optimum_s)
    }
}

impl Design {
    /// Returns the number of all instances.
    pub(super) fn instances(&self) -> usize {
        self.models.len() * self.nodes.len() * self.memory_mib.len() * self.clusters
    }

    /// Runs all algorithms on all instances, and calls `done` after each instance.
    ///
    /// The outer loop is over clusters, so that an interrupted experiment covers all cells evenly.
    /// The instance that an interrupt ends is left out.
    pub(super) fn run(&self, interrupt: &Interrupt, done: &mut dyn FnMut(&Instance)) -> anyhow::Result<Vec<Instance>> {
        let most_nodes = self.nodes.iter().copied().max().unwrap_or(0);
        let places = Places::draw(self.seed, self.clusters, most_nodes);
        let mut instances = Vec::with_capacity(self.instances());
        for cluster in 0..self.clusters {
            for &nodes in &self.nodes {
                for &memory_mib in &self.memory_mib {
                    let inventory = Arc::new(places.inventory(cluster, nodes, memory_mib)?);
                    for model in &self.models {
                        let cell = Cell { model: model.name.clone(), nodes, memory_mib };
                        let place = format!(
                            "{} on {} of {memory_mib} MiB, cluster {cluster}",
                            model.name,
                            counted(nodes, "node")
                        );
                        let run = |algorithm| {
                            let request = self.request(model, &inventory, cluster, algorithm);
                            run_one(&request, interrupt).with_context(|| place.clone())
                        };
                        let [random, greedy, kpath, exact] = ALGORITHMS.map(run);
                        let instance = Instance { cell, cluster, runs: [random?, greedy?, kpath?, exact?] };
                        if interrupt.has_come() {
                            return Ok(instances);
                        }
                        no_answer_beats_the_proof(&instance).context(place)?;
                        done(&instance);
                        instances.push(instance);
                    }
                }
            }
        }
        Ok(instances)
    }

    fn request(
        &self,
        model: &Arc<ModelProfile>,
        cluster: &Arc<ClusterInventory>,
        number: usize,
        algorithm: Algorithm,
    ) -> PlanRequest {
        let cost_model = paper_costs();
        let seed = self.seed + number as u64;
        let time_limit_s = self.time_limit_s;
        let solver = SolverOptions { algorithm, time_limit_s, seed, tolerance: 0.0, ..SolverOptions::default() };
        let options = PlanOptions { cost_model, solver, ..PlanOptions::default() };
        PlanRequest { model: model.clone(), cluster: cluster.clone(), options }
    }
}

/// Returns the costs of the paper.
pub(super) fn paper_costs() -> CostModel {
    CostModel {
        memory: MemoryModel::Params,
        cuts: CutPolicy::SingleTensor,
        compute: ComputeModel::Ignore,
        ..CostModel::default()
    }
}

/// Plans one request within its time limit. Returns the document and the seconds that it took.
///
/// # Errors
///
/// Returns an error if the checker refuses the placement.
pub(super) fn solve(request: &PlanRequest, interrupt: &Interrupt) -> anyhow::Result<(PlacementDocument, f64)> {
    let solver = &request.options.solver;
    let start = Instant::now();
    let end = RunEnd { interrupt, deadline: start + Duration::from_secs_f64(solver.time_limit_s) };
    let placement = plan(request, &Env { seed: solver.seed, threads: 1, stop: &end, progress: &NoProgress })?;
    Ok((placement, start.elapsed().as_secs_f64()))
}

/// Plans one request within its time limit.
///
/// # Errors
///
/// Returns an error if the checker refuses the placement.
pub(super) fn run_one(request: &PlanRequest, interrupt: &Interrupt) -> anyhow::Result<Run> {
    let solver = &request.options.solver;
    let (placement, solve_s) = solve(request, interrupt)?;
    Ok(Run {
        algorithm: solver.algorithm,
        status: placement.status,
        termination: placement.termination,
        stages: placement.stages().len(),
        period_s: placement.period_s,
        least_period_s: placement.least_period_s,
        latency_s: placement.latency_s,
        lower_bound_s: placement.lower_bound_s,
        gap: placement.gap,
        cuts: placement.cuts,
        solve_s,
    })
}

/// Returns an error if an algorithm contradicts the exact one: if it has a placement of an instance
/// that is proven infeasible, or a period below the proven bound.
fn no_answer_beats_the_proof(instance: &Instance) -> anyhow::Result<()> {
    let exact = instance.run(Algorithm::Exact);
    for run in &instance.runs {
        let Some(period_s) = run.period_s else { continue };
        ensure!(exact.status != Status::Infeasible, "{:?} places what is proven infeasible", run.algorithm);
        let bound_s = exact.lower_bound_s.unwrap_or(0.0);
        ensure!(period_s >= bound_s, "{:?} finds {period_s} s below the bound {bound_s} s", run.algorithm);
    }
    Ok(())
}
