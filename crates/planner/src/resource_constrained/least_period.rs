//! The least period where a placement within it cannot be decided by sets of starts alone: overlap `none`, or a limit
//! of latency.
//!
//! The candidates are sums, too many to be listed: walks alone are bisected first, then decisions close in from both
//! sides as in the search over latencies. A placement lowers the upper end to its own period, and the last decision is
//! right below that, so that what is proven is exact.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::anneal::{Orders, TEMPERATURES};
use super::decide::{Tables, WIDTH};
use super::effort::{Effort, annealing_moves, beam_width};
use super::limits::{Goal, Limits};
use crate::cost::Assignment;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::repartition::repartition;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// The relative width to which the least period of walks is bisected.
const WALK_WIDTH: f64 = 1e-9;

/// The first periods that are tried, as multiples of the bound.
const FIRST_FACTORS: [f64; 8] = [1.0, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0];

/// The parts of the gap in which the first step is made, and within which undecided periods are left alone.
const STEPS: f64 = 256.0;

/// Wider beams between two rounds of proofs.
const BEAMS_PER_ROUND: usize = 8;

/// Walks begin with a memory of so many hosts to which links are fastest: short cycles among them need not be learnt.
const NEIGHBOURS: usize = 5;

/// Annealings that may fail before a proof is tried, and by which part of the gap they go below the best.
const FAILED_ANNEALINGS: usize = 4;
const ANNEALED_PART: f64 = 0.02;

/// A gap that is so small a part of the period is bisected at once: steps up from the bound would be as hard as a proof
/// right below the best.
const SMALL_GAP: f64 = 1e-3;

/// Closes the gap between bound and period as far as the world allows.
pub fn search<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let stop = || incumbent.must_end();
    let instance = incumbent.instance;
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let neighbourhoods = Neighbourhoods::of_nearest(instance, NEIGHBOURS, &stop)?;
    let rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
    let mut search = PeriodSearch { incumbent, stage_ends, neighbourhoods, rng, stop: &stop };
    search.any_placement()?;
    search.bisect_walks()?;
    search.first_placements()?;
    for most_labels in Effort::of_proofs(incumbent).rising() {
        if stop() || incumbent.bound() == f64::INFINITY {
            break;
        }
        search.narrow(most_labels)?;
        if stop() {
            break;
        }
        search.improve(annealing_moves(most_labels), beam_width(most_labels))?;
    }
    Ok(())
}

struct PeriodSearch<'s, const W: usize> {
    incumbent: &'s Incumbent<'s>,
    stage_ends: StageEnds<W>,
    neighbourhoods: Neighbourhoods,
    rng: Pcg64Mcg,
    stop: &'s dyn Fn() -> bool,
}

