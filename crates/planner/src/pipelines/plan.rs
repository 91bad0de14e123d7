//! Plans a request for several pipelines.

use super::packings::Packings;
use super::{replan, search};
use crate::check_failure::CheckFailure;
use crate::domain::options::Objective;
use crate::domain::placement::{PlacementDocument, Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{counted, seconds_text};
use crate::env::Env;
use crate::instance::Instance;
use crate::reasons::reason;
use crate::stopped::Stopped;
use crate::{MOST_HOSTS_OF_WALK_BOUND, bounds, feasible, pinned};

/// Plans a request whose answer may have several pipelines.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a packing.
pub fn plan(request: &PlanRequest, instance: &Instance, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
    let stop = || env.stop.reason().is_some();
    let packings = Packings::new(request, instance, env);
    let Ok(reasons) = feasible::reasons(request, instance, &stop) else { return packings.conclude() };
    if !reasons.is_empty() {
        return Ok(packings.infeasible(reasons));
    }
    match prove_single_bounds(&packings, &stop) {
        Ok(Some(reason)) => return Ok(packings.infeasible(vec![reason])),
        Ok(None) => {}
        Err(Stopped) => return packings.conclude(),
    }
    if !is_out_of_reach(&packings) {
        search(&packings);
    }
    if packings.best().is_none() && is_out_of_reach(&packings) {
        return Ok(packings.infeasible(vec![out_of_reach(&packings)]));
    }
    replan(&packings);
    packings.conclude()
}

/// Proves by the relaxation of single pipelines that no sum of rates is larger than the most pipelines at the least period.
/// Returns a reason if not even one pipeline exists.
fn prove_single_bounds(packings: &Packings<'_>, stop: &dyn Fn() -> bool) -> Result<Option<Reason>, Stopped> {
    let (request, instance) = (packings.request, packings.instance);
    if instance.hosts.len() > MOST_HOSTS_OF_WALK_BOUND {
        return Ok(None);
    }
    let bounds = bounds::of(instance);
    let least_period_s = bounds.least_period(stop)?;
    if least_period_s == f64::INFINITY {
        return Ok(Some(feasible::no_walk(request, instance, stop)));
    }
    if instance.max_latency_s.is_finite() {
        let least_latency_s = bounds.least_latency(stop)?;
        if least_latency_s > instance.max_latency_s {
            return Ok(Some(feasible::latency_out_of_reach(request, instance, least_latency_s, stop)));
        }
    }
    packings.prove_most(packings.most_pipelines() as f64 / least_period_s);
    Ok(None)
}

/// Returns `true` if it is proven that no packing exists.
fn is_out_of_reach(packings: &Packings<'_>) -> bool {
    packings.fewest_nodes() == usize::MAX
        || packings.most_per_s().is_some_and(|most| most < packings.needed_rate_per_s() || most == 0.0)
}

/// Returns the reason of a proof that no packing exists.
fn out_of_reach(packings: &Packings<'_>) -> Reason {
    let Objective::MinNodes { target_period_s } = packings.instance.objective else {
        return pinned::exhausted(packings.request, packings.instance, packings.env);
    };
    let hosts = counted(packings.instance.hosts.len(), "eligible node");
    let limit = seconds_text(target_period_s);
    let known = packings.most_per_s().filter(|&most| most > 0.0 && most < packings.needed_rate_per_s());
    match known.map(|most| 1.0 / most).filter(|least_s| least_s.is_finite()) {
        Some(least_s) => {
            let least = seconds_text(least_s);
            let detail =
                format!("no pipelines on the {hosts} have a period below {least} together, the limit is {limit}");
            reason(ReasonCode::TargetOutOfReach, detail, [("least_s", least_s), ("limit_s", target_period_s)])
        }
        None => {
            let detail = format!("no pipelines on the {hosts} have a period within the limit of {limit} together");
            reason(ReasonCode::TargetOutOfReach, detail, [("limit_s", target_period_s)])
        }
    }
}
