//! The objective of the least period where sets of starts suffice: full overlap, and no limit of
//! latency.
//!
//! The optimum is a candidate: a stage time or a hop time at or above the walk bound. Dives find a
//! first placement. Cuts that no better placement can use are dropped. Then the controller closes
//! the gap. If the first round does not suffice, a second thread, if there is one, searches for
//! better placements meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use rand_pcg::Pcg64Mcg;

use crate::baselines;
use crate::bits::for_width;
use crate::env::{Env, NoProgress};
use crate::exact::at_period::AtPeriod;
use crate::exact::candidates::{Listed, candidates, next_candidate};
use crate::exact::decision::Decider;
use crate::exact::labels::bytes_per_label;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::index::Position;
use crate::instance::Instance;
use crate::search::bisect::{approach, bisect, reached};
use crate::search::effort::{BEAMS_PER_ROUND, DIVE_BISECTIONS, DIVE_FACTORS, FIRST_WIDTH, MOST_LISTED, MOST_WIDTH};
use crate::search::{Effort, Gap, Oracle, Pace, Scale, close_after_first, narrow};
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Searches for any placement by dives without a limit on the period, and offers what it finds to
/// the incumbent.
pub fn any_placement(incumbent: &Incumbent<'_>) {
    let _: Result<(), Stopped> =
        for_width!(incumbent.instance.blocks() + 1, W => dive_for_any::<W>(incumbent), else Ok(()));
}

fn dive_for_any<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let stage_ends = StageEnds::<W>::new(incumbent.instance, &|| incumbent.must_end())?;
    Decider::new(incumbent, incumbent.instance, &stage_ends).decide(f64::MAX, 0)?;
    Ok(())
}

/// How much is spent on a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// Rounds until it is closed or the effort is spent.
    All,
    /// The first round.
    First,
}

/// Closes the gap between the incumbent's bound and its period until it is told to stop.
pub fn search(incumbent: &Incumbent<'_>, rounds: Rounds) {
    let _: Result<(), Stopped> =
        for_width!(incumbent.instance.blocks() + 1, W => search_on::<W>(incumbent, rounds), else Ok(()));
}

fn search_on<const W: usize>(incumbent: &Incumbent<'_>, rounds: Rounds) -> Result<(), Stopped> {
    let stop = || incumbent.must_end();
    let instance = incumbent.instance;
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let mut period = LeastPeriod::new(Decider::new(incumbent, instance, &stage_ends));
    approach(&mut period, &DIVE_FACTORS, DIVE_BISECTIONS)?;
    if incumbent.best().is_none() {
        return close(&mut period, Effort::of_proofs(incumbent, bytes_per_label::<W>()), rounds);
    }
    let better = AtPeriod::new(instance, &stage_ends, incumbent.objective().next_down(), &stop)?;
    let cuts = better.useful_cuts();
    let rng = period.decider.rng;
    let narrowed = instance.with_cuts_at(&cuts);
    for_width!(cuts.len(), V => close_on::<V>(incumbent, &narrowed, (&cuts, rng), rounds), else Ok(()))
}

fn close_on<const W: usize>(
    incumbent: &Incumbent<'_>,
    instance: &Instance,
    (cuts, rng): (&[Position], Pcg64Mcg),
    rounds: Rounds,
) -> Result<(), Stopped> {
    let stage_ends = StageEnds::<W>::new(instance, &|| incumbent.must_end())?;
    let mut period = LeastPeriod::new(Decider::new(incumbent, instance, &stage_ends).among(cuts, rng));
    close(&mut period, Effort::of_proofs(incumbent, bytes_per_label::<W>()), rounds)
}

