//! The search over periods: an anytime algorithm with a checked incumbent and a proven bound at every moment.
//!
//! The optimum is a candidate (a stage time or a hop time) at or above the walk bound. Dives find a first placement;
//! cuts that no better placement can use are dropped; then decisions close in from both sides: a placement lowers the
//! incumbent to its own period, a proof raises the bound to the next candidate. Where a decision needs more labels
//! than allowed, the search goes on elsewhere and comes back with more.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::at_period::AtPeriod;
use super::candidates::{Listed, candidates, next_candidate};
use super::decision::Decider;
use super::labels::bytes_per_label;
use super::stage_ends::StageEnds;
use crate::baselines;
use crate::bits::for_width;
use crate::env::{Env, NoProgress};
use crate::incumbent::Incumbent;
use crate::instance::Instance;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Labels that a decision may use at first, and the factor by which that rises.
const FIRST_LABELS: usize = 20_000;
const MORE_LABELS: usize = 8;
const MOST_LABELS: usize = 20_000_000;

/// Beams that look for better placements between two rounds of proofs, and the widest.
const BEAMS_PER_ROUND: usize = 8;
const MOST_WIDTH: usize = 1 << 16;

/// Candidates that are listed at once; where they are more, decisions halve the range first.
const MOST_LISTED: usize = 4_000_000;

/// Labels for a look at a period whose proof would end the search.
const PROBE_LABELS: usize = 3_000;

/// The first periods that are tried, as multiples of the bound, and how often the rest is halved after that.
const FIRST_FACTORS: [f64; 8] = [1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 4.0];
const FIRST_BISECTIONS: usize = 4;

/// Bytes that the labels of a search may take.
const MOST_LABEL_BYTES: usize = 768 << 20;

/// Looks for any placement, by dives without a limit on the period. What it finds is offered to the incumbent.
pub fn any_placement(incumbent: &Incumbent<'_>) {
    let _: Result<(), Stopped> =
        for_width!(incumbent.instance.blocks() + 1, W => dive_for_any::<W>(incumbent), else Ok(()));
}

fn dive_for_any<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let every_cut: Vec<usize> = (0..=instance.blocks()).collect();
    let stage_ends = StageEnds::<W>::new(instance, &|| incumbent.must_end())?;
    let rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
    Decider::new(incumbent, instance, &every_cut, &stage_ends, rng).decide(f64::MAX, 0)?;
    Ok(())
}

/// Closes the gap between the incumbent's bound and its period until it is told to stop.
pub fn least_period(incumbent: &Incumbent<'_>) {
    let _: Result<(), Stopped> =
        for_width!(incumbent.instance.blocks() + 1, W => least_period_on::<W>(incumbent), else Ok(()));
}

fn least_period_on<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let stop = || incumbent.must_end();
    let instance = incumbent.instance;
    let every_cut: Vec<usize> = (0..=instance.blocks()).collect();
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
    let mut decider = Decider::new(incumbent, instance, &every_cut, &stage_ends, rng);
    first_placement(&mut decider)?;
    if incumbent.best().is_none() {
        return close_in(&mut decider, FIRST_LABELS);
    }
    let better = AtPeriod::new(instance, &stage_ends, incumbent.objective().next_down(), &stop)?;
    let cuts = better.useful_cuts();
    let rng = decider.into_rng();
    let narrowed = instance.with_cuts_at(&cuts);
    for_width!(cuts.len(), V => close_in_on::<V>(incumbent, &narrowed, &cuts, rng), else Ok(()))
}

fn close_in_on<const W: usize>(
    incumbent: &Incumbent<'_>,
    instance: &Instance,
    cuts: &[usize],
    rng: Pcg64Mcg,
) -> Result<(), Stopped> {
    let stage_ends = StageEnds::<W>::new(instance, &|| incumbent.must_end())?;
    close_in(&mut Decider::new(incumbent, instance, cuts, &stage_ends, rng), FIRST_LABELS)
}

/// A placement by dives alone, at the bound if that can be, else not far above it, so that there is an upper end.
fn first_placement<const W: usize>(decider: &mut Decider<'_, W>) -> Result<(), Stopped> {
    let incumbent = decider.incumbent;
    let bound = incumbent.bound();
    let mut unreached = bound;
    let mut periods: Vec<f64> = FIRST_FACTORS.iter().map(|factor| bound * factor).collect();
    periods.push(f64::MAX);
    periods.dedup();
    for period_s in periods.into_iter().take_while(|&period_s| period_s < incumbent.objective()) {
        if decider.decide(period_s, 0)? == Verdict::Feasible {
            break;
        }
        unreached = period_s;
    }
    for _ in 0..FIRST_BISECTIONS {
        let reached = incumbent.objective();
        if incumbent.must_end() || !reached.is_finite() || reached <= unreached {
            break;
        }
        let middle = unreached + (reached - unreached) / 2.0;
        if decider.decide(middle, 0)? != Verdict::Feasible {
            unreached = middle;
        }
    }
    Ok(())
}

