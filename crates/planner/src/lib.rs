//! The planner: turns a valid request into a checked placement document with a proven bound.
//!
//! The planner is pure. It does not wait, read, write or look at a clock, and its answers do not
//! depend on the order of hash tables. Everything that is not pure is in one value, [`Env`].
//!
//! # Examples
//!
//! ```
//! use cutpoint_planner::domain::placement::Status;
//! use cutpoint_planner::domain::request::PlanRequest;
//! use cutpoint_planner::env::{NeverStop, NoProgress};
//! use cutpoint_planner::{Env, plan};
//! use serde_json::json;
//!
//! let request = PlanRequest::from_json(&json!({
//!     "model": {
//!         "name": "two-layers",
//!         "layers": [
//!             {"id": "image", "param_bytes": 0, "output_bytes": 12_000},
//!             {"id": "conv", "param_bytes": 800_000, "output_bytes": 4_000, "flops": 20_000_000},
//!             {"id": "dense", "param_bytes": 600_000, "output_bytes": 40, "flops": 1_000_000}
//!         ],
//!         "edges": [{"from": "image", "to": "conv"}, {"from": "conv", "to": "dense"}]
//!     },
//!     "cluster": {
//!         "name": "shelf",
//!         "nodes": [
//!             {"id": "pi-1", "memory_bytes": 1_000_000, "flops_per_s": 1e9},
//!             {"id": "pi-2", "memory_bytes": 1_000_000, "flops_per_s": 2e9}
//!         ],
//!         "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0}
//!     }
//! }))
//! .expect("the request is valid");
//!
//! let answer = plan(&request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress })?;
//!
//! assert_eq!(answer.status, Status::Optimal);
//! let nodes: Vec<&str> = answer.stages().iter().map(|stage| stage.node_id.as_str()).collect();
//! assert_eq!(nodes, ["pi-2", "pi-1"]);
//! # Ok::<(), cutpoint_planner::CheckFailure>(())
//! ```

#[doc(hidden)]
pub mod bound_and_decision;
pub mod check;
pub mod domain;
pub mod env;
pub mod explain;

mod baselines;
mod bits;
mod bounds;
mod busy_media;
mod by_hand;
mod check_failure;
mod coarse;
mod cost;
mod cuts;
mod diff;
mod document;
mod exact;
mod feasible;
mod goals;
mod incumbent;
mod index;
mod instance;
mod links;
mod migration;
mod occupants;
mod pinned;
mod pipelines;
mod reasons;
mod repartition;
mod resource_constrained;
mod routes;
mod search;
mod shared_media;
mod shares;
mod stopped;
mod verdict;

pub use by_hand::{KnownBound, by_hand};
pub use check_failure::CheckFailure;
pub use cuts::{CutCount, cut_count};
pub use diff::diff;
pub use env::{Env, Progress, Stop, StopReason};
pub use occupants::occupant_of;

use self::bounds::size::is_large;
use self::incumbent::Incumbent;
use self::instance::Instance;
use self::stopped::Stopped;
use crate::domain::options::Algorithm;
use crate::domain::placement::{PlacementDocument, Reason};
use crate::domain::request::PlanRequest;

/// The number of hosts from which on a first placement is searched before the walk bound.
const MANY_HOSTS: usize = 256;

/// The most hosts for which the walk bound, at O(m n²), pays off when a period is minimised. With
/// more hosts, decisions at single periods raise the bound sooner.
const MOST_HOSTS_OF_WALK_BOUND: usize = 4_000;

