//! Every placement of a small request, ordered by what is wanted, the checker asked until it accepts one: the front of
//! period and latency, and the two steps of replanning.

use cutpoint_planner::check::{StageProposal, evaluate};
use cutpoint_planner::domain::request::PlanRequest;

use super::cuts::ROUNDING;
use super::tableau::Tableau;

/// A placement with what may be wanted of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Bit for bit as the law's formulas give it.
    pub period_s: f64,
    /// Summed from source to sink.
    pub latency_s: f64,
    /// Bytes that it ships; 0 without a base.
    pub shipped_bytes: u64,
    /// The placement.
    pub stages: Vec<StageProposal>,
}

/// What replanning wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Replanned {
    /// T*.
    pub least_period_s: f64,
    /// The fewest bytes within the ratio, then the smallest period, then the smallest latency.
    pub best: Placed,
}

/// Every placement, valid or not; none without a link.
fn every_placement(request: &PlanRequest) -> Vec<Placed> {
    let tableau = Tableau::new(request).with_every_position();
    let mut found = Vec::new();
    extend(&tableau, &mut Vec::new(), &mut vec![0], &mut found);
    found
}

fn extend(tableau: &Tableau<'_>, nodes: &mut Vec<usize>, cuts: &mut Vec<usize>, found: &mut Vec<Placed>) {
    let (start, end) = (cuts[cuts.len() - 1], tableau.blocks());
    if start == end {
        if let Some((period_s, latency_s)) = tableau.times(nodes, cuts) {
            let stages = tableau.proposals(nodes, cuts);
            let shipped_bytes = shipped_bytes(tableau.request, &stages);
            found.push(Placed { period_s, latency_s, shipped_bytes, stages });
        }
        return;
    }
    for node in (0..tableau.request.cluster.nodes.len()).filter(|node| !nodes.contains(node)).collect::<Vec<usize>>() {
        nodes.push(node);
        for cut in start + 1..=end {
            cuts.push(cut);
            extend(tableau, nodes, cuts, found);
            cuts.pop();
        }
        nodes.pop();
    }
}

/// Parameters of layers that their nodes do not hold in the base.
pub fn shipped_bytes(request: &PlanRequest, stages: &[StageProposal]) -> u64 {
    let Some(base) = &request.options.base else { return 0 };
    let held = |node: &str, layer: &String| {
        base.stages().any(|(stage, _)| stage.node_id == node && stage.layer_ids.contains(layer))
    };
    let bytes = |layer: &String| request.model.layers.iter().find(|it| it.id == *layer).unwrap().param_bytes;
    let of_stage = |stage: &StageProposal| -> u64 {
        stage.layer_ids.iter().filter(|layer| !held(&stage.node_id, layer)).map(bytes).sum()
    };
    stages.iter().map(of_stage).sum()
}

fn is_valid(request: &PlanRequest, placed: &Placed) -> bool {
    let evaluation = evaluate(request, &placed.stages);
    let valid = evaluation.violations.is_empty();
    if let Some(migration) = evaluation.migration.filter(|_| valid) {
        assert_eq!(migration.shipped_bytes, placed.shipped_bytes);
    }
    valid
}

/// The non-dominated placements by ascending period; empty where none is valid.
pub fn brute_front(request: &PlanRequest) -> Vec<Placed> {
    let mut all = every_placement(request);
    all.sort_by(|a, b| (a.period_s, a.latency_s).partial_cmp(&(b.period_s, b.latency_s)).unwrap());
    let mut front: Vec<Placed> = Vec::new();
    for placed in all {
        let better = front.last().is_none_or(|last| placed.latency_s < last.latency_s);
        if better && is_valid(request, &placed) {
            front.push(placed);
        }
    }
    front
}

/// The two steps of replanning; `None` where no placement is valid.
pub fn brute_replan(request: &PlanRequest) -> Option<Replanned> {
    let mut all = every_placement(request);
    all.sort_by(|a, b| a.period_s.total_cmp(&b.period_s));
    let least_period_s = all.iter().find(|placed| is_valid(request, placed))?.period_s;
    let limit_s = request.options.max_period_ratio.unwrap_or(1.0) * least_period_s;
    let best = cheapest_within(request, all, limit_s)?;
    Some(Replanned { least_period_s, best })
}

/// The placement that ships least among those with a period of at most a limit.
pub fn brute_least_bytes(request: &PlanRequest, limit_s: f64) -> Option<Placed> {
    cheapest_within(request, every_placement(request), limit_s)
}

/// Latency and stages of the placements of least latency with a period of at most a limit, equal but for rounding.
pub fn brute_quickest(request: &PlanRequest, limit_s: f64) -> Vec<(f64, usize)> {
    let mut all = every_placement(request);
    all.retain(|placed| placed.period_s <= limit_s);
    all.sort_by(|a, b| a.latency_s.total_cmp(&b.latency_s));
    let mut quickest: Vec<(f64, usize)> = Vec::new();
    for placed in all {
        if quickest.first().is_some_and(|(least_s, _)| placed.latency_s > least_s * (1.0 + ROUNDING)) {
            break;
        }
        if is_valid(request, &placed) {
            quickest.push((placed.latency_s, placed.stages.len()));
        }
    }
    quickest
}

fn cheapest_within(request: &PlanRequest, mut all: Vec<Placed>, limit_s: f64) -> Option<Placed> {
    all.retain(|placed| placed.period_s <= limit_s);
    let key = |placed: &Placed| (placed.shipped_bytes, placed.period_s, placed.latency_s);
    all.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap());
    all.into_iter().find(|placed| is_valid(request, placed))
}
