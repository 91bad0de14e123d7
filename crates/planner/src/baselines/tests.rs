//! Tests of the baselines: small cases worked out by hand, and what holds of every answer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use super::colour_coding::{Path, widest};
use super::partition::least_sum;
use crate::domain::placement::{PlacementDocument, Status, Termination};
use crate::domain::request::PlanRequest;
use crate::env::{NeverStop, NoProgress};
use crate::index::{Host, Index, Position};
use crate::instance::Instance;
use crate::{Env, Stop, StopReason, plan};

const ALGORITHMS: [&str; 3] = ["kpath", "greedy", "random"];

/// A chain of layers of 10 bytes each with these outputs, on hosts with this memory; parameters alone count.
fn request(output_bytes: &[u64], memory_bytes: &[u64], links: &[(usize, usize, f64)]) -> Value {
    let layers = output_bytes.iter().enumerate();
    let edges = (1..output_bytes.len()).map(|to| json!({"from": format!("l{}", to - 1), "to": format!("l{to}")}));
    let nodes = memory_bytes.iter().enumerate();
    let link = |&(from, to, bandwidth_bps): &(usize, usize, f64)| {
        let (from, to) = (format!("n{from}"), format!("n{to}"));
        json!({"from": from, "to": to, "bandwidth_bps": bandwidth_bps, "latency_s": 0, "bidirectional": true})
    };
    let layer = |(index, bytes): (usize, &u64)| json!({"id": format!("l{index}"), "op": "Dense", "param_bytes": 10, "output_bytes": bytes, "flops": 60});
    let node = |(index, bytes): (usize, &u64)| json!({"id": format!("n{index}"), "memory_bytes": bytes});
    json!({
        "model": {"name": "chain", "layers": layers.map(layer).collect::<Vec<_>>(), "edges": edges.collect::<Vec<_>>()},
        "cluster": {
            "name": "lab",
            "nodes": nodes.map(node).collect::<Vec<_>>(),
            "links": links.iter().map(link).collect::<Vec<_>>(),
        },
        "cost_model": {"memory": "params", "compute": "ignore"},
    })
}

