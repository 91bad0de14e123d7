//! What the pipelines are compared with.

use cutpoint_planner::domain::options::Colocation;
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;

use crate::experiment::solve;
use crate::interrupt::Interrupt;

/// Returns the best single pipeline.
pub(super) fn single(request: &PlanRequest, interrupt: &Interrupt) -> anyhow::Result<PlacementDocument> {
    Ok(solve(request, interrupt)?.0)
}

/// Returns the sum of rates of the best pipeline and of more pipelines with the same stages, each as fast as possible on the
/// nodes that the others leave. None where there is none, or where its period is 0.
pub(super) fn copies_per_s(
    request: &PlanRequest,
    alone: &PlacementDocument,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<f64>> {
    let mut copied = request.clone();
    let stages = alone.stages().iter().filter(|stage| stage.layer_ids.len() > 1);
    copied.options.constraints.colocate =
        stages.map(|stage| Colocation { layer_ids: stage.layer_ids.clone() }).collect();
    copied.options.constraints.max_stages = Some(alone.stages().len() as u64);
    greedy_per_s(&copied, alone, interrupt)
}

/// Returns the sum of rates of the best pipeline, of the best on the nodes that it leaves, and so on.
pub(super) fn greedy_per_s(
    request: &PlanRequest,
    alone: &PlacementDocument,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<f64>> {
    let mut left = request.clone();
    let mut next = alone.clone();
    let mut sum_per_s = None;
    while let Some(rate_per_s) = next.throughput_per_s {
        sum_per_s = Some(sum_per_s.unwrap_or(0.0) + rate_per_s);
        let used = next.stages().iter().map(|stage| stage.node_id.clone());
        left.options.constraints.exclude_nodes.extend(used);
        if left.options.constraints.exclude_nodes.len() == left.cluster.nodes.len() || interrupt.has_come() {
            break;
        }
        next = solve(&left, interrupt)?.0;
    }
    Ok(sum_per_s)
}
