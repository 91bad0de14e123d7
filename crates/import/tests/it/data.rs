//! Files of `tests/data`, and inventories made of them.

use cutpoint_import::inventory::{InventoryInput, inventory};
use cutpoint_import::{ImportError, Imported, InputFile};
use cutpoint_planner::Env;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use serde_json::Value;

/// Reads a file of `tests/data`.
pub fn read(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A node list of Cutpoint with three nodes at the addresses of `iperf3/a-*` and `iperf3/b-*`, and two at those of
/// `iperf3/h1-h2*`.
pub const NODES: &str = r#"{"nodes": [
    {"id": "a", "memory_bytes": 1000, "addresses": ["10.9.0.1"], "flops_per_s": 1e9},
    {"id": "b", "memory_bytes": 1000, "addresses": ["10.9.0.2"], "flops_per_s": 1e9},
    {"id": "c", "memory_bytes": 1000, "addresses": ["10.9.0.3"], "flops_per_s": 1e9},
    {"id": "h1", "memory_bytes": 1000, "addresses": ["10.9.1.1"], "flops_per_s": 1e9},
    {"id": "h2", "memory_bytes": 1000, "addresses": ["10.9.1.2"], "flops_per_s": 1e9}]}"#;

/// Imports results of iperf3 between the nodes of [`NODES`].
pub fn measured(results: &[&str]) -> Result<Imported, ImportError> {
    let contents: Vec<Vec<u8>> = results.iter().map(|name| read(&format!("iperf3/{name}.json"))).collect();
    let files = results.iter().zip(&contents).map(|(&name, content)| InputFile { name, content });
    let nodes = vec![InputFile { name: "lab.json", content: NODES.as_bytes() }];
    inventory(&InventoryInput { name: "lab", nodes, iperf3: files.collect(), ..InventoryInput::default() })
}

/// Reads an imported cluster as the planner does.
pub fn cluster(imported: &Imported) -> ClusterInventory {
    ClusterInventory::from_json(&imported.document).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Returns the codes of all warnings.
pub fn codes(imported: &Imported) -> Vec<&'static str> {
    imported.report.warnings.iter().map(|warning| warning.code).collect()
}

/// Returns the rate and the latency of a listed link.
pub fn link(cluster: &ClusterInventory, from: &str, to: &str) -> Option<(f64, f64)> {
    let found = cluster.links.iter().find(|link| link.from == from && link.to == to);
    found.map(|link| (link.bandwidth_bps, link.latency_s))
}

/// Reads an imported model as the planner does.
pub fn model(imported: &Imported) -> ModelProfile {
    ModelProfile::from_json(&imported.document).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Plans a request on one thread to its end.
pub fn plan(request: &Value) -> PlacementDocument {
    let request = PlanRequest::from_json(&without_nulls(request)).unwrap_or_else(|faults| panic!("{faults:?}"));
    let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
    cutpoint_planner::plan(&request, &env).unwrap()
}

/// Removes members of a request that are null because there is nothing to say.
fn without_nulls(request: &Value) -> Value {
    let members = request.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    Value::Object(members.map(|(key, value)| (key.clone(), value.clone())).collect())
}