fn parse(document: &Value) -> PlanRequest {
    PlanRequest::from_json(document).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn solve(document: &Value, algorithm: &str, seed: u64) -> PlacementDocument {
    let mut document = document.clone();
    document["solver"] = json!({"algorithm": algorithm});
    plan(&parse(&document), &Env { seed, threads: 1, stop: &NeverStop, progress: &NoProgress }).unwrap()
}

fn partition_of(document: &Value) -> Option<Vec<usize>> {
    let ends = least_sum(&Instance::new(&parse(document), &|| false).unwrap(), &|| false).unwrap()?;
    Some(ends.into_iter().map(Position::number).collect())
}

/// A full mesh with the same bandwidth but for these pairs.
fn mesh(nodes: usize, others_bps: f64, fast: &[(usize, usize, f64)]) -> Vec<(usize, usize, f64)> {
    let pairs = (0..nodes).flat_map(|to| (0..to).map(move |from| (from, to)));
    let bandwidth = |(from, to)| {
        let listed = fast.iter().find(|&&(a, b, _)| (a, b) == (from, to) || (b, a) == (from, to));
        (from, to, listed.map_or(others_bps, |link| link.2))
    };
    pairs.map(bandwidth).collect()
}

#[test]
fn the_partition_has_the_least_sum_that_so_many_hosts_allow() {
    let cheap_at_both_ends = [1, 100, 1, 0];
    assert_eq!(partition_of(&request(&cheap_at_both_ends, &[20; 3], &[])), Some(vec![1, 3, 4]));
    assert_eq!(partition_of(&request(&cheap_at_both_ends, &[20; 2], &[])), Some(vec![2, 4]));
    assert_eq!(partition_of(&request(&cheap_at_both_ends, &[20; 1], &[])), None);
    assert_eq!(partition_of(&request(&cheap_at_both_ends, &[40; 2], &[])), Some(vec![4]));
}

#[test]
fn the_smallest_memory_counts_for_every_host() {
    assert_eq!(partition_of(&request(&[5, 1, 5, 0], &[20, 40, 40], &[])), Some(vec![2, 4]));
    let too_small_a_host = request(&[5, 1, 5, 0], &[40, 5], &[(0, 1, 1.0)]);
    for algorithm in ALGORITHMS {
        let answer = solve(&too_small_a_host, algorithm, 0);
        assert_eq!((answer.status, answer.termination), (Status::Unknown, Termination::Exhausted), "{algorithm}");
        assert!(answer.reasons.is_empty());
    }
    assert!(solve(&too_small_a_host, "exact", 0).period_s.is_some());
}

#[test]
fn greedy_takes_the_best_of_the_walks() {
    // From n0 the walk n0 n1 n2 has a hop at 50; from n1 and n2 the slowest hop is at 80.
    let triangle = request(&[10, 10, 0], &[10; 3], &[(0, 1, 100.0), (1, 2, 50.0), (0, 2, 80.0)]);
    assert_eq!(solve(&triangle, "greedy", 0).period_s, Some(1.0));
}

#[test]
fn kpath_passes_where_every_walk_is_trapped() {
    // Every walk takes the shortcut from n1 to n3 and so cuts n2 or an end off from its other fast links.
    let path_with_shortcut = [(0, 1, 50.0), (1, 2, 50.0), (2, 3, 50.0), (3, 4, 50.0), (1, 3, 100.0)];
    let trap = request(&[10, 10, 10, 10, 0], &[10; 5], &mesh(5, 1.0, &path_with_shortcut));
    assert_eq!(solve(&trap, "greedy", 0).period_s, Some(80.0));
    assert_eq!(solve(&trap, "kpath", 0).period_s, Some(80.0 / 50.0));
}

#[test]
fn kpath_gives_the_fastest_link_to_the_largest_transfer() {
    let uneven = request(&[1, 100, 0], &[10; 3], &[(0, 1, 10.0), (1, 2, 1000.0), (0, 2, 20.0)]);
    assert_eq!(solve(&uneven, "kpath", 0).period_s, Some(0.8));
}

#[test]
fn kpath_finds_the_path_on_all_nodes() {
    let path = [(3, 0, 100.0), (0, 4, 100.0), (4, 1, 100.0), (1, 2, 100.0)];
    let all_needed = request(&[10, 10, 10, 10, 0], &[10; 5], &mesh(5, 1.0, &path));
    let answer = solve(&all_needed, "kpath", 0);
    assert_eq!((answer.period_s, answer.stages().len()), (Some(0.8), 5));
    // Here the links that are not fast do not exist.
    let answer = solve(&request(&[10, 10, 10, 10, 0], &[10; 5], &path), "kpath", 0);
    assert_eq!(answer.period_s, Some(0.8));
}

#[test]
fn kpath_matches_long_runs_piece_by_piece() {
    let long_run = request(&[10; 40], &[10; 40], &mesh(40, 4.0, &[]));
    let answer = solve(&long_run, "kpath", 0);
    assert_eq!((answer.period_s, answer.stages().len()), (Some(20.0), 40));
}

#[test]
fn one_stage_goes_on_the_best_host() {
    let mut document = request(&[10, 10, 0], &[30; 3], &[]);
    document["cost_model"]["compute"] = json!("profile");
    for (host, flops_per_s) in [10.0, 90.0, 30.0].into_iter().enumerate() {
        document["cluster"]["nodes"][host]["flops_per_s"] = json!(flops_per_s);
    }
    for algorithm in ["kpath", "greedy"] {
        let answer = solve(&document, algorithm, 0);
        assert_eq!((answer.period_s, answer.status), (Some(2.0), Status::Optimal), "{algorithm}");
        assert_eq!(answer.stages()[0].node_id, "n1");
    }
}

#[test]
fn a_pin_that_is_not_kept_drops_the_placement() {
    let mut document = request(&[10, 10, 0], &[10; 3], &mesh(3, 10.0, &[(0, 1, 20.0)]));
    document["constraints"] = json!({"pins": [{"layer_id": "l0", "node_id": "n2"}]});
    for algorithm in ALGORITHMS {
        for seed in 0..20 {
            let answer = solve(&document, algorithm, seed);
            assert!(answer.stages().first().is_none_or(|stage| stage.node_id == "n2"), "{algorithm}");
            assert_ne!(answer.status, Status::Infeasible);
            assert!(algorithm == "kpath" || answer.period_s.is_some());
        }
    }
}

/// The best slowest link of a simple path, by trying all.
fn widest_by_force(instance: &Instance, path: &mut Vec<Host>, hosts: usize) -> f64 {
    if path.len() == hosts {
        let links = path.windows(2).map(|ends| instance.link(ends[0], ends[1]));
        return links.fold(
            f64::INFINITY,
            |slowest, link| {
                if link.exists() { slowest.min(link.bandwidth_bps) } else { 0.0 }
            },
        );
    }
    let mut best = 0.0_f64;
    for host in instance.hosts.indices() {
        if !path.contains(&host) {
            path.push(host);
            best = best.max(widest_by_force(instance, path, hosts));
            path.pop();
        }
    }
    best
}

/// How often the path found is as wide as the widest there is.
fn times_widest(nodes: usize, trials: u64) -> usize {
    let mut matched = 0;
    for seed in 0..trials {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut links = mesh(nodes, 0.0, &[]);
        links.iter_mut().for_each(|link| link.2 = rng.random_range(1..200) as f64);
        let instance = Instance::new(&parse(&request(&[1, 1], &vec![10; nodes], &links)), &|| false).unwrap();
        let (first, unused) = (Host::nth(0), (1..nodes).map(Host::nth).collect::<Vec<_>>());
        let asked = Path { before: Some(first), between: 3, after: None };
        let mut found = widest(&instance, &unused, asked, &mut rng, &|| false).unwrap().unwrap();
        found.insert(0, first);
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 4);
        let slowest = found.windows(2).map(|ends| instance.link(ends[0], ends[1]).bandwidth_bps);
        let slowest = slowest.fold(f64::INFINITY, f64::min);
        let best = widest_by_force(&instance, &mut vec![first], 4);
        assert!(slowest <= best);
        matched += usize::from(slowest == best);
    }
    matched
}

