//! One small model on four nodes, whose every figure is worked out by hand.

mod claims;
mod constants;
mod costs;
mod groups;
mod least_period;
mod media;
mod networks;
mod replanned;
mod running;
mod several;
mod violations;

use serde_json::{Value, json};

use super::{Evaluation, StageProposal, Violation, ViolationCode, evaluate};
use crate::domain::placement::{BottleneckKind, Stage};
use crate::domain::request::PlanRequest;

/// `in` → `a` → `b` → `c`, and `a` → `c`.
///
/// | behind | crossing | bytes |          | layer | live bytes      |
/// |--------|----------|-------|          |-------|-----------------|
/// | `in`   | in       | 100   |          | in    | 100             |
/// | `a`    | a        | 20    |          | a     | 100 + 20        |
/// | `b`    | a, b     | 50    |          | b     | 20 + 30         |
/// | `c`    | c        | 40    |          | c     | 20 + 30 + 40    |
///
/// Links: n1 → n2 at 800 bit/s and 0.5 s, n2 ↔ n3 at 400 bit/s; n4 stands alone.
fn document() -> Value {
    json!({
        "model": {
            "name": "diamond",
            "layers": [
                {"id": "in", "param_bytes": 0, "output_bytes": 100},
                {"id": "a", "param_bytes": 10, "output_bytes": 20, "flops": 1000},
                {"id": "b", "param_bytes": 20, "output_bytes": 30, "flops": 2000, "state_bytes": 5},
                {"id": "c", "param_bytes": 30, "output_bytes": 40, "flops": 3000}
            ],
            "edges": [
                {"from": "in", "to": "a"}, {"from": "a", "to": "b"}, {"from": "b", "to": "c"}, {"from": "a", "to": "c"}
            ]
        },
        "cluster": {
            "name": "bench",
            "nodes": [
                {"id": "n1", "memory_bytes": 1000, "reserved_bytes": 100, "flops_per_s": 1000.0},
                {"id": "n2", "memory_bytes": 1000, "flops_per_s": 2000.0},
                {"id": "n3", "memory_bytes": 1000, "flops_per_s": 500.0},
                {"id": "n4", "memory_bytes": 1000, "flops_per_s": 500.0}
            ],
            "links": [
                {"from": "n1", "to": "n2", "bandwidth_bps": 800.0, "latency_s": 0.5},
                {"from": "n2", "to": "n3", "bandwidth_bps": 400.0, "bidirectional": true}
            ]
        }
    })
}

/// The request with some members replaced: a pointer to an existing object, a field of it, and the field's value.
fn request_with(changes: &[(&str, &str, Value)]) -> PlanRequest {
    let mut document = document();
    for (pointer, field, value) in changes {
        document.pointer_mut(pointer).unwrap()[*field] = value.clone();
    }
    PlanRequest::from_json(&document).unwrap()
}

fn request() -> PlanRequest {
    request_with(&[])
}

fn proposals(stages: &[(&str, &[&str])]) -> Vec<StageProposal> {
    let stages = stages.iter().map(|(node, layers)| StageProposal {
        node_id: (*node).to_owned(),
        layer_ids: layers.iter().map(|&layer| layer.to_owned()).collect(),
    });
    stages.collect()
}

fn evaluated(request: &PlanRequest, stages: &[(&str, &[&str])]) -> Evaluation {
    evaluate(request, &proposals(stages))
}

/// `in`, `a` on n1 and `b`, `c` on n2.
const TWO: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n2", &["b", "c"])];

/// `in`, `a` on n1, `b` on n2 and `c` on n3.
const THREE: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n2", &["b"]), ("n3", &["c"])];
