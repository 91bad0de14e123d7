//! Certified instances with few of their cuts: nothing that is claimed may be wrong.

use serde_json::Value;

use super::bound::GridBounds;
use super::{cuts, plan_among};
use crate::Env;
use crate::bound::{Bounds, Walks};
use crate::domain::placement::Status;
use crate::domain::request::PlanRequest;
use crate::env::{NeverStop, NoProgress};
use crate::instance::Instance;

/// What the sums of a relaxation may differ by from those of a placement.
const ROUNDING: f64 = 1e-12;

struct Certified {
    name: &'static str,
    request: PlanRequest,
    /// The least period; infinite where there is no placement.
    least_s: f64,
}

/// The name and the text of an instance of the tests.
macro_rules! certified {
    ($name:literal) => {
        ($name, include_str!(concat!("../../tests/instances/", $name, ".json")))
    };
}

const INSTANCES: [(&str, &str); 17] = [
    certified!("asym_n08_0"),
    certified!("asym_n30_3"),
    certified!("edge_n12_0"),
    certified!("edge_n20_0"),
    certified!("hetero_n10_2"),
    certified!("hetero_types_n04_2"),
    certified!("hetero_types_n16_0"),
    certified!("infeasible_n10_0"),
    certified!("infeasible_n50_3"),
    certified!("paper_n14_0"),
    certified!("paper_tight_n05_0"),
    certified!("paper_tight_n16_0"),
    certified!("pinned_n08_1"),
    certified!("pinned_n12_2"),
    certified!("sparse_n04_2"),
    certified!("sparse_n30_0"),
    certified!("synthetic_n10_2"),
];

fn all_certified() -> Vec<Certified> {
    let read = |(name, text): (&'static str, &str)| {
        let certified: Value = serde_json::from_str(text).unwrap();
        let least_s = certified["expected"]["period_s"].as_f64().unwrap_or(f64::INFINITY);
        let request = PlanRequest::from_json(&certified["request"]).unwrap();
        Certified { name, request, least_s }
    };
    INSTANCES.into_iter().map(read).collect()
}

#[test]
fn bounds_from_every_grid_hold_for_all_cuts() {
    for Certified { name, request, least_s } in all_certified() {
        let instance = Instance::new(&request, &|| false).unwrap();
        let latency_of_walks_s = Walks(&instance).least_latency(&|| false).unwrap();
        for most in [0, 1, 2, 3, 5, 8, 13, 50, 1_000] {
            let bounds = GridBounds::new(&instance, &cuts::spread(&instance, most));
            let period_s = bounds.least_period(&|| false).unwrap();
            let latency_s = bounds.least_latency(&|| false).unwrap();
            assert!(period_s <= least_s * (1.0 + ROUNDING), "{name}, {most} cuts: {period_s} of {least_s}");
            let most_s = latency_of_walks_s * (1.0 + ROUNDING);
            assert!(latency_s <= most_s, "{name}, {most} cuts: latency {latency_s} of {latency_of_walks_s}");
        }
    }
}

#[test]
fn a_search_among_few_cuts_claims_nothing_false() {
    let (mut placed, mut best) = (0, 0);
    for Certified { name, request, least_s } in all_certified() {
        let instance = Instance::new(&request, &|| false).unwrap();
        for most in [2, 6, 20] {
            let env = Env { seed: 1, threads: 1, stop: &NeverStop, progress: &NoProgress };
            let document = plan_among(&request, &instance, most, &env).unwrap();
            let bound_s = document.lower_bound_s.unwrap_or(0.0);
            assert!(bound_s <= least_s * (1.0 + ROUNDING), "{name}, {most} cuts: bound {bound_s} of {least_s}");
            match document.status {
                Status::Infeasible => assert_eq!(least_s, f64::INFINITY, "{name}, {most} cuts"),
                Status::Unknown => {}
                Status::Optimal | Status::Feasible => {
                    let period_s = document.period_s.unwrap();
                    assert!(period_s >= least_s * (1.0 - ROUNDING), "{name}, {most} cuts: {period_s} of {least_s}");
                    placed += 1;
                    best += usize::from(period_s <= least_s * (1.0 + ROUNDING));
                }
            }
        }
    }
    // Rounds that move closer to the best cuts are worth it: from few cuts many optima are found.
    assert!(placed > 20 && best * 2 > placed, "{best} optima in {placed} placements");
}