#[test]
fn few_hosts_have_their_own_colours_and_the_path_is_the_widest() {
    assert_eq!(times_widest(8, 40), 40);
}

#[test]
fn random_colours_seldom_miss_the_widest_path() {
    assert!(times_widest(15, 40) >= 38);
}

/// Stops after a number of questions, and counts those that follow.
struct StopAfter {
    asked: AtomicUsize,
    allowed: usize,
}

impl Stop for StopAfter {
    fn reason(&self) -> Option<StopReason> {
        (self.asked.fetch_add(1, Ordering::Relaxed) >= self.allowed).then_some(StopReason::Stopped)
    }
}

#[test]
fn every_loop_ends_when_told_to_stop() {
    let document = request(&[10; 30], &[20; 40], &mesh(40, 4.0, &[(3, 7, 9.0)]));
    for algorithm in ALGORITHMS {
        let mut document = document.clone();
        document["solver"] = json!({"algorithm": algorithm});
        let request = parse(&document);
        for allowed in [0, 1, 20, 60, 90, 110, 200, 1000] {
            let stop = StopAfter { asked: AtomicUsize::new(0), allowed };
            let answer = plan(&request, &Env { seed: 1, threads: 1, stop: &stop, progress: &NoProgress }).unwrap();
            let asked = stop.asked.load(Ordering::Relaxed);
            assert!(asked <= allowed + 50, "{algorithm} asked {asked} times, {allowed} were allowed");
            assert!(answer.period_s.is_some() || asked > allowed, "{algorithm}");
        }
    }
}

prop_compose! {
    fn any_request()(nodes in 1_usize..20, layers in 1_usize..24, seed: u64, full_mesh: bool) -> Value {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let outputs: Vec<u64> = (0..layers).map(|_| rng.random_range(0..1000)).collect();
        let fair_share = 10 * layers.div_ceil(nodes) as u64;
        let memory: Vec<u64> = (0..nodes).map(|_| fair_share + rng.random_range(0..20)).collect();
        let mut links = mesh(nodes, 0.0, &[]);
        links.retain(|_| full_mesh || rng.random_range(0..2) == 0);
        links.iter_mut().for_each(|link| link.2 = rng.random_range(1..50) as f64);
        let mut document = request(&outputs, &memory, &links);
        if rng.random_range(0..3) == 0 {
            document["constraints"] = json!({"source_node": "n0", "max_stages": rng.random_range(1..10)});
        }
        if rng.random_range(0..3) == 0 {
            document["cost_model"] = json!({"overlap": "none", "unknown_compute": "free"});
            document["cluster"]["nodes"][0]["flops_per_s"] = json!(100);
        }
        document
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn answers_are_checked_bounded_and_repeatable(document in any_request(), seed in 0_u64..1000) {
        for algorithm in ALGORITHMS {
            let answer = solve(&document, algorithm, seed);
            prop_assert_eq!(&answer, &solve(&document, algorithm, seed));
            let Some(period_s) = answer.period_s else { continue };
            prop_assert!(period_s.is_finite() && period_s >= answer.lower_bound_s.unwrap());
            let nodes: BTreeSet<&str> = answer.stages().iter().map(|stage| stage.node_id.as_str()).collect();
            prop_assert_eq!(nodes.len(), answer.stages().len());
            prop_assert!(answer.stages().iter().all(|stage| stage.memory_bytes <= stage.memory_capacity_bytes));
        }
    }
}
