//! Lowers a value without a proof: at limits a little above the bound, and halfway down to it.

use super::oracle::{Gap, Oracle};
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Tries limits that are multiples of the bound, ascending, up to the first that a placement keeps to. Then bisects a few
/// times what is in between. Decides without labels, and proves nothing.
pub fn approach<O: Oracle>(oracle: &mut O, factors: &[f64], bisections: usize) -> Result<(), Stopped> {
    let bound = oracle.gap().bound();
    let mut unreached = bound;
    // An infinite multiple excludes nothing, also of a bound of zero.
    let mut limits: Vec<f64> = factors.iter().map(|factor| (bound * factor).min(f64::MAX)).collect();
    limits.dedup();
    for limit in limits {
        if limit >= oracle.gap().value() || oracle.gap().must_end() || oracle.decide(limit, 0)? == Verdict::Feasible {
            break;
        }
        unreached = limit;
    }
    bisect(
        oracle,
        (unreached, bisections),
        |oracle| reached(oracle.gap()),
        |oracle, limit| Ok(oracle.decide(limit, 0)? == Verdict::Feasible),
    )
}

/// The value of a gap; `None` without a placement, or if the search must end.
pub fn reached(gap: &dyn Gap) -> Option<f64> {
    Some(gap.value()).filter(|value| value.is_finite() && !gap.must_end())
}

/// Halves the range between a value that is not reached and the one that is, at most so many times. `attempt` returns
/// `true` if it reaches a value.
pub fn bisect<S: ?Sized>(
    state: &mut S,
    (mut unreached, times): (f64, usize),
    reached: impl Fn(&S) -> Option<f64>,
    mut attempt: impl FnMut(&mut S, f64) -> Result<bool, Stopped>,
) -> Result<(), Stopped> {
    for _ in 0..times {
        let Some(reached) = reached(state).filter(|&reached| reached > unreached) else { break };
        let middle = unreached + (reached - unreached) / 2.0;
        if !attempt(state, middle)? {
            unreached = middle;
        }
    }
    Ok(())
}