/// Looks for proofs that a request has no placement, without a search. O(m n² + n m²).
///
/// Returns the reasons. The list is empty if no such proof was found. Returns `None` if `stop`
/// ended the computation.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::domain::placement::ReasonCode;
/// use cutpoint_planner::domain::request::PlanRequest;
/// use cutpoint_planner::env::NeverStop;
/// use cutpoint_planner::infeasibility;
/// use serde_json::json;
///
/// let request = PlanRequest::from_json(&json!({
///     "model": {
///         "name": "two-layers",
///         "layers": [
///             {"id": "conv", "param_bytes": 800_000, "output_bytes": 4_000, "flops": 20_000_000},
///             {"id": "dense", "param_bytes": 600_000, "output_bytes": 40, "flops": 1_000_000}
///         ],
///         "edges": [{"from": "conv", "to": "dense"}]
///     },
///     "cluster": {
///         "name": "shelf",
///         "nodes": [
///             {"id": "pi-1", "memory_bytes": 500_000, "flops_per_s": 1e9},
///             {"id": "pi-2", "memory_bytes": 500_000, "flops_per_s": 2e9}
///         ],
///         "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0}
///     }
/// }))
/// .expect("the request is valid");
///
/// let reasons = infeasibility(&request, &NeverStop).expect("nothing stops it");
/// assert_eq!(reasons[0].code, ReasonCode::BlockTooLarge);
/// assert_eq!(reasons[0].layer_ids, ["conv"]);
/// ```
pub fn infeasibility(request: &PlanRequest, stop: &dyn Stop) -> Option<Vec<Reason>> {
    feasible::infeasibility(request, stop).ok()
}

/// Plans a request and returns the placement document.
///
/// `solve_s` of the document is 0: the caller, who has a clock, sets it. Every placement in the
/// document, and every one passed to [`Progress::incumbent`], has passed the checker. If `env.stop`
/// ends the search, the document has the best placement and the best bound so far.
///
/// # Errors
///
/// Returns [`CheckFailure`] if the checker refuses a placement. This is a defect of the planner.
pub fn plan(request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
    let stop = || env.stop.reason().is_some();
    let Ok(instance) = Instance::new(request, &stop) else {
        return Ok(document::stopped(request, env));
    };
    if request.options.wants_several() {
        return pipelines::plan(request, &instance, env);
    }
    if request.options.solver.algorithm.searches() && is_large(&instance) {
        return coarse::plan(request, &instance, env);
    }
    let incumbent = Incumbent::new(request, &instance, env);
    let Ok(reasons) = feasible::reasons(request, &instance, &stop) else { return incumbent.conclude() };
    if !reasons.is_empty() {
        return Ok(incumbent.infeasible(reasons));
    }
    if instance.hosts.len() >= MANY_HOSTS && request.options.solver.algorithm.searches() {
        // The walk bound takes long on large clusters, so a first placement is searched before it.
        goals::period::any_placement(&incumbent);
    }
    match raise_walk_bound(&incumbent, &stop) {
        Ok(Some(reason)) => return Ok(incumbent.infeasible(vec![reason])),
        Ok(None) => {}
        Err(Stopped) => return incumbent.conclude(),
    }
    match request.options.solver.algorithm {
        Algorithm::Kpath => baselines::kpath(&incumbent),
        Algorithm::Greedy => baselines::greedy(&incumbent),
        Algorithm::Random => baselines::random(&incumbent),
        Algorithm::Exact | Algorithm::Auto => goals::search(&incumbent),
    }
    if incumbent.bound() == f64::INFINITY {
        return Ok(incumbent.infeasible(vec![pinned::exhausted(request, &instance, env)]));
    }
    if request.options.solver.algorithm.searches() {
        goals::refine(&incumbent);
    }
    incumbent.conclude()
}

/// Raises the bound to that of the walk relaxation. Returns a reason if the relaxation proves that
/// no placement exists.
fn raise_walk_bound(incumbent: &Incumbent<'_>, stop: &dyn Fn() -> bool) -> Result<Option<Reason>, Stopped> {
    let instance = incumbent.instance;
    if instance.objective.minimises_period() && instance.hosts.len() > MOST_HOSTS_OF_WALK_BOUND {
        return Ok(None);
    }
    feasible::raise_bounds(incumbent, &*bounds::of(instance), stop)
}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/solver.md")]
struct SolverGuide;
