//! Search for smaller values without proofs: at limits slightly above the bound, and by bisection.

use super::oracle::{Gap, Oracle};
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Tries limits that are multiples of the bound, ascending, until a placement keeps to one. Then
/// bisects the range between this limit and the one before, `bisections` times. Decides without
/// labels, and raises no bound.
pub fn approach<O: Oracle>(oracle: &mut O, factors: &[f64], bisections: usize) -> Result<(), Stopped> {
    let bound = oracle.gap().bound();
    let mut unreached = bound;
    // An infinite factor gives the largest limit, which excludes nothing. This holds for a bound of
    // 0 too: the product is then NaN, and `min` ignores it.
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

/// Returns the value of a gap, or `None` if there is no placement or the search must end.
pub fn reached(gap: &dyn Gap) -> Option<f64> {
    Some(gap.value()).filter(|value| value.is_finite() && !gap.must_end())
}

/// Halves the range between `unreached` and the value that `reached` returns, at most `times`
/// times. `attempt` tries a value and returns `true` if it reaches it.
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