/// Closes the gap. If the first round does not suffice, the placement is made canonical at the end.
fn close<const W: usize>(period: &mut LeastPeriod<'_, W>, effort: Effort, rounds: Rounds) -> Result<(), Stopped> {
    let incumbent = period.decider.incumbent;
    narrow(period, effort.first)?;
    // A proof among some of the cuts would claim nothing: what it takes is better spent on other cuts.
    if incumbent.must_end() || !incumbent.considers_all_cuts() || rounds == Rounds::First {
        return Ok(());
    }
    baselines::offer_cheap(incumbent);
    // The search also stops when the other thread ends the proof. The placement is made canonical
    // in that case too.
    let _: Result<(), Stopped> = if incumbent.env.threads > 1 {
        let ended = AtomicBool::new(false);
        let mut improver = LeastPeriod::new(period.decider.fork(incumbent, !incumbent.env.seed));
        period.improves = false;
        std::thread::scope(|scope| {
            scope.spawn(|| improver.improve_until(&ended));
            let closed = close_after_first(period, effort);
            ended.store(true, Ordering::Relaxed);
            closed
        })
    } else {
        close_after_first(period, effort)
    };
    make_canonical(&period.decider)
}

/// Replaces the best placement by the canonical one, if the proof is complete. The canonical
/// placement is the one that a separate search finds at the proven period. It does not depend on
/// the order in which threads found placements, nor on the number of threads.
fn make_canonical<const W: usize>(decider: &Decider<'_, W>) -> Result<(), Stopped> {
    let incumbent = decider.incumbent;
    let period_s = incumbent.objective();
    if !period_s.is_finite() || incumbent.bound() < period_s {
        return Ok(());
    }
    let world = Env { progress: &NoProgress, ..*incumbent.env };
    let found = incumbent.fork(&world);
    let mut fork = decider.fork(&found, incumbent.env.seed);
    for labels in Effort::all(bytes_per_label::<W>()).rising() {
        fork.decide(period_s, labels)?;
        if let Some(assignment) = found.best() {
            incumbent.make_canonical(assignment);
            break;
        }
    }
    Ok(())
}

/// Decides by sets of starts whether a placement within a period exists.
struct LeastPeriod<'s, const W: usize> {
    decider: Decider<'s, W>,
    /// Whether this search improves placements itself: `false` if another thread does.
    improves: bool,
    most_listed: usize,
}

impl<'s, const W: usize> LeastPeriod<'s, W> {
    fn new(decider: Decider<'s, W>) -> Self {
        Self { decider, improves: true, most_listed: MOST_LISTED }
    }

    /// Searches for better placements with beams of doubling width until the search has ended or
    /// the largest width is reached.
    fn improve_until(&mut self, ended: &AtomicBool) -> Result<(), Stopped> {
        let mut width = FIRST_WIDTH;
        while !ended.load(Ordering::Relaxed) && width <= MOST_WIDTH && self.decider.can_improve() {
            self.beam(width)?;
            width *= 2;
        }
        Ok(())
    }

    /// Searches for better placements by beams of one width. The periods are bisected, since the
    /// optimum may be far from the limits that the proofs left undecided.
    fn beam(&mut self, width: usize) -> Result<(), Stopped> {
        let incumbent = self.decider.incumbent;
        bisect(
            &mut self.decider,
            (incumbent.bound(), BEAMS_PER_ROUND),
            |_| reached(incumbent),
            // If the other thread found a placement within this period, the beam was stopped. The
            // next beam tries a smaller period.
            |decider, period_s| Ok(decider.improve(period_s, width) == Ok(true)),
        )
    }
}

