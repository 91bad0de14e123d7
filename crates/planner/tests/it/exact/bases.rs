//! Requests on which properties are tried: random ones of up to 20 nodes, and the instances of real models.

use std::path::{Path, PathBuf};

use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::Value;

use crate::oracle::{Kind, Size, planned, random_document};

/// A request that the exact planner should prove, with a name for messages.
#[derive(Debug, Clone)]
pub struct Base {
    pub name: String,
    pub document: Value,
}

/// The instance files in a directory, by name.
pub fn instance_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
}

/// Where the instances of this repository are.
pub fn own_instances() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/instances")
}

/// The content of an instance file.
pub fn instance(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All bases: `seeds` random ones of each kind for throughput, and the instances of at most 20 nodes.
pub fn bases(seeds: u64) -> Vec<Base> {
    let mut bases = Vec::new();
    for seed in 1000..1000 + seeds {
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Goals) {
            let mut document = random_document(seed, kind, Size { layers: 30, nodes: 20 });
            document["objective"] = serde_json::json!({"kind": "max_throughput"});
            document["constraints"].as_object_mut().unwrap().remove("max_latency_s");
            document["cost_model"].as_object_mut().unwrap().remove("overlap");
            for field in ["base", "max_period_ratio"] {
                document.as_object_mut().unwrap().remove(field);
            }
            bases.push(Base { name: format!("seed {seed}, {kind:?}"), document });
        }
    }
    for path in instance_files(&own_instances()) {
        let document = instance(&path)["request"].take();
        if document["cluster"]["nodes"].as_array().unwrap().len() <= 20 {
            bases.push(Base { name: path.file_name().unwrap().to_string_lossy().into_owned(), document });
        }
    }
    bases
}

/// The request of a document.
pub fn request(document: &Value, context: &str) -> PlanRequest {
    PlanRequest::from_json(document).unwrap_or_else(|faults| panic!("{context}: {faults:?}"))
}

/// The proven answer to a request.
pub fn proven(document: &Value, context: &str) -> PlacementDocument {
    let answer = planned(&request(document, context), context);
    assert!(matches!(answer.status, Status::Optimal | Status::Infeasible), "{context}: {:?}", answer.status);
    answer
}

/// The proven smallest period, infinite where no placement exists.
pub fn least_period_s(document: &Value, context: &str) -> f64 {
    proven(document, context).least_period_s.unwrap_or(f64::INFINITY)
}
