//! A site over many random changes: nodes lost, back, slower; links degraded; models added and removed. After each,
//! conditions are those of a plain evaluation, no proposal takes another deployment's memory, and no policy is exceeded.
//! When changes end, so do proposals.
//!
//! `CUTPOINT_SIMULATED_CHANGES` gives the changes of each site, to be run for longer by hand, and `CUTPOINT_SIMULATED_SITES` how
//! many sites each test simulates. Then figures are printed: the bytes that proposals ship, as a part of those of a plan that
//! knows nothing of what runs, and their period, as a multiple of the least.

use std::collections::BTreeMap;
use std::time::Duration;

use cutpoint_planner::domain::placed::Placed;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use cutpoint_planner::{Env, diff, plan};
use serde_json::{Value, json};

use super::plain::assert_right;
use super::site::{Site, chain, inventory};
use crate::domain::deployment::{DeploymentReason, Policy};
use crate::domain::id::Id;
use crate::store::Deployment;
use crate::store::{Order, Page};

/// The changes of each site in the normal run.
const CHANGES: u32 = 100;
/// The tests, each with a seed of its own.
const TESTS: u64 = 4;
const NODES: usize = 7;
const MOST_DEPLOYMENTS: usize = 4;

/// A small generator of numbers: xorshift (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }
}

#[derive(Default)]
struct Figures {
    proposals: u32,
    /// Sums of logarithms.
    shipped: f64,
    period: f64,
    compared: u32,
}

fn policy() -> Policy {
    Policy { max_period_ratio: 1.3, cool_down_s: 20.0, max_proposals_per_hour: 12, ..Policy::default() }
}

fn given(name: &str) -> Option<u32> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

async fn simulate_sites(first: u64) {
    for site in 0..given("CUTPOINT_SIMULATED_SITES").unwrap_or(1) {
        simulate(first + TESTS * u64::from(site)).await;
    }
}

async fn simulate(seed: u64) {
    let given = given("CUTPOINT_SIMULATED_CHANGES");
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let nodes: Vec<(u64, f64)> =
        (0..NODES).map(|_| (3000 + 500 * random.below(4) as u64, 1e8 * (1 + random.below(3)) as f64)).collect();
    let mut site = Site::new(inventory(&nodes)).await;
    let whole = site.inventory.clone();
    let mut names = 0;
    let mut figures = Figures::default();
    add(&site, &mut random, &mut names).await;
    site.settle().await;
    for change in 0..given.unwrap_or(CHANGES) {
        let context = format!("seed {seed}, change {change}");
        make_change(&mut site, &mut random, &whole, &mut names).await;
        site.settle().await;
        let rows = site.rows().await;
        assert_right(&site, &rows, &context).await;
        if given.is_some() {
            compare(&site, &rows, &mut figures).await;
        }
        for row in rows {
            // Some orchestrators are slow.
            if random.below(4) > 0
                && site.rows().await.iter().any(|now| now.id == row.id && now.revision == row.revision)
            {
                site.apply(&row).await;
                site.settle().await;
            }
        }
        assert_right(&site, &site.rows().await, &context).await;
        site.pass(Duration::from_secs(1 + random.below(120) as u64), 1).await;
    }
    assert_settles(&site, seed).await;
    assert_within_policies(&site, seed).await;
    if given.is_some() {
        let mean = |sum: f64| (sum / f64::from(figures.compared.max(1))).exp();
        println!(
            "seed {seed}: {} proposals, {} compared: shipped / afresh {:.3}, period / least {:.3} (geometric means)",
            figures.proposals,
            figures.compared,
            mean(figures.shipped),
            mean(figures.period)
        );
    }
}

async fn add(site: &Site, random: &mut Random, names: &mut u32) {
    *names += 1;
    let params: Vec<u64> = (0..4 + random.below(3)).map(|_| 600 + 100 * random.below(6) as u64).collect();
    site.create(&chain(&format!("model {names}"), &params), policy()).await;
}

async fn make_change(site: &mut Site, random: &mut Random, whole: &Value, names: &mut u32) {
    let rows = site.rows().await;
    let place = random.below(NODES);
    let original = whole["nodes"][place].clone();
    let nodes = site.inventory["nodes"].as_array_mut().unwrap();
    let present = nodes.iter().position(|node| node["id"] == original["id"]);
    match (random.below(12), present) {
        (0..=2, Some(present)) if nodes.len() > 2 => drop(nodes.remove(present)),
        (3, Some(present)) => nodes[present]["schedulable"] = json!(false),
        (0..=5, Some(present)) => nodes[present] = original,
        (0..=5, None) => nodes.push(original),
        (6 | 7, Some(present)) => {
            let flops = original["flops_per_s"].as_f64().unwrap();
            nodes[present]["flops_per_s"] = json!(flops / (1 + random.below(4)) as f64);
        }
        (8 | 9, _) => {
            site.inventory["network"]["bandwidth_bps"] = json!(1e8 / (1 + 10 * random.below(4)) as f64);
        }
        (10, _) if rows.len() > 1 => {
            let row = &rows[random.below(rows.len())];
            return site.fixture.store.delete_deployment(&site.tenant, &row.id, None).await.unwrap();
        }
        _ if rows.len() < MOST_DEPLOYMENTS => return add(site, random, names).await,
        _ => {}
    }
    site.revise().await;
}