impl<const W: usize> Oracle for LeastPeriod<'_, W> {
    type Learnt = Option<Neighbourhoods>;

    const PACE: Pace = Pace::LISTED_PERIODS;

    fn gap(&self) -> &dyn Gap {
        self.decider.incumbent
    }

    fn learnt(&mut self) -> &mut Self::Learnt {
        &mut self.decider.neighbourhoods
    }

    /// Lists the candidates. If there are too many, decisions halve the range first.
    fn scale(&mut self, labels: usize) -> Result<Scale, Stopped> {
        let incumbent = self.decider.incumbent;
        let stop = || incumbent.must_end();
        let mut end = incumbent.objective();
        while incumbent.bound() < end {
            let bound = incumbent.bound();
            let listed = candidates(self.decider.instance, bound, end, self.most_listed, &stop)?;
            if let Listed::All(values) = listed {
                return Ok(Scale::Listed { values, end });
            }
            let period_s = Scale::Reals.ahead(bound, end, None);
            match self.decide(period_s, labels)? {
                Verdict::Infeasible => {
                    let next = next_candidate(self.decider.instance, period_s, &stop)?;
                    incumbent.raise(next.min(incumbent.objective()));
                }
                Verdict::Feasible => end = period_s.min(incumbent.objective()),
                Verdict::Unknown => end = period_s,
            }
        }
        Ok(Scale::Listed { values: Vec::new(), end })
    }

    fn decide(&mut self, limit: f64, labels: usize) -> Result<Verdict, Stopped> {
        self.decider.decide(limit, labels)
    }

    fn improve(&mut self, labels: usize) -> Result<(), Stopped> {
        if self.improves { self.beam(labels / BEAMS_PER_ROUND) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;
    use crate::domain::request::PlanRequest;
    use crate::env::{NeverStop, NoProgress};
    use crate::search::effort::FIRST_LABELS;

    const INSTANCES: [&str; 4] = [
        include_str!("../../tests/instances/paper_tight_n16_0.json"),
        include_str!("../../tests/instances/paper_tight_n20_0.json"),
        include_str!("../../tests/instances/hetero_types_n16_0.json"),
        include_str!("../../tests/instances/asym_n12_0.json"),
    ];

    /// Runs a search on an instance that has all of its cuts.
    fn run(incumbent: &Incumbent<'_>, close: impl Fn(&mut dyn Search)) {
        let instance = incumbent.instance;
        for_width!(instance.blocks() + 1, W => {
            let stage_ends = StageEnds::<W>::new(instance, &|| false).unwrap();
            close(&mut LeastPeriod::new(Decider::new(incumbent, instance, &stage_ends)));
        }, else panic!("too many cuts"));
    }

    /// What the tests do with a search of any width.
    trait Search {
        fn close(&mut self, effort: Effort);
        fn narrow(&mut self, most_labels: usize, most_listed: usize);
    }

    impl<const W: usize> Search for LeastPeriod<'_, W> {
        fn close(&mut self, effort: Effort) {
            close(self, effort, Rounds::All).unwrap();
        }

        fn narrow(&mut self, most_labels: usize, most_listed: usize) {
            self.most_listed = most_listed;
            self.decider.decide(f64::MAX, FIRST_LABELS).unwrap();
            narrow(self, most_labels).unwrap();
        }
    }

    /// With next to no first effort every search becomes a hard one.
    #[test]
    fn a_hard_search_gives_the_same_placement_on_any_number_of_threads() {
        for text in INSTANCES {
            let certified: serde_json::Value = serde_json::from_str(text).unwrap();
            let request = PlanRequest::from_json(&certified["request"]).unwrap();
            let instance = Instance::new(&request, &|| false).unwrap();
            let best = |threads: usize| {
                let env = Env { seed: 3, threads, stop: &NeverStop, progress: &NoProgress };
                let incumbent = Incumbent::new(&request, &instance, &env);
                run(&incumbent, |search| search.close(Effort { first: 10, last: 20_000_000 }));
                assert_eq!(Some(incumbent.objective()), certified["expected"]["period_s"].as_f64());
                incumbent.best()
            };
            let alone = best(1);
            for threads in [2, 8, 2, 8] {
                assert_eq!(best(threads), alone);
            }
        }
    }

    /// However few candidates may be listed and however little effort is allowed, what is undecided proves nothing.
    #[test]
    fn no_bound_exceeds_the_optimum_where_candidates_are_many_and_effort_is_small() {
        for text in INSTANCES {
            let certified: serde_json::Value = serde_json::from_str(text).unwrap();
            let request = PlanRequest::from_json(&certified["request"]).unwrap();
            let least_s = certified["expected"]["period_s"].as_f64().unwrap();
            let instance = Instance::new(&request, &|| false).unwrap();
            let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
            for (most_listed, most_labels) in [(1, 0), (20, 0), (20, 30), (200, 0), (200, 300), (usize::MAX, 0)] {
                let incumbent = Incumbent::new(&request, &instance, &env);
                run(&incumbent, |search| search.narrow(most_labels, most_listed));
                let bound_s = incumbent.bound();
                assert!(bound_s <= least_s * (1.0 + 1e-12), "{bound_s} of {least_s}, {most_listed}, {most_labels}");
            }
        }
    }
}
