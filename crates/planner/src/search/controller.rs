//! Closes a gap. The algorithm is anytime: it has a proven bound and a checked incumbent at every
//! moment.
//!
//! A round decides limits with a given number of labels at most. The first limit is the one right
//! below the best value: if that value is the optimum, this one proof ends the search. Then come
//! limits in growing steps up from the bound. They are cheaper, raise the bound, and teach the next
//! decisions. From the first limit that is not refuted on, the range between it and the bound is
//! bisected. What is still undecided is left to the next round, which may use more labels. Between
//! two rounds, heuristics improve the value.

use super::effort::Effort;
use super::oracle::Oracle;
use super::scale::Scale;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Closes the gap, as far as the effort suffices.
pub fn close<O: Oracle>(oracle: &mut O, effort: Effort) -> Result<(), Stopped> {
    narrow(oracle, effort.first)?;
    close_after_first(oracle, effort)
}

/// Runs the rounds after the first, until the gap is closed or the effort is spent.
pub fn close_after_first<O: Oracle>(oracle: &mut O, effort: Effort) -> Result<(), Stopped> {
    let mut before = effort.first;
    for labels in effort.rising().skip(1) {
        if oracle.gap().has_ended() {
            break;
        }
        oracle.improve(before)?;
        narrow(oracle, labels)?;
        before = labels;
    }
    Ok(())
}

/// Runs one round: moves the bound and the value towards each other until they meet, or until the
/// limits between them are undecided with `labels` labels.
pub fn narrow<O: Oracle>(oracle: &mut O, labels: usize) -> Result<(), Stopped> {
    if oracle.gap().has_ended() {
        return Ok(());
    }
    let mut undecided = f64::INFINITY;
    if oracle.gap().value() == f64::INFINITY {
        undecided = oracle.largest();
        if oracle.decide(undecided, labels)? == Verdict::Infeasible {
            oracle.gap().raise(f64::INFINITY);
            return Ok(());
        }
    }
    let scale = oracle.scale(labels)?;
    if oracle.gap().value() < f64::INFINITY {
        decide_below_best(oracle, &scale, labels.min(O::PACE.labels_below_best))?;
    }
    climb(oracle, &scale, undecided, labels)
}

/// Decides the limit right below the best value. Repeats this as long as a better value is found
/// and is close to the bound.
fn decide_below_best<O: Oracle>(oracle: &mut O, scale: &Scale, labels: usize) -> Result<(), Stopped> {
    let before = oracle.learnt().clone();
    while labels > 0 && !oracle.gap().has_ended() {
        let top = oracle.gap().value().min(scale.end());
        let Some(limit) = scale.below(top) else {
            oracle.gap().raise(top);
            break;
        };
        let verdict = decide(oracle, scale, limit, labels)?;
        if verdict == Verdict::Unknown {
            // Neighbourhoods that grew in an undecided decision would slow down the easier ones.
            *oracle.learnt() = before;
            break;
        }
        let (bound, value) = (oracle.gap().bound(), oracle.gap().value());
        if value >= top || !scale.is_near(bound, value) {
            break;
        }
    }
    Ok(())
}

/// Decides limits in growing steps up from the bound, then by bisection.
fn climb<O: Oracle>(oracle: &mut O, scale: &Scale, mut undecided: f64, labels: usize) -> Result<(), Stopped> {
    undecided = undecided.min(oracle.gap().value()).min(scale.end());
    let stride = scale.stride(oracle.gap().bound(), undecided, O::PACE.parts);
    let mut step = Some(stride.first);
    let mut last = Verdict::Unknown;
    loop {
        let (bound, value) = (oracle.gap().bound(), oracle.gap().value());
        undecided = undecided.min(value);
        let width = scale.width(bound, undecided);
        if width <= 0.0 || oracle.gap().must_end() {
            return Ok(());
        }
        let top = value.min(scale.end());
        let is_tiny = scale.is_tiny(bound, value);
        let may_come_back = O::PACE.comes_back && undecided == top;
        if !may_come_back && (width <= stride.left_alone || is_tiny) {
            return Ok(());
        }
        // What was learnt since then may now decide the limit right below the best value.
        let comes_back = may_come_back
            && match last {
                Verdict::Infeasible => is_tiny || step.is_none_or(|step| step >= width),
                Verdict::Feasible => is_tiny,
                Verdict::Unknown => false,
            };
        let below_best = scale.below(top).filter(|_| comes_back);
        let before = below_best.map(|_| oracle.learnt().clone());
        let limit = below_best.unwrap_or_else(|| scale.ahead(bound, undecided, step));
        last = decide(oracle, scale, limit, labels)?;
        if last == Verdict::Infeasible {
            step = step.map(|step| (2.0 * step).max(stride.part));
        } else {
            (undecided, step) = (limit, None);
        }
        if let Some(before) = before.filter(|_| last == Verdict::Unknown) {
            *oracle.learnt() = before;
        }
    }
}

/// Decides a limit. If it is refuted, raises the bound to the next value of the scale.
fn decide<O: Oracle>(oracle: &mut O, scale: &Scale, limit: f64, labels: usize) -> Result<Verdict, Stopped> {
    let verdict = oracle.decide(limit, labels)?;
    if verdict == Verdict::Infeasible {
        oracle.gap().raise(scale.above(limit).min(oracle.gap().value()));
    }
    Ok(verdict)
}
