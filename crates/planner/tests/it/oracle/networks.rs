//! Random requests whose networks are of every kind: named media, access points, topologies, ports.

use std::collections::BTreeSet;

use cutpoint_planner::domain::request::PlanRequest;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use super::graphs::random_graph_document;
use super::instance::Size;

/// Media that the cluster names.
const NAMES: [&str; 2] = ["air", "sea"];

/// A request from a seed.
pub fn random_network_request(seed: u64, size: Size) -> PlanRequest {
    let document = random_network_document(seed, size);
    PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("seed {seed}: {faults:?}\n{document:#}"))
}

/// The document of [`random_network_request`].
pub fn random_network_document(seed: u64, size: Size) -> Value {
    let mut document = random_graph_document(seed, size);
    let rng = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let nodes = document["cluster"]["nodes"].as_array().unwrap().len();
    let even = rng.clone().random_bool(0.2);
    Maker { rng, nodes, even }.change(&mut document);
    document
}

struct Maker {
    rng: Pcg64Mcg,
    nodes: usize,
    /// Whether many bit rates are equal.
    even: bool,
}

impl Maker {
    fn change(&mut self, document: &mut Value) {
        match self.rng.random_range(0..10) {
            0..=3 => self.name_pairs(&mut document["cluster"]),
            4..=6 => self.access_point(&mut document["cluster"]),
            _ => self.topology(&mut document["cluster"]),
        }
        self.name_links(&mut document["cluster"]);
        if self.rng.random_bool(0.5) {
            self.ports(&mut document["cluster"]);
        }
        if self.rng.random_bool(0.8) {
            self.several_stages(document);
        }
        self.ends(&mut document["constraints"]);
        self.costs(&mut document["cost_model"]);
        self.objective(document);
        if self.rng.random_bool(0.25) {
            self.occupants(document);
        }
    }

    fn bandwidth(&mut self) -> f64 {
        if self.even { *[4000.0, 8000.0].choose(&mut self.rng).unwrap() } else { self.rng.random_range(1e3..2e4) }
    }

    fn latency(&mut self) -> f64 {
        if self.rng.random_bool(0.5) { self.rng.random_range(0.0..0.5) } else { 0.0 }
    }

    fn name(&mut self) -> Value {
        json!(NAMES.choose(&mut self.rng).unwrap())
    }

    /// A medium for the network that the pairs have already, and rows of latencies for a matrix.
    fn name_pairs(&mut self, cluster: &mut Value) {
        let Some(network) = cluster.get_mut("network") else { return };
        if self.rng.random_bool(0.6) {
            network["medium"] = self.name();
        }
        if network["kind"] == "matrix" && self.rng.random_bool(0.5) {
            let many = network["node_ids"].as_array().unwrap().len();
            let rows: Vec<Vec<f64>> = (0..many).map(|_| (0..many).map(|_| self.latency()).collect()).collect();
            network["latency_s"] = json!(rows);
        }
    }

    fn name_links(&mut self, cluster: &mut Value) {
        let named = self.rng.random_range(0.0..1.0);
        for link in cluster["links"].as_array_mut().unwrap() {
            if self.rng.random_bool(named) {
                link["medium"] = self.name();
            }
        }
    }

    /// Keeps some of the listed links.
    fn thin_links(&mut self, cluster: &mut Value) {
        let kept = *[0.0, 0.3].choose(&mut self.rng).unwrap();
        cluster["links"].as_array_mut().unwrap().retain(|_| self.rng.random_bool(kept));
    }

    fn access_point(&mut self, cluster: &mut Value) {
        self.thin_links(cluster);
        let (mut stations, mut wired) = (Vec::new(), Vec::new());
        for node in 0..self.nodes {
            let it = json!({"node_id": format!("n{node}"), "bandwidth_bps": self.bandwidth()});
            match self.rng.random_range(0..10) {
                0..=5 => stations.push(it),
                6..=8 => wired.push(it),
                _ => {}
            }
        }
        let medium = if self.rng.random_bool(0.5) { json!("channel") } else { self.name() };
        cluster["network"] = json!({"kind": "access_point", "medium": medium, "latency_s": self.latency(),
                                    "stations": stations, "wired": wired});
    }

    fn topology(&mut self, cluster: &mut Value) {
        self.thin_links(cluster);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let links = cluster["links"].as_array().unwrap();
        let linked: BTreeSet<String> = links.iter().flat_map(|link| [text(&link["from"]), text(&link["to"])]).collect();
        let switches: Vec<String> = (0..self.rng.random_range(0..=3)).map(|switch| format!("s{switch}")).collect();
        let mut vertices: Vec<String> =
            (0..self.nodes).map(|node| format!("n{node}")).chain(switches.clone()).collect();
        vertices.shuffle(&mut self.rng);
        // A node with a listed link may have no segment.
        if self.rng.random_bool(0.3) {
            vertices.retain(|vertex| !linked.contains(vertex) || self.rng.random_bool(0.5));
        }
        let more = self.rng.random_range(0.0..0.6);
        let mut segments = Vec::new();
        for (place, vertex) in vertices.iter().enumerate().skip(1) {
            let before = self.rng.random_range(0..place);
            for (other, id) in vertices[..place].iter().enumerate() {
                if other == before || self.rng.random_bool(more) {
                    segments.push(self.segment(id, vertex));
                }
            }
        }
        segments.shuffle(&mut self.rng);
        cluster["network"] = json!({"kind": "topology", "switches": switches, "segments": segments});
    }

