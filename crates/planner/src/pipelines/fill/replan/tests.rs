//! Exchanges against the fewest bytes, on small random instances.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::json;

use super::super::tests::draw;
use super::exchange::Exchange;
use super::known::choose_known;
use crate::domain::placement::Status;
use crate::domain::request::PlanRequest;
use crate::env::{Env, NeverStop, NoProgress};
use crate::instance::Instance;
use crate::pipelines::{Packings, plan, search};

/// Draws a request with a base that runs without one of the nodes.
fn replanning(rng: &mut Pcg64Mcg, shares: bool) -> Option<PlanRequest> {
    let mut document = draw(rng, shares);
    document["objective"] = json!({"kind": "max_throughput"});
    let nodes = document["cluster"]["nodes"].as_array().map_or(0, Vec::len);
    let mut before = document.clone();
    before["constraints"]["exclude_nodes"] = json!([format!("n{}", rng.random_range(0..nodes))]);
    let request = PlanRequest::from_json(&before).ok()?;
    let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
    let found = plan(&request, &Instance::new(&request, &|| false).ok()?, &env).ok()?;
    let pipelines = found.pipelines.iter().map(|pipeline| {
        let stages = pipeline.stages.iter();
        let stages = stages.map(|stage| json!({"node_id": stage.node_id, "layer_ids": stage.layer_ids}));
        json!({"stages": stages.collect::<Vec<_>>()})
    });
    document["base"] = json!({"pipelines": pipelines.collect::<Vec<_>>()});
    document["max_period_ratio"] = json!([1.0, 1.2, 1.6, 2.5][rng.random_range(0..4)]);
    PlanRequest::from_json(&document).ok()
}

fn exchanges(seed: u64, count: usize, shares: bool) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let (mut compared, mut ships, mut fewest) = (0, 0, 0);
    for number in 0..count {
        let Some(request) = replanning(&mut rng, shares) else { continue };
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let instance = Instance::new(&request, &|| false).unwrap();
        let exact = plan(&request, &instance, &env).unwrap();
        let Some(migration) = exact.migration.filter(|_| exact.status == Status::Optimal) else { continue };
        let packings = Packings::new(&request, &instance, &env);
        search(&packings);
        let best = packings.best().unwrap();
        let without = packings.shipped_bytes(best.pipelines.iter().map(|it| &it.assignment));
        let kept = choose_known(&packings, packings.shipping.as_ref().unwrap());
        let (_, known) = packings.cheapest().unwrap();
        let needed_per_s = packings.least_allowed_per_s().unwrap();
        let exchange = Exchange::new(&packings, packings.shipping.as_ref().unwrap(), kept);
        exchange.improve(needed_per_s, &|| false).unwrap();
        let (packing, bytes) = packings.cheapest().unwrap();
        let context = format!("instance {number}: {bytes}, {known}, {without}, {migration:?}");
        assert!(migration.shipped_bytes <= bytes && bytes <= known && known <= without, "{context}");
        assert!(packing.rate_per_s >= needed_per_s, "{context}");
        let document = packings.conclude().unwrap();
        assert_eq!(document.migration.unwrap().shipped_bytes, bytes, "{context}");
        compared += 1;
        ships += usize::from(migration.shipped_bytes > 0);
        fewest += usize::from(bytes == migration.shipped_bytes);
    }
    assert!(compared > count / 2 && ships > count / 10 && fewest * 10 > compared * 9, "{compared}, {ships}, {fewest}");
}

#[test]
fn exchanges_of_pipelines_that_share_nothing() {
    exchanges(1, 300, false);
}

#[test]
fn exchanges_of_pipelines_that_share_media() {
    exchanges(2, 200, true);
}
