//! Instances with certified optima: those of this repository, and any others in a directory that `CUTPOINT_INSTANCES`
//! names.

use std::path::Path;

use cutpoint_planner::domain::placement::Status;

use super::bases::{instance, instance_files, own_instances, request};
use crate::oracle::planned;

/// Certified by programs that sum in other orders.
const TOLERANCE: f64 = 1e-12;

/// Plans every instance in a directory; returns how many there are.
fn meet_certificates(directory: &Path) -> usize {
    let paths = instance_files(directory);
    for path in &paths {
        let context = path.display().to_string();
        let mut content = instance(path);
        // The certified latency is the least among the least periods.
        content["request"]["solver"]["tolerance"] = 0.into();
        let document = planned(&request(&content["request"].take(), &context), &context);
        let expected = &content["expected"];
        match expected["period_s"].as_f64() {
            None => assert_eq!(document.status, Status::Infeasible, "{context}"),
            Some(period_s) => {
                assert_eq!(document.status, Status::Optimal, "{context}");
                let stated_s = document.period_s.unwrap();
                assert!((stated_s - period_s).abs() <= TOLERANCE * period_s, "{context}: {stated_s}, not {period_s}");
            }
        }
        if let (Some(least_s), Some(stated_s)) = (expected["latency_s"].as_f64(), document.latency_s) {
            assert!((stated_s - least_s).abs() <= 1e-9 * least_s, "{context}: the latency {stated_s}, not {least_s}");
        }
    }
    paths.len()
}

#[test]
fn the_instances_of_every_family_meet_their_certificates() {
    assert!(meet_certificates(&own_instances()) >= 20);
}

#[test]
fn the_instances_elsewhere_meet_their_certificates() {
    match std::env::var_os("CUTPOINT_INSTANCES") {
        None => println!("skipped: CUTPOINT_INSTANCES names no directory"),
        Some(directory) => assert!(meet_certificates(Path::new(&directory)) > 0),
    }
}