impl<const W: usize> PeriodSearch<'_, W> {
    fn tables(&self, period_s: f64) -> Result<Tables<'_, W>, Stopped> {
        Tables::new(self.incumbent.instance, &self.stage_ends, None, period_s, self.stop)
    }

    fn offer(&self, found: Assignment) {
        let hosts: Vec<usize> = found.stages.iter().map(|&(_, host)| host).collect();
        self.incumbent.offer(found);
        // The offer may have ended the search: then nothing better is needed.
        if let Ok(Some(better)) = repartition(self.incumbent.instance, &hosts, self.stop) {
            self.incumbent.offer(better);
        }
    }

    /// A placement with any period, the quickest where the latency has a limit.
    fn any_placement(&mut self) -> Result<(), Stopped> {
        let limits = Limits::of_latency(self.incumbent.instance.max_latency_s);
        let tables = self.tables(f64::MAX)?;
        if !tables.may_hold(&limits) {
            self.incumbent.raise(f64::INFINITY);
            return Ok(());
        }
        let goal = if limits.latency_s.is_finite() { Goal::Latency } else { Goal::Stages };
        if let Some((found, _)) = tables.beam(limits, goal, WIDTH, self.stop) {
            self.offer(found);
        }
        Ok(())
    }

    /// Raises the bound to the least period of walks.
    fn bisect_walks(&mut self) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        let limits = Limits::of_latency(incumbent.instance.max_latency_s);
        let mut high_s = incumbent.objective();
        while !(self.stop)() && incumbent.bound() < high_s {
            let low_s = incumbent.bound();
            let period_s = if high_s.is_finite() { low_s + (high_s - low_s) / 2.0 } else { low_s.max(1e-9) * 2.0 };
            if period_s >= high_s || !period_s.is_finite() {
                break;
            }
            if self.tables(period_s)?.may_hold(&limits) {
                high_s = period_s;
            } else {
                incumbent.raise(period_s.next_up().min(incumbent.objective()));
            }
            if high_s - incumbent.bound() <= WALK_WIDTH * high_s {
                break;
            }
        }
        Ok(())
    }

    /// Placements by beams, not far above the bound.
    fn first_placements(&mut self) -> Result<(), Stopped> {
        let bound_s = self.incumbent.bound();
        for period_s in FIRST_FACTORS.iter().map(|factor| factor * bound_s) {
            if period_s >= self.incumbent.objective() || (self.stop)() {
                break;
            }
            if self.decide(period_s, 0)? == Verdict::Feasible {
                break;
            }
        }
        Ok(())
    }

    /// Whether a placement within a period is possible; without labels, by beams and walks alone.
    fn decide(&mut self, period_s: f64, most_labels: usize) -> Result<Verdict, Stopped> {
        let incumbent = self.incumbent;
        let limits = Limits::of_latency(incumbent.instance.max_latency_s);
        let stop = self.stop;
        let tables = Tables::new(incumbent.instance, &self.stage_ends, None, period_s, stop)?;
        if !tables.may_hold(&limits) {
            return Ok(Verdict::Infeasible);
        }
        let goal = if limits.latency_s.is_finite() { Goal::Latency } else { Goal::Stages };
        if let Some((found, _)) = tables.beam(limits, goal, WIDTH, stop) {
            self.offer(found);
            return Ok(Verdict::Feasible);
        }
        if most_labels == 0 {
            return Ok(Verdict::Unknown);
        }
        let decision = tables.decide(limits, Goal::Stages, &mut self.neighbourhoods, most_labels, stop);
        let verdict = match decision.placement {
            Some((found, _)) => {
                self.offer(found);
                Verdict::Feasible
            }
            None if decision.decided => Verdict::Infeasible,
            None => Verdict::Unknown,
        };
        Ok(verdict)
    }

    /// Lowers the incumbent: by annealing, or where the latency has a limit or the instance is too large, by beams.
    fn improve(&mut self, moves: usize, width: usize) -> Result<(), Stopped> {
        let instance = self.incumbent.instance;
        let orders = if instance.max_latency_s.is_finite() { None } else { Orders::new(instance, self.stop)? };
        match orders {
            Some(orders) => self.anneal(&orders, moves),
            None => self.widen(width),
        }
    }

    /// Anneals towards periods a little below the best, until that has failed some times.
    fn anneal(&mut self, orders: &Orders<'_>, moves: usize) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        let mut failed = 0;
        while failed < FAILED_ANNEALINGS && !(self.stop)() {
            let Some(best) = incumbent.best() else { break };
            let order: Vec<usize> = best.stages.iter().map(|&(_, host)| host).collect();
            let best_s = incumbent.objective();
            let period_s = (best_s - ANNEALED_PART * (best_s - incumbent.bound())).min(best_s.next_down());
            let temperature = TEMPERATURES[failed % TEMPERATURES.len()];
            match orders.anneal(&order, period_s, (temperature, moves), &mut self.rng, self.stop)? {
                Some(better) => {
                    if let Some(better) = repartition(incumbent.instance, &better, self.stop)? {
                        incumbent.offer(better);
                    }
                    // What is found is judged by rounded sums: it need not be better.
                    failed += usize::from(incumbent.objective() >= best_s);
                }
                None => failed += 1,
            }
        }
        Ok(())
    }

    /// Lowers the incumbent by wider beams at bisected periods.
    fn widen(&mut self, width: usize) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        let limits = Limits::of_latency(incumbent.instance.max_latency_s);
        let goal = if limits.latency_s.is_finite() { Goal::Latency } else { Goal::Stages };
        let mut unreached_s = incumbent.bound();
        for _ in 0..BEAMS_PER_ROUND {
            let reached_s = incumbent.objective();
            if (self.stop)() || !reached_s.is_finite() || reached_s <= unreached_s {
                break;
            }
            let middle_s = unreached_s + (reached_s - unreached_s) / 2.0;
            let found = self.tables(middle_s)?.beam(limits, goal, width, self.stop);
            match found {
                Some((found, _)) => self.offer(found),
                None => unreached_s = middle_s,
            }
        }
        Ok(())
    }

    fn narrow(&mut self, most_labels: usize) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        if incumbent.best().is_none() {
            match self.decide(f64::MAX, most_labels)? {
                Verdict::Infeasible => incumbent.raise(f64::INFINITY),
                Verdict::Unknown => return Ok(()),
                Verdict::Feasible => {}
            }
        }
        // Right below the best: where that is the optimum, this proof ends all.
        let before = self.neighbourhoods.clone();
        loop {
            let best_s = incumbent.objective();
            if (self.stop)() || incumbent.bound() >= best_s {
                return Ok(());
            }
            match self.decide(best_s.next_down(), most_labels)? {
                Verdict::Infeasible => {
                    incumbent.raise(best_s);
                    return Ok(());
                }
                Verdict::Feasible if self.is_near() => {}
                Verdict::Feasible => break,
                Verdict::Unknown => {
                    self.neighbourhoods = before;
                    break;
                }
            }
        }
        self.climb(most_labels)
    }

    /// Whether the gap is so small that steps down from the best are worth more than steps up from the bound.
    fn is_near(&self) -> bool {
        self.incumbent.objective() - self.incumbent.bound() <= 1e-6 * self.incumbent.objective()
    }

    /// Decides in growing steps up from the bound, then by bisection.
    fn climb(&mut self, most_labels: usize) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        let mut undecided_s = incumbent.objective();
        let first_s = incumbent.bound();
        let whole_s = undecided_s - first_s;
        let mut step_s = if whole_s <= SMALL_GAP * undecided_s { whole_s / 2.0 } else { whole_s / STEPS };
        loop {
            undecided_s = undecided_s.min(incumbent.objective());
            let low_s = incumbent.bound();
            let width_s = undecided_s - low_s;
            if (self.stop)() || width_s <= 0.0 || (width_s <= whole_s / STEPS && undecided_s < incumbent.objective()) {
                return Ok(());
            }
            // What was learnt on the way may decide now what could not be decided at first.
            let again = step_s >= width_s && low_s > first_s && undecided_s == incumbent.objective();
            let period_s = match again {
                true => undecided_s.next_down(),
                false if step_s < width_s => low_s + step_s,
                false => low_s + width_s / 2.0,
            };
            if period_s >= undecided_s {
                return Ok(());
            }
            let before = again.then(|| self.neighbourhoods.clone());
            match self.decide(period_s, most_labels)? {
                Verdict::Infeasible => {
                    incumbent.raise(period_s.next_up().min(incumbent.objective()));
                    step_s *= 2.0;
                }
                Verdict::Feasible => step_s = (incumbent.objective().min(undecided_s) - incumbent.bound()) / 2.0,
                Verdict::Unknown => {
                    if let Some(before) = before {
                        self.neighbourhoods = before;
                    }
                    undecided_s = period_s;
                    step_s = (undecided_s - low_s) / 2.0;
                }
            }
            if incumbent.objective() - incumbent.bound() <= WALK_WIDTH * incumbent.objective() {
                return self.finish(most_labels);
            }
        }
    }

    /// Steps down from the best: little is left between the bound and it.
    fn finish(&mut self, most_labels: usize) -> Result<(), Stopped> {
        while !(self.stop)() && self.incumbent.bound() < self.incumbent.objective() {
            let best_s = self.incumbent.objective();
            match self.decide(best_s.next_down(), most_labels)? {
                Verdict::Infeasible => self.incumbent.raise(best_s),
                Verdict::Feasible => {}
                Verdict::Unknown => break,
            }
        }
        Ok(())
    }
}