/// Without changes, an orchestrator that applies everything has nothing to do in the end.
async fn assert_settles(site: &Site, seed: u64) {
    for round in 0.. {
        site.pass(Duration::from_secs(3600), 2).await;
        let rows = site.rows().await;
        let mut applied = false;
        for row in &rows {
            applied |= site.apply(row).await;
        }
        site.settle().await;
        if !applied {
            break;
        }
        assert!(round < 30, "seed {seed}: proposals do not end");
    }
    let before = proposals(site).await;
    site.pass(Duration::from_secs(36_000), 3).await;
    assert_eq!(proposals(site).await, before, "seed {seed}");
    assert_right(site, &site.rows().await, &format!("seed {seed}, in the end")).await;
}

/// The times of proposals of each deployment, seconds, the oldest first.
async fn proposals(site: &Site) -> BTreeMap<Id, Vec<i64>> {
    let mut all = BTreeMap::new();
    for row in site.rows().await {
        let page = Page { limit: 10_000, order: Order::OldestFirst, after: None };
        let listed = site.fixture.store.deployment_history(&site.tenant, &row.id, page).await.unwrap().items;
        let times = listed.iter().filter(|entry| entry.kind == crate::domain::deployment::HistoryKind::Proposed);
        all.insert(row.id, times.map(|entry| entry.at.as_second()).collect::<Vec<i64>>());
    }
    all
}

async fn assert_within_policies(site: &Site, seed: u64) {
    for (id, times) in proposals(site).await {
        let most = usize::try_from(policy().max_proposals_per_hour).unwrap();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 20), "seed {seed}, {id}: {times:?}");
        assert!(times.windows(most + 1).all(|some| some[most] - some[0] >= 3600), "seed {seed}, {id}: {times:?}");
    }
}

/// Compares new proposals that answer a change with plans that know nothing of what runs.
async fn compare(site: &Site, rows: &[Deployment], figures: &mut Figures) {
    for row in rows {
        let (Some(proposed), Some(applied)) = (&row.proposed, &row.applied) else { continue };
        figures.proposals += 1;
        if !matches!(
            proposed.reason,
            DeploymentReason::Broken | DeploymentReason::NodeLost | DeploymentReason::Degraded
        ) {
            continue;
        }
        let placement = site.fixture.store.placement(&site.tenant, &applied.placement_id).await.unwrap();
        let running = Placed::from_json(&serde_json::from_str(&placement.document).unwrap()).unwrap();
        let model = site.fixture.store.model_document(&site.tenant, &row.model_id).await.unwrap();
        let others = rows.iter().filter(|other| other.id != row.id).filter_map(|other| other.occupant.as_deref());
        let occupants: Vec<Value> = others.map(|text| serde_json::from_str(text).unwrap()).collect();
        let request = json!({"model": serde_json::from_str::<Value>(&model).unwrap(), "cluster": site.inventory,
            "cost_model": {"memory": "params"}, "occupants": occupants});
        let request = PlanRequest::from_json(&request).unwrap();
        let fresh = plan(&request, &Env { seed: 1, threads: 1, stop: &NeverStop, progress: &NoProgress }).unwrap();
        let Some(least) = fresh.period_s else { continue };
        let fresh = Placed::from_json(&serde_json::to_value(&fresh).unwrap()).unwrap();
        let afresh = diff(&request.model, &request.cluster, &running, &fresh).shipped_bytes;
        let shipped = proposed.shipped_bytes.unwrap_or_default();
        // A byte more of both, since a plan may ship nothing.
        figures.shipped += ((shipped + 1) as f64 / (afresh + 1) as f64).ln();
        figures.period += (proposed.period_s / least).ln();
        figures.compared += 1;
    }
}

macro_rules! seeds {
    ($($name:ident = $seed:literal)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            simulate_sites($seed).await;
        }
    )+};
}

seeds! {
    seed_1 = 1
    seed_2 = 2
    seed_3 = 3
    seed_4 = 4
}