    fn segment(&mut self, one: &str, other: &str) -> Value {
        let (a, b) = if self.rng.random_bool(0.5) { (one, other) } else { (other, one) };
        let mut segment = json!({"a": a, "b": b, "bandwidth_bps": self.bandwidth(), "latency_s": self.latency()});
        if self.rng.random_bool(0.5) {
            segment["duplex"] = json!(["half", "full"].choose(&mut self.rng).unwrap());
        }
        if self.rng.random_bool(0.25) {
            segment["medium"] = self.name();
        }
        segment
    }

    fn ports(&mut self, cluster: &mut Value) {
        for node in cluster["nodes"].as_array_mut().unwrap() {
            if self.rng.random_bool(0.6) {
                node["port_bps"] = json!(self.bandwidth());
                if self.rng.random_bool(0.5) {
                    node["port_duplex"] = json!(["half", "full"].choose(&mut self.rng).unwrap());
                }
            }
        }
    }

    /// Memory for a part of the model on each node, tensors of about the same size, and few other constraints: several stages
    /// are needed, and several transfers are as long as each other.
    fn several_stages(&mut self, document: &mut Value) {
        let bytes = |layer: &Value, field: &str| layer.get(field).and_then(Value::as_u64).unwrap_or(0);
        let layers = document["model"]["layers"].as_array_mut().unwrap();
        for layer in layers.iter_mut().filter(|layer| bytes(layer, "output_bytes") > 0) {
            layer["output_bytes"] = json!(self.rng.random_range(400..800));
        }
        let held = |layer: &Value| bytes(layer, "param_bytes") + bytes(layer, "state_bytes");
        let total = layers.iter().map(held).sum::<u64>() as f64;
        let largest = layers.iter().map(held).max().unwrap_or(0);
        let part = if self.rng.random_bool(0.5) { 0.1..0.4 } else { 0.3..0.7 };
        for node in document["cluster"]["nodes"].as_array_mut().unwrap() {
            node["memory_bytes"] = json!(largest.max((total * self.rng.random_range(part.clone())) as u64));
            node["reserved_bytes"] = json!(0);
        }
        document["cost_model"]["memory"] = json!("params");
        for field in ["memory_scale", "memory_overhead_bytes"] {
            document["cost_model"].as_object_mut().unwrap().remove(field);
        }
        if let Some(constraints) = document["constraints"].as_object_mut().filter(|_| self.rng.random_bool(0.8)) {
            constraints.clear();
        }
    }

    fn ends(&mut self, constraints: &mut Value) {
        for end in ["source_node", "sink_node"] {
            if self.rng.random_bool(0.6) {
                constraints[end] = json!(format!("n{}", self.rng.random_range(0..self.nodes)));
            }
        }
    }

    fn costs(&mut self, cost_model: &mut Value) {
        if self.rng.random_bool(0.3) {
            cost_model["transfers"] = json!("streamed");
        }
        if self.rng.random_bool(0.2) {
            cost_model["overlap"] = json!("none");
        }
        // Where nothing computes, what carries the transfers decides.
        if self.rng.random_bool(0.6) {
            cost_model["compute"] = json!("ignore");
        }
    }

    fn objective(&mut self, document: &mut Value) {
        if document.get("base").is_some() || self.rng.random_bool(0.6) {
            return;
        }
        document["objective"] = match self.rng.random_range(0..4) {
            0 => json!({"kind": "min_latency"}),
            1 => json!({"kind": "min_nodes", "target_period_s": self.rng.random_range(0.2..6.0)}),
            2 => json!({"kind": "tradeoff"}),
            _ => json!({"kind": "max_throughput"}),
        };
        let limits = document["constraints"].as_object_mut().expect("a graph's document has constraints");
        limits.remove("max_period_s");
        if document["objective"]["kind"] == "min_latency" && self.rng.random_bool(0.5) {
            document["constraints"]["max_period_s"] = json!(self.rng.random_range(0.2..6.0));
        }
    }

    /// Ids of media that a cluster of this size may have, or not.
    fn any_id(&mut self) -> String {
        let node = |maker: &mut Self| format!("n{}", maker.rng.random_range(0..maker.nodes));
        let vertex = |maker: &mut Self| {
            if maker.rng.random_bool(0.5) { node(maker) } else { format!("s{}", maker.rng.random_range(0..3)) }
        };
        let (one, other) = (vertex(self), vertex(self));
        match self.rng.random_range(0..8) {
            0 => "channel".to_owned(),
            1 | 2 => (*NAMES.choose(&mut self.rng).unwrap()).to_owned(),
            3 => format!("{} port{}", node(self), [" in", " out", ""].choose(&mut self.rng).unwrap()),
            4 => format!("{} wire {}", node(self), ["in", "out"].choose(&mut self.rng).unwrap()),
            5 => format!("{one} -- {other}"),
            6 => format!("{one} -> {other}"),
            _ => format!("{} -> {}", node(self), node(self)),
        }
    }

    fn occupants(&mut self, document: &mut Value) {
        if document.get("occupants").is_none() {
            let rate_per_s = self.rng.random_range(0.0..2.0);
            document["occupants"] = json!([{"id": "o", "rate_per_s": rate_per_s, "period_s": 1.0}]);
        }
        for occupant in document["occupants"].as_array_mut().unwrap() {
            let ids: BTreeSet<String> = (0..self.rng.random_range(0..6)).map(|_| self.any_id()).collect();
            let media = ids.into_iter().map(|id| json!({"id": id, "occupied_s": self.rng.random_range(0.0..1.0)}));
            occupant["media"] = media.collect();
        }
    }
}
