//! A search stopped at any moment: what it says is valid and true, and nothing that was cut short counts as a proof.

use cutpoint_planner::Env;
use cutpoint_planner::domain::placement::{Status, Termination};
use cutpoint_planner::domain::request::PlanRequest;

use super::bases::{instance, instance_files, own_instances, request};
use crate::oracle::{
    Heard, Kind, OracleAnswer, Size, StopAfter, assert_document_true, brute_force, dense_dp, planned_in, random_request,
};

/// How often a search was stopped, and with what.
#[derive(Debug, Default)]
struct Tally {
    stopped: usize,
    with_placement: usize,
    proven: usize,
}

impl Tally {
    /// Stops a search after so many questions and examines all that it said. Returns how often it asked.
    fn stop_after(&mut self, calls: usize, request: &PlanRequest, answer: &OracleAnswer, context: &str) -> usize {
        let context = format!("{context}, stopped after {calls}");
        let (stop, heard) = (StopAfter::new(calls), Heard::default());
        let document = planned_in(request, &Env { seed: 0, threads: 1, stop: &stop, progress: &heard }, &context);
        let proven = assert_document_true(request, &document, answer, &context);
        heard.assert_true(request, answer, &context);
        if stop.asked() > calls && matches!(document.status, Status::Feasible | Status::Unknown) {
            assert_eq!(document.termination, Termination::Stopped, "{context}");
            self.stopped += 1;
            self.with_placement += usize::from(document.status == Status::Feasible);
        }
        self.proven += usize::from(proven);
        stop.asked()
    }

    /// Stops a search at up to `times` moments spread over its whole course, the first ones among them.
    fn stop_everywhere(&mut self, times: usize, request: &PlanRequest, answer: &OracleAnswer, context: &str) {
        let asked = self.stop_after(usize::MAX, request, answer, context);
        let spread = (0..times).map(|at| at * asked / times);
        let mut moments: Vec<usize> = (0..6.min(asked)).chain(spread).collect();
        moments.sort_unstable();
        moments.dedup();
        for calls in moments {
            self.stop_after(calls, request, answer, context);
        }
    }
}

#[test]
fn every_kind_and_objective_stopped_anywhere() {
    let mut tally = Tally::default();
    for seed in 5000..5020 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, Size { layers: 6, nodes: 4 });
            tally.stop_everywhere(25, &request, &brute_force(&request), &format!("seed {seed}, {kind:?}"));
        }
    }
    println!("{tally:?}");
    assert!(tally.stopped > 1000 && tally.with_placement > 100 && tally.proven > 100, "{tally:?}");
}

#[test]
fn searches_for_throughput_stopped_anywhere() {
    let mut tally = Tally::default();
    for seed in 6000..6060 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, Size { layers: 16, nodes: 8 });
            let Some(answer) = dense_dp(&request) else { continue };
            tally.stop_everywhere(25, &request, &answer, &format!("seed {seed}, {kind:?}"));
        }
    }
    println!("{tally:?}");
    assert!(tally.stopped > 5000 && tally.with_placement > 500 && tally.proven > 500, "{tally:?}");
}

#[test]
fn searches_on_certified_instances_stopped_anywhere() {
    let mut tally = Tally::default();
    for path in instance_files(&own_instances()) {
        let mut content = instance(&path);
        let context = path.display().to_string();
        let request = request(&content["request"].take(), &context);
        let answer = match content["expected"]["period_s"].as_f64() {
            None => OracleAnswer::Infeasible,
            Some(certified_s) => {
                let best = crate::oracle::planned(&request, &context);
                let period_s = best.least_period_s.unwrap();
                assert!((period_s - certified_s).abs() <= 1e-12 * certified_s, "{context}");
                OracleAnswer::Optimal(crate::oracle::Optimum {
                    objective: period_s,
                    period_s,
                    latency_s: best.latency_s.unwrap(),
                    stages: Vec::new(),
                })
            }
        };
        tally.stop_everywhere(40, &request, &answer, &context);
    }
    println!("{tally:?}");
    assert!(tally.stopped > 300 && tally.with_placement > 50, "{tally:?}");
}
