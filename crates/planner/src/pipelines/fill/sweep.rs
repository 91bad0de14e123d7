//! All periods against prices: which pipelines are worth more than they cost, and by how much at most.
//!
//! With σ the price of a pipeline and p(T) the least price of the hosts of one with a period of at most T, a pipeline of
//! period T is worth 1 / T and costs at least σ + p(T). Prices that are raised by the largest quotient of the two are paid
//! by all pipelines, so that they bound the sum of all rates (Farley 1990, doi 10.1287/opre.38.5.922). The periods are
//! swept downwards: from T, all periods are known to be paid for down to 1 / (σ + p(T)).

use super::cheapest::{Cheapest, Question};
use super::classes::ClassStages;
use super::prices::{Level, Prices};
use super::relaxation::Space;
use crate::stopped::Stopped;

/// How exact a sweep is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// The part by which a quotient may be overestimated.
    pub step: f64,
    /// The most labels of each question.
    pub labels: usize,
    /// How often neighbourhoods may grow in each question.
    pub rounds: usize,
    /// The most pipelines that are wanted of each question.
    pub wanted: usize,
}

/// Prices of this many times what a pipeline is worth are not told apart.
const FAR: f64 = 1.25;

/// What a sweep finds and proves.
#[derive(Debug, Default)]
pub struct Swept {
    /// No pipeline is worth more than this many times what it costs; infinite if nothing is proven.
    pub quotient: f64,
    /// Pipelines that may be worth more than they cost.
    pub found: Vec<ClassStages>,
    /// For some periods in seconds, the least price of the hosts of a pipeline.
    pub least: Vec<(f64, f64)>,
}

/// The periods that a sweep looks at.
#[derive(Debug, Clone, Copy)]
pub struct Periods<'p> {
    /// No pipeline has a smaller period, in seconds.
    pub least_s: f64,
    /// The values that periods can have, ascending; empty if they are not known.
    pub values_s: &'p [f64],
}

impl Periods<'_> {
    /// Returns the largest value up to a period, or below it.
    fn last_up_to(&self, period_s: f64, is_included: bool) -> f64 {
        let known = |&value: &f64| value < period_s || is_included && value == period_s;
        match self.values_s.partition_point(known).checked_sub(1) {
            Some(at) => self.values_s[at],
            None if self.values_s.is_empty() && is_included => period_s,
            None if self.values_s.is_empty() => period_s.next_down(),
            None => 0.0,
        }
    }

    /// Returns the smallest value from a period on.
    fn first_from(&self, period_s: f64) -> f64 {
        let at = self.values_s.partition_point(|&value| value < period_s);
        self.values_s.get(at).copied().unwrap_or(period_s).max(self.least_s)
    }
}

/// Sweeps all periods, at most a number of them while pipelines are worth more than they cost.
pub fn sweep(
    cheapest: &mut dyn Cheapest,
    prices: &Prices,
    (space, levels, most_stages): (&Space, &[Level], usize),
    periods: Periods<'_>,
    precision: Precision,
    stop: &dyn Fn() -> bool,
) -> Result<Swept, Stopped> {
    let per_host = prices.per_host();
    let mut swept = Swept::default();
    let mut ask = |period_s: f64, limit: f64, swept: &mut Swept| {
        let question = Question {
            period_s,
            prices: &per_host,
            room: &space.room,
            most_stages: most_stages.min(space.most_nodes),
            labels: precision.labels,
            rounds: precision.rounds,
            limit,
            wanted: precision.wanted,
        };
        let answer = cheapest.ask(&question, stop)?;
        swept.least.push((period_s, answer.least));
        swept.found.extend(answer.found);
        Ok(answer.least)
    };
    let least = ask(f64::MAX, f64::INFINITY, &mut swept)?;
    let slowest_s = 1.0 / (prices.of_period(f64::MAX, levels) + least);
    if !slowest_s.is_finite() {
        swept.quotient = f64::INFINITY;
        return Ok(swept);
    }
    let mut period_s = periods.last_up_to(slowest_s, true);
    let mut unpaid = 0;
    while period_s >= periods.least_s && period_s > 0.0 {
        // What costs far more than it is worth needs no exact price.
        let of_period = prices.of_period(period_s, levels);
        let limit = (FAR / period_s - of_period).max(0.0);
        let least = ask(period_s, limit, &mut swept)?;
        let price = of_period + least;
        // All periods from here on are paid for.
        let paid_s = 1.0 / ((1.0 + precision.step) * price);
        let (from_s, next_s) = if paid_s <= period_s {
            (periods.first_from(paid_s), periods.last_up_to(paid_s, false))
        } else {
            unpaid += 1;
            // The more periods are not paid for, the larger are the steps: the bound is far from the value then anyway.
            let step = precision.step * f64::from(1 + unpaid / 8);
            let from_s = periods.first_from((period_s / (1.0 + step)).next_up());
            (from_s.min(period_s), periods.last_up_to(from_s.min(period_s), false))
        };
        swept.quotient = swept.quotient.max(1.0 / (from_s.min(period_s) * price));
        period_s = next_s;
    }
    Ok(swept)
}
