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
    /// The most pipelines that are wanted of each question.
    pub wanted: usize,
}

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

/// Sweeps all periods from `least_s` on, which no pipeline is below.
pub fn sweep(
    cheapest: &mut dyn Cheapest,
    prices: &Prices,
    (space, levels, most_stages): (&Space, &[Level], usize),
    least_s: f64,
    precision: Precision,
    stop: &dyn Fn() -> bool,
) -> Result<Swept, Stopped> {
    let per_host = prices.per_host();
    let mut swept = Swept::default();
    let mut ask = |period_s: f64, swept: &mut Swept| {
        let question = Question {
            period_s,
            prices: &per_host,
            room: &space.room,
            most_stages: most_stages.min(space.most_nodes),
            labels: precision.labels,
            limit: f64::INFINITY,
            wanted: precision.wanted,
        };
        let answer = cheapest.ask(&question, stop)?;
        swept.least.push((period_s, answer.least));
        swept.found.extend(answer.found);
        Ok(answer.least)
    };
    let least = ask(f64::MAX, &mut swept)?;
    let mut period_s = 1.0 / (prices.of_period(f64::MAX, levels) + least);
    if !period_s.is_finite() {
        swept.quotient = f64::INFINITY;
        return Ok(swept);
    }
    while period_s >= least_s {
        let least = ask(period_s, &mut swept)?;
        if least == f64::INFINITY {
            break;
        }
        let price = prices.of_period(period_s, levels) + least;
        let quotient = 1.0 / (period_s * price);
        // Down to the next period, no quotient is larger than that of a pipeline with this price and the next period.
        let next_s = period_s / (1.0 + precision.step) * quotient.min(1.0);
        let (next_s, at_most_s) = if next_s < least_s { (0.0, least_s) } else { (next_s, next_s) };
        swept.quotient = swept.quotient.max(1.0 / (at_most_s * price));
        period_s = next_s;
    }
    Ok(swept)
}
