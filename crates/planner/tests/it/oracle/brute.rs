//! Every partition on every sequence of nodes, each judged by the checker before it counts.

use cutpoint_planner::check::evaluate;
use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::request::PlanRequest;

use super::every::{Placed, Replanned, brute_replan};
use super::tableau::Tableau;
use super::{Optimum, OracleAnswer};

/// The exact optimum of any request. O(2^L · n!): for at most about 6 layers and 5 nodes.
///
/// It tries cuts at every position and nodes of every kind, also those that the request forbids: the checker alone
/// says what is valid.
///
/// # Panics
/// When the checker's times differ from the law's formulas.
pub fn brute_force(request: &PlanRequest) -> OracleAnswer {
    if request.options.base.is_some() {
        return brute_replan(request).map_or(OracleAnswer::Infeasible, |Replanned { best, .. }| {
            let Placed { period_s, latency_s, shipped_bytes, stages } = best;
            OracleAnswer::Optimal(Optimum { objective: shipped_bytes as f64, period_s, latency_s, stages })
        });
    }
    let tableau = Tableau::new(request).with_every_position();
    let mut search = Search { tableau, nodes: Vec::new(), cuts: vec![0], best: None };
    search.extend();
    search.best.map_or(OracleAnswer::Infeasible, |(_, optimum)| OracleAnswer::Optimal(optimum))
}

struct Search<'a> {
    tableau: Tableau<'a>,
    nodes: Vec<usize>,
    cuts: Vec<usize>,
    /// The best so far, behind its objective and what decides among equals.
    best: Option<((f64, f64), Optimum)>,
}

impl Search<'_> {
    /// Adds each possible next stage in turn.
    fn extend(&mut self) {
        let end = self.tableau.blocks();
        let start = self.cuts[self.cuts.len() - 1];
        if start == end {
            return self.judge();
        }
        for node in 0..self.tableau.request.cluster.nodes.len() {
            if self.nodes.contains(&node) {
                continue;
            }
            self.nodes.push(node);
            for cut in start + 1..=end {
                self.cuts.push(cut);
                self.extend();
                self.cuts.pop();
            }
            self.nodes.pop();
        }
    }

    /// Asks the checker about a whole placement, if it would be the best so far.
    fn judge(&mut self) {
        let Some((period_s, latency_s)) = self.tableau.times(&self.nodes, &self.cuts) else { return };
        let (objective, tie) = match self.tableau.request.options.objective {
            Objective::MaxThroughput | Objective::Tradeoff => (period_s, latency_s),
            Objective::MinLatency => (latency_s, period_s),
            Objective::MinNodes { .. } => (self.nodes.len() as f64, period_s),
        };
        if self.best.as_ref().is_some_and(|(rank, _)| *rank <= (objective, tie)) {
            return;
        }
        let stages = self.tableau.proposals(&self.nodes, &self.cuts);
        let evaluation = evaluate(self.tableau.request, &stages);
        if evaluation.violations.is_empty() {
            assert_close(evaluation.period_s.unwrap(), period_s);
            assert_close(evaluation.latency_s.unwrap(), latency_s);
            self.best = Some(((objective, tie), Optimum { objective, period_s, latency_s, stages }));
        }
    }
}

fn assert_close(checked: f64, computed: f64) {
    let tolerance = 1e-9 * checked.abs().max(computed.abs());
    assert!((checked - computed).abs() <= tolerance, "the checker finds {checked} s, the formulas {computed} s");
}