/// Narrows with rising effort until bound and incumbent meet. What the first effort does not end is hard: from there on
/// a second thread, where there is one, looks for better placements.
fn close_in<const W: usize>(decider: &mut Decider<'_, W>, first_labels: usize) -> Result<(), Stopped> {
    narrow(decider, first_labels, MOST_LISTED)?;
    // A proof among some of the cuts would claim nothing: what it takes is better spent on other cuts.
    if decider.incumbent.must_end() || !decider.incumbent.considers_all_cuts() {
        return Ok(());
    }
    baselines::offer_cheap(decider.incumbent);
    // The search is told to stop also when the other thread ends the proof: the placement is made canonical all the same.
    let _: Result<(), Stopped> = if decider.incumbent.env.threads > 1 {
        let ended = AtomicBool::new(false);
        let mut improver = decider.fork();
        std::thread::scope(|scope| {
            scope.spawn(|| improve_until(&mut improver, &ended));
            let narrowed = narrow_further(decider, first_labels, false);
            ended.store(true, Ordering::Relaxed);
            narrowed
        })
    } else {
        narrow_further(decider, first_labels, true)
    };
    make_canonical(decider)
}

/// Narrows with more labels from round to round, and looks for better placements between the rounds where no other
/// thread does.
fn narrow_further<const W: usize>(
    decider: &mut Decider<'_, W>,
    first_labels: usize,
    improves: bool,
) -> Result<(), Stopped> {
    let most_labels = MOST_LABELS.min(MOST_LABEL_BYTES / bytes_per_label::<W>());
    let mut labels = first_labels;
    while labels < most_labels && !decider.incumbent.must_end() {
        if improves {
            improve(decider, labels / BEAMS_PER_ROUND)?;
        }
        labels = (labels * MORE_LABELS).min(most_labels);
        narrow(decider, labels, MOST_LISTED)?;
    }
    Ok(())
}

/// Improves with ever wider beams until the search has ended.
fn improve_until<const W: usize>(decider: &mut Decider<'_, W>, ended: &AtomicBool) -> Result<(), Stopped> {
    let mut width = FIRST_LABELS / BEAMS_PER_ROUND;
    while !ended.load(Ordering::Relaxed) && width <= MOST_WIDTH && decider.can_improve() {
        improve(decider, width)?;
        width *= 2;
    }
    Ok(())
}

/// Lowers the incumbent by beams of a width, at bisected periods: what the proofs could not decide need not lie close
/// to the optimum.
fn improve<const W: usize>(decider: &mut Decider<'_, W>, width: usize) -> Result<(), Stopped> {
    let incumbent = decider.incumbent;
    let mut unreached = incumbent.bound();
    for _ in 0..BEAMS_PER_ROUND {
        let reached = incumbent.objective();
        if incumbent.must_end() || !reached.is_finite() || reached <= unreached {
            break;
        }
        let middle = unreached + (reached - unreached) / 2.0;
        // Where the other thread came below the middle, this beam was told to stop: the next one looks further down.
        if decider.improve(middle, width) != Ok(true) {
            unreached = middle;
        }
    }
    Ok(())
}

/// Replaces the best placement by the canonical one, if the proof is complete: the one that a search of its own finds at
/// the proven period. It depends neither on which thread found what first nor on the number of threads.
fn make_canonical<const W: usize>(decider: &Decider<'_, W>) -> Result<(), Stopped> {
    let incumbent = decider.incumbent;
    let period_s = incumbent.objective();
    if !period_s.is_finite() || incumbent.bound() < period_s {
        return Ok(());
    }
    let world = Env { progress: &NoProgress, ..*incumbent.env };
    let found = incumbent.fork(&world);
    let mut fork = decider.fork_for(&found);
    let mut labels = FIRST_LABELS;
    while found.best().is_none() && labels <= MOST_LABELS {
        fork.decide(period_s, labels)?;
        labels *= MORE_LABELS;
    }
    if let Some(assignment) = found.best() {
        incumbent.make_canonical(assignment);
    }
    Ok(())
}

