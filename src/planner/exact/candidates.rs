//! The numbers that a period can be under full overlap: a stage time or a hop time.

use crate::planner::problem::Problem;

/// The distinct candidates from `least` (included) to `below` (excluded), ascending. O(n² log r + g m log m) to find c
/// of them, O(c log c) to sort. `None` when told to stop.
pub fn candidates(problem: &Problem, least: f64, below: f64, stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
    let blocks = problem.blocks();
    let mut found = Vec::new();
    let mut loads = problem.load_bits[1..blocks].to_vec();
    loads.sort_unstable_by(f64::total_cmp);
    loads.dedup();
    for from in 0..problem.hosts.len() {
        if stop() {
            return None;
        }
        let links = problem.links.bandwidth_row(from).iter().zip(problem.links.latency_row(from));
        for (bandwidth_bps, latency_s) in links {
            let hop_s = |load_bits: &f64| load_bits / bandwidth_bps + latency_s;
            let first = loads.partition_point(|load_bits| hop_s(load_bits) < least);
            found.extend(loads[first..].iter().map(hop_s).take_while(|&hop_s| hop_s < below));
        }
    }
    for group in 0..problem.groups.len() {
        for start in 0..blocks {
            let ends: Vec<usize> = (start + 1..=blocks).collect();
            let first = ends.partition_point(|&end| problem.compute_s(group, start, end) < least);
            let times = ends[first..].iter().map(|&end| problem.compute_s(group, start, end));
            found.extend(times.take_while(|&compute_s| compute_s < below));
        }
    }
    let ends_s = problem.input_s.iter().chain(&problem.output_s);
    found.extend(ends_s.copied().filter(|end_s| (least..below).contains(end_s)));
    found.sort_unstable_by(f64::total_cmp);
    found.dedup();
    Some(found)
}
