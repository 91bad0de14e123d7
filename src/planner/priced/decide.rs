//! Decisions within limits: completion bounds, a beam, capacities, then labels whose memories grow.
//!
//! Decremental state-space relaxation (Boland, Dethridge and Dumitrescu 2006; Righini and Salani 2008): the best walk
//! with little memory bounds the best placement; where it visits a host twice, memories grow along its cycles and the
//! search is repeated, until the best walk is a placement or nothing is left.

use super::beam;
use super::labels::{Found, Search};
use super::limits::{Goal, Limits};
use super::to_go::ToGo;
use super::ways::Ways;
use crate::planner::cost::Assignment;
use crate::planner::exact::at_period::AtPeriod;
use crate::planner::exact::capacity::{Capacity, Verdict};
use crate::planner::exact::neighbourhood::Neighbourhoods;
use crate::planner::exact::stage_ends::StageEnds;
use crate::planner::problem::Problem;

/// Labels of a beam's layer.
const WIDTH: usize = 48;

/// What is known within limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The best placement found there, with the value of what is to be least.
    pub placement: Option<(Assignment, f64)>,
    /// Whether that is the best there is, or without one, whether there is none.
    pub decided: bool,
    /// Every placement within the limits has at least this value.
    pub bound: f64,
}

/// All that is tabulated for one period.
pub struct Tables<'p, const W: usize> {
    walks: AtPeriod<'p, W>,
    to_go: ToGo,
    capacity: Option<Capacity>,
    period_s: f64,
    possible: bool,
}

impl<'p, const W: usize> Tables<'p, W> {
    /// Tabulates a period; `None` when told to stop.
    pub fn new(
        problem: &'p Problem,
        stage_ends: &'p StageEnds<W>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let walks = AtPeriod::new(problem, stage_ends, period_s, stop)?;
        let to_go = ToGo::new(problem, period_s, stop)?;
        let mut possible = walks.fewest_stages_in_all().is_some() && to_go.least_latency_s(problem).is_finite();
        let mut capacity = None;
        if possible {
            match Capacity::judge(&walks) {
                Verdict::Impossible => possible = false,
                Verdict::Useful(useful) => capacity = Some(useful),
                Verdict::Irrelevant => {}
            }
        }
        Some(Self { walks, to_go, capacity, period_s, possible })
    }

    /// Whether the relaxations leave a possibility within a latency.
    pub fn may_hold(&self, latency_s: f64) -> bool {
        self.possible && self.least_latency_s() <= latency_s
    }

    /// No placement within the period has a smaller latency.
    pub fn least_latency_s(&self) -> f64 {
        self.to_go.least_latency_s(self.walks.problem)
    }

    /// No placement within the period has fewer stages.
    pub fn fewest_stages(&self) -> Option<usize> {
        self.walks.fewest_stages_in_all().filter(|_| self.possible)
    }

    fn ways(&self, latency_s: f64, goal: Goal) -> Ways<'_, W> {
        Ways::new(&self.walks, &self.to_go, Limits { period_s: self.period_s, latency_s }, goal)
    }

    /// What a beam finds within a latency.
    pub fn beam(&self, latency_s: f64, goal: Goal, stop: &dyn Fn() -> bool) -> Option<(Assignment, f64)> {
        if !self.may_hold(latency_s) {
            return None;
        }
        beam::placement(&mut self.ways(latency_s, goal), WIDTH, stop)
    }

    /// Decides by labels. What walks must remember is learnt in `neighbourhoods`.
    pub fn decide(
        &self,
        mut latency_s: f64,
        goal: Goal,
        neighbourhoods: &mut Neighbourhoods,
        most_entries: usize,
        stop: &dyn Fn() -> bool,
    ) -> Decision {
        let mut placement: Option<(Assignment, f64)> = None;
        let mut bound = 0.0;
        if !self.may_hold(latency_s) {
            return Decision { placement, decided: true, bound };
        }
        let mut spent = 0;
        loop {
            let ways = self.ways(latency_s, goal);
            let found = Search::run(ways, self.capacity.as_ref(), neighbourhoods, most_entries, &mut spent, stop);
            let Found::Walks(walks) = found else { return Decision { placement, decided: false, bound } };
            if let Some((value, better)) = walks.placement {
                latency_s = if goal == Goal::Latency { value.next_down() } else { latency_s };
                placement = Some((better, value));
            }
            let settled = goal == Goal::Stages && placement.is_some();
            let Some((least, _)) = walks.cyclic.first().filter(|_| !settled) else {
                return Decision { placement, decided: true, bound };
            };
            bound = f64::max(bound, *least);
            let mut grew = false;
            for (_, walk) in &walks.cyclic {
                let hosts: Vec<usize> = walk.stages.iter().map(|&(_, host)| host).collect();
                grew |= neighbourhoods.forbid_cycles(&hosts);
            }
            if !grew {
                return Decision { placement, decided: false, bound };
            }
        }
    }
}