/// Moves bound and incumbent towards one another until they meet or the candidates between them are undecided with
/// this many labels.
fn narrow<const W: usize>(decider: &mut Decider<'_, W>, most_labels: usize, most_listed: usize) -> Result<(), Stopped> {
    let incumbent = decider.incumbent;
    let stop = || incumbent.must_end();
    if incumbent.best().is_none() && decider.decide(f64::MAX, most_labels)? == Verdict::Infeasible {
        incumbent.raise(f64::INFINITY);
        return Ok(());
    }
    // At and above this nothing is to be gained, or nothing can be decided.
    let mut high = incumbent.objective();
    while !stop() && incumbent.bound() < high {
        let bound = incumbent.bound();
        match candidates(decider.instance, bound, high, most_listed, &stop)? {
            Listed::All(periods) => return narrow_among(decider, periods, high, most_labels),
            Listed::TooMany => {
                let middle = if high.is_finite() { bound + (high - bound) / 2.0 } else { bound.max(1e-9) * 2.0 };
                // Between neighbouring doubles the middle may be rounded up.
                let period_s = if middle < high { middle } else { bound };
                match decider.decide(period_s, most_labels)? {
                    Verdict::Infeasible => {
                        let next = next_candidate(decider.instance, period_s, &stop)?;
                        incumbent.raise(next.min(incumbent.objective()));
                    }
                    // A placement that breaks the limit of latency is no incumbent.
                    Verdict::Feasible => high = period_s.min(incumbent.objective()),
                    Verdict::Unknown => high = period_s,
                }
            }
        }
    }
    Ok(())
}

/// Decides among all the candidates from the bound to `below`, ascending; what lies between `below` and the incumbent
/// is not known. First the largest, with little effort: where the incumbent is the best already, that one proof is all
/// that is needed. Then up from the bound in growing steps, since proofs far below the optimum are cheap and teach the
/// next ones; then by bisection.
fn narrow_among<const W: usize>(
    decider: &mut Decider<'_, W>,
    mut periods: Vec<f64>,
    below: f64,
    most_labels: usize,
) -> Result<(), Stopped> {
    let incumbent = decider.incumbent;
    // Without the cuts that nothing better can use, no candidate may be left.
    let all_impossible = match periods.last() {
        None => true,
        Some(&largest) => decider.probe(largest, PROBE_LABELS)? == Verdict::Infeasible,
    };
    if all_impossible {
        incumbent.raise(below.min(incumbent.objective()));
        return Ok(());
    }
    // Everything below `low` is impossible; nothing is to be gained or can be decided at and above `high`.
    let (mut low, mut high) = (0, periods.len());
    let first_step = periods.len().div_ceil(256);
    let mut step = Some(1);
    loop {
        periods.truncate(periods.partition_point(|&period| period < incumbent.objective()));
        high = high.min(periods.len());
        if low >= high || incumbent.must_end() {
            return Ok(());
        }
        let middle = low + (high - low) / 2;
        let at = step.map_or(middle, |step| middle.min(low + step - 1));
        match decider.decide(periods[at], most_labels)? {
            Verdict::Infeasible => {
                low = at + 1;
                let next = periods.get(low).copied().unwrap_or(below);
                incumbent.raise(next.min(incumbent.objective()));
                step = step.map(|step| (2 * step).max(first_step));
            }
            Verdict::Feasible | Verdict::Unknown => {
                high = at;
                step = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;
    use crate::domain::request::PlanRequest;
    use crate::env::{NeverStop, NoProgress};

    const INSTANCES: [&str; 4] = [
        include_str!("../../tests/instances/paper_tight_n16_0.json"),
        include_str!("../../tests/instances/paper_tight_n20_0.json"),
        include_str!("../../tests/instances/hetero_types_n16_0.json"),
        include_str!("../../tests/instances/asym_n12_0.json"),
    ];

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
                for_width!(instance.blocks() + 1, W => {
                    let stage_ends = StageEnds::<W>::new(&instance, &|| false).unwrap();
                    let cuts: Vec<usize> = (0..=instance.blocks()).collect();
                    let rng = Pcg64Mcg::seed_from_u64(3);
                    let mut decider = Decider::new(&incumbent, &instance, &cuts, &stage_ends, rng);
                    close_in(&mut decider, 10)
                }, else Ok(()))
                .unwrap();
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
                for_width!(instance.blocks() + 1, W => {
                    let stage_ends = StageEnds::<W>::new(&instance, &|| false).unwrap();
                    let cuts: Vec<usize> = (0..=instance.blocks()).collect();
                    let rng = Pcg64Mcg::seed_from_u64(0);
                    let mut decider = Decider::new(&incumbent, &instance, &cuts, &stage_ends, rng);
                    decider.decide(f64::MAX, 20_000).unwrap();
                    narrow(&mut decider, most_labels, most_listed)
                }, else Ok(()))
                .unwrap();
                let bound_s = incumbent.bound();
                assert!(bound_s <= least_s * (1.0 + 1e-12), "{bound_s} of {least_s}, {most_listed}, {most_labels}");
            }
        }
    }
}
