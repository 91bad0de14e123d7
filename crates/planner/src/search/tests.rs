//! The controller against oracles whose optimum is known.

use std::cell::Cell;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Effort, Gap, Oracle, Pace, Scale, close};
use crate::stopped::Stopped;
use crate::verdict::Verdict;

const PACES: [Pace; 4] = [Pace::LISTED_PERIODS, Pace::PERIODS, Pace::SUMS, Pace::FEW_NUMBERS];

/// An optimum that is the harder to decide the closer a limit is to it; infinite if there is no placement.
struct Hidden<const P: usize> {
    scale: Scale,
    optimum: f64,
    /// Labels that a decision right at the optimum needs.
    hardest: f64,
    low: Cell<f64>,
    high: f64,
    rng: Pcg64Mcg,
    decisions: usize,
    learnt: (),
}

impl<const P: usize> Hidden<P> {
    /// A value of the scale from the optimum to the limit.
    fn found(&mut self, limit: f64) -> f64 {
        let found = self.optimum + self.rng.random::<f64>().powi(3) * (limit.min(1e6) - self.optimum);
        self.scale.below(found.next_up()).unwrap_or(self.optimum).max(self.optimum)
    }
}

impl<const P: usize> Gap for Hidden<P> {
    fn bound(&self) -> f64 {
        self.low.get()
    }

    fn value(&self) -> f64 {
        self.high
    }

    fn must_end(&self) -> bool {
        false
    }

    fn raise(&self, bound: f64) {
        assert!(bound <= self.optimum, "{bound} is above {}", self.optimum);
        self.low.set(bound.max(self.bound()));
    }
}

impl<const P: usize> Oracle for Hidden<P> {
    type Learnt = ();

    const PACE: Pace = PACES[P];

    fn gap(&self) -> &dyn Gap {
        self
    }

    fn learnt(&mut self) -> &mut () {
        &mut self.learnt
    }

    fn decide(&mut self, limit: f64, labels: usize) -> Result<Verdict, Stopped> {
        self.decisions += 1;
        assert!(self.bound() <= limit && limit < self.high, "{limit} is decided already");
        let distance = ((limit.min(1e6) - self.optimum) / self.optimum).abs();
        let needed =
            if self.optimum.is_finite() { self.hardest / (1.0 + 1e3 * distance) } else { limit * self.hardest };
        if (labels as f64) < needed.min(self.hardest) {
            return Ok(Verdict::Unknown);
        }
        if limit < self.optimum {
            return Ok(Verdict::Infeasible);
        }
        self.high = if PACES[P] == Pace::SUMS { self.optimum } else { self.found(limit) };
        if PACES[P] == Pace::SUMS {
            self.raise(self.optimum);
        }
        Ok(Verdict::Feasible)
    }

    fn scale(&mut self, _labels: usize) -> Result<Scale, Stopped> {
        let Scale::Listed { values, .. } = &self.scale else { return Ok(self.scale.clone()) };
        let values = values.iter().copied().filter(|&value| value >= self.bound() && value < self.high).collect();
        Ok(Scale::Listed { values, end: self.high })
    }

    fn improve(&mut self, _labels: usize) -> Result<(), Stopped> {
        if self.high.is_finite() {
            self.high = self.found(self.high);
        }
        Ok(())
    }
}

fn close_hidden<const P: usize>(scale: &Scale, seed: u64) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let largest = if P == 3 { 20.0 } else { 1_000.0 };
    let optimum = if seed.is_multiple_of(7) { f64::INFINITY } else { scale.above(rng.random::<f64>() * largest) };
    let hardest = 10.0_f64.powf(2.0 + 7.0 * rng.random::<f64>());
    let known = scale.above(optimum + rng.random::<f64>() * largest);
    let high = if seed.is_multiple_of(5) { f64::INFINITY } else { known.max(optimum) };
    let (scale, low) = (scale.clone(), Cell::new(0.0));
    let mut hidden = Hidden::<P> { scale, optimum, hardest, low, high, rng, decisions: 0, learnt: () };
    let effort = Effort::all(100);
    close(&mut hidden, effort).unwrap();
    if hardest <= effort.last as f64 {
        assert_eq!((hidden.bound(), hidden.high), (optimum, optimum), "{:?} {seed}", hidden.scale);
    }
    assert!(hidden.bound() <= optimum && optimum <= hidden.high);
    assert!(hidden.decisions < 600, "{} decisions", hidden.decisions);
}

#[test]
fn a_gap_is_closed_as_soon_as_the_effort_suffices_and_no_bound_is_above_the_optimum() {
    let mut rng = Pcg64Mcg::seed_from_u64(7);
    let mut values: Vec<f64> = (0..3_000).map(|_| rng.random::<f64>() * 3_000.0).collect();
    values.sort_by(f64::total_cmp);
    let listed = Scale::Listed { values, end: 4_000.0 };
    for seed in 0..300 {
        close_hidden::<0>(&listed, seed);
        close_hidden::<1>(&Scale::Reals, seed);
        close_hidden::<2>(&Scale::Reals, seed);
        close_hidden::<2>(&Scale::Whole, seed);
        close_hidden::<3>(&Scale::Whole, seed);
    }
}

#[test]
fn steps_are_counted_in_values_of_the_scale() {
    let listed = Scale::Listed { values: vec![1.0, 2.0, 4.0, 8.0, 16.0], end: 20.0 };
    assert_eq!((listed.below(20.0), listed.below(8.0), listed.below(1.0)), (Some(16.0), Some(4.0), None));
    assert_eq!((listed.above(4.0), listed.above(5.0), listed.above(16.0)), (8.0, 8.0, 20.0));
    assert_eq!((listed.ahead(1.0, 20.0, Some(1.0)), listed.ahead(1.0, 20.0, None)), (1.0, 4.0));
    assert_eq!(listed.width(2.0, 16.0), 3.0);
    assert_eq!((Scale::Whole.below(3.0), Scale::Whole.above(2.5)), (Some(2.0), 3.0));
    assert_eq!(Scale::Reals.ahead(1.0, 1.0_f64.next_up(), None), 1.0);
}
