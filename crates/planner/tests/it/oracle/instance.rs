//! Random small requests of every kind that the law knows.

use cutpoint_planner::domain::request::PlanRequest;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Map, Value, json};

/// What a random request is rich in. Everything else is as in [`Kind::Plain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A full mesh of unlike nodes with ample memory, the largest throughput wanted.
    Plain,
    /// As in the paper: radio, parameters only, no compute, one tensor a cut, equal memory.
    Paper,
    /// Positions, and listed links that win over the radio.
    Radio,
    /// A measured matrix with holes.
    Matrix,
    /// Listed directed links only, many missing, with latencies.
    Sparse,
    /// Few different sizes and speeds, zeros among them.
    Ties,
    /// Hardly enough memory, equal or not, with both memory models and every number of buffers.
    Tight,
    /// Up to three types of node, hardly enough memory, many stages.
    Types,
    /// Source and sink, hosting stages or not.
    Ends,
    /// Excluded, unschedulable and unselected nodes, pins, `max_stages`.
    Constrained,
    /// Limits of latency, other objectives, no overlap.
    Goals,
    /// Measured times of some classes and layers, unknown speeds.
    Timed,
    /// Anything with anything.
    Mixed,
    /// Layers that stay together, and layers pinned to labels.
    Together,
    /// Other models on the same cluster.
    Occupied,
    /// A placement that runs already.
    Replan,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::Plain,
        Self::Paper,
        Self::Radio,
        Self::Matrix,
        Self::Sparse,
        Self::Ties,
        Self::Tight,
        Self::Types,
        Self::Ends,
        Self::Constrained,
        Self::Goals,
        Self::Timed,
        Self::Mixed,
        Self::Together,
        Self::Occupied,
        Self::Replan,
    ];
}

/// How much longer periods may be for a smaller latency, by turns of seeds.
const TOLERANCES: [f64; 3] = [0.01, 0.0, 0.3];

/// The most layers and nodes of a random request.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// At least 1.
    pub layers: usize,
    /// At least 1.
    pub nodes: usize,
}

/// A request from a seed. The same seed, kind and size give the same request.
pub fn random_request(seed: u64, kind: Kind, size: Size) -> PlanRequest {
    let document = random_document(seed, kind, size);
    PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("seed {seed}, {kind:?}: {faults:?}"))
}

/// The document of [`random_request`].
pub fn random_document(seed: u64, kind: Kind, size: Size) -> Value {
    random_document_of(seed, kind, size, Maker::model)
}

/// The same with models of another sort.
pub(super) fn random_document_of(
    seed: u64,
    kind: Kind,
    size: Size,
    model: impl FnOnce(&mut Maker, usize) -> Value,
) -> Value {
    // Each kind has its own stream, so that the kinds do not share models.
    let mut maker = Maker { rng: Pcg64Mcg::seed_from_u64(seed.wrapping_mul(31).wrapping_add(kind as u64)), kind };
    let layers = maker.mostly_many(size.layers);
    let nodes = maker.mostly_many(size.nodes);
    let model = model(&mut maker, layers);
    let cluster = maker.cluster(nodes, &model);
    let mut document = json!({
        "objective": maker.objective(),
        "constraints": maker.constraints(layers, nodes),
        "cost_model": maker.cost_model(),
        "solver": {"seed": seed % 1000, "tolerance": TOLERANCES[(seed % 3) as usize]},
        "model": model,
        "cluster": cluster,
    });
    if maker.when(Kind::Occupied, 0.3) {
        document["occupants"] = maker.occupants(nodes);
    }
    if document["objective"]["kind"] == "max_throughput" && maker.when(Kind::Replan, 0.2) {
        document["base"] = maker.base(layers, nodes);
        if maker.rng.random_bool(0.7) {
            document["max_period_ratio"] = json!(maker.rng.random_range(1.0..2.0));
        }
    }
    // These have a stream of their own, so that everything else is as it is without them.
    let mut rng = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(37).wrapping_add(kind as u64));
    if kind != Kind::Paper && rng.random_bool(0.3) {
        scale_memory(&mut document, &mut rng);
    }
    if kind != Kind::Paper && rng.random_bool(if kind == Kind::Timed { 0.6 } else { 0.25 }) {
        add_groups(&mut document["model"], &mut rng);
    }
    // Drawn last, so that everything else is as it was before there was a choice.
    if maker.rng.random_bool(0.5) {
        document["cost_model"]["transfers"] = json!("acknowledged");
    }
    document
}

/// Up to three groups of layers that mostly adjoin, with times of some classes.
fn add_groups(model: &mut Value, rng: &mut Pcg64Mcg) {
    let layers = model["layers"].as_array().unwrap().len();
    let mut free: Vec<usize> = (0..layers).collect();
    let mut groups = Vec::new();
    for _ in 0..rng.random_range(1..=3) {
        if free.is_empty() {
            break;
        }
        let first = rng.random_range(0..free.len());
        let size = rng.random_range(1..=3).min(free.len() - first);
        let mut members: Vec<usize> = free.drain(first..first + size).collect();
        if !free.is_empty() && rng.random_bool(0.1) {
            members.push(free.swap_remove(rng.random_range(0..free.len())));
        }
        members.shuffle(rng);
        let mut times = Map::new();
        for class in ["pi", "jetson"] {
            if rng.random_bool(0.5) {
                times.insert(class.to_owned(), json!(rng.random_range(0.0..2.0)));
            }
        }
        let ids: Vec<String> = members.iter().map(|layer| format!("l{layer}")).collect();
        let mut group = json!({"layer_ids": ids});
        if !times.is_empty() {
            group["time_s"] = json!(times);
        }
        groups.push(group);
    }
    model["groups"] = json!(groups);
}

/// Stages take more or less than the profile says. Nodes grow or shrink alike, more or less.
fn scale_memory(document: &mut Value, rng: &mut Pcg64Mcg) {
    let scales = [0.3, 1.0, 1.1, 2.0, rng.random_range(0.1..4.0)];
    let scale: f64 = scales[rng.random_range(0..scales.len())];
    let overhead_bytes = [0, 1, rng.random_range(0..2000)][rng.random_range(0..3)];
    document["cost_model"]["memory_scale"] = json!(scale);
    document["cost_model"]["memory_overhead_bytes"] = json!(overhead_bytes);
    for node in document["cluster"]["nodes"].as_array_mut().unwrap() {
        let bytes = node["memory_bytes"].as_u64().unwrap() as f64 * scale;
        let more_bytes = rng.random_range(0..=2 * overhead_bytes);
        node["memory_bytes"] = json!(bytes as u64 + node["reserved_bytes"].as_u64().unwrap() + more_bytes);
    }
}

pub(super) struct Maker {
    pub(super) rng: Pcg64Mcg,
    kind: Kind,
}

impl Maker {
    fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    /// Certain where the request is of a kind, of that probability where it is mixed, else out of the question.
    pub(super) fn when(&mut self, kind: Kind, mixed: f64) -> bool {
        self.is(kind) || (self.is(Kind::Mixed) && self.rng.random_bool(mixed))
    }

    /// From 1 to `most`, the larger numbers more often.
    fn mostly_many(&mut self, most: usize) -> usize {
        self.rng.random_range(1..=most).max(self.rng.random_range(1..=most))
    }

    pub(super) fn size(&mut self, most: u64) -> u64 {
        if self.when(Kind::Ties, 0.3) {
            return self.rng.random_range(0..=2) * (most / 2);
        }
        if self.rng.random_bool(0.1) { 0 } else { self.rng.random_range(0..=most) }
    }

    fn seconds(&mut self, least: f64, most: f64) -> f64 {
        if self.is(Kind::Ties) { least + (most - least) / 2.0 } else { self.rng.random_range(least..most) }
    }

    fn model(&mut self, layers: usize) -> Value {
        let inputs = if self.rng.random_bool(0.8) { self.rng.random_range(0..=layers.min(2)) } else { 0 };
        let timed = self.when(Kind::Timed, 0.3);
        let mut described: Vec<Value> = (0..layers)
            .map(|layer| {
                let mut it = Map::new();
                it.insert("id".to_owned(), json!(format!("l{layer}")));
                it.insert("output_bytes".to_owned(), json!(self.size(1000)));
                let works = layer >= inputs;
                it.insert("param_bytes".to_owned(), json!(if works { self.size(4000) } else { 0 }));
                if works {
                    it.insert("flops".to_owned(), json!(self.size(2000)));
                    if self.rng.random_bool(0.2) {
                        it.insert("state_bytes".to_owned(), json!(self.size(500)));
                    }
                    let mut times = Map::new();
                    for class in ["pi", "jetson"] {
                        if timed && self.rng.random_bool(0.6) {
                            times.insert(class.to_owned(), json!(self.rng.random_range(0.0..2.0)));
                        }
                    }
                    it.insert("time_s".to_owned(), json!(times));
                }
                if self.rng.random_bool(0.3) {
                    it.insert("activation_bytes".to_owned(), json!(self.size(2000)));
                }
                Value::Object(it)
            })
            .collect();
        let skips = self.rng.random_range(0.0..0.4);
        let mut edges = Vec::new();
        for to in inputs.max(1)..layers {
            for from in 0..to {
                let probability = if from + 1 == to { 0.85 } else { skips };
                if self.rng.random_bool(probability) {
                    edges.push(json!({"from": format!("l{from}"), "to": format!("l{to}")}));
                }
            }
        }
        // A source without work would be constant, which is what random graphs are for.
        for layer in described.iter_mut().filter(|layer| layer["param_bytes"] != json!(0) && layer["flops"] == json!(0))
        {
            if !edges.iter().any(|edge: &Value| edge["to"] == layer["id"]) {
                layer["flops"] = json!(1);
            }
        }
        if self.rng.random_bool(0.3) {
            described.shuffle(&mut self.rng);
            edges.shuffle(&mut self.rng);
        }
        json!({"name": "random", "layers": described, "edges": edges})
    }

    fn cluster(&mut self, nodes: usize, model: &Value) -> Value {
        let sum = |field: &str| -> u64 {
            model["layers"].as_array().unwrap().iter().map(|layer| layer[field].as_u64().unwrap_or(0)).sum()
        };
        let total_bytes = sum("param_bytes") + sum("state_bytes") + 2 * sum("output_bytes");
        let tight = self.when(Kind::Tight, 0.3) || self.is(Kind::Paper) || self.is(Kind::Types);
        let share = if tight { 1.3 / nodes as f64 } else { 0.8 };
        let types = if self.when(Kind::Types, 0.2) { self.rng.random_range(1..=3) } else { 0 };
        let types: Vec<(u64, f64)> = (0..types)
            .map(|_| {
                let memory_bytes = total_bytes as f64 * share * self.rng.random_range(0.3..2.0);
                (memory_bytes as u64, self.rng.random_range(300.0..3000.0))
            })
            .collect();
        let equal = self.is(Kind::Paper) || self.rng.random_bool(0.3);
        let common = (total_bytes as f64 * share * self.rng.random_range(0.6..2.0)) as u64;
        let radio = self.is(Kind::Paper) || self.when(Kind::Radio, 0.25);
        let described: Vec<Value> = (0..nodes)
            .map(|node| {
                let node_type = types.choose(&mut self.rng).copied();
                let memory_bytes = match node_type {
                    Some((memory_bytes, _)) => memory_bytes,
                    None if equal => common,
                    None => (total_bytes as f64 * share * self.rng.random_range(0.3..2.0)) as u64,
                };
                let mut it = Map::new();
                it.insert("id".to_owned(), json!(format!("n{node}")));
                let reserved_bytes = if self.rng.random_bool(0.2) { self.rng.random_range(0..=100) } else { 0 };
                it.insert("memory_bytes".to_owned(), json!(memory_bytes + reserved_bytes));
                it.insert("reserved_bytes".to_owned(), json!(reserved_bytes));
                let speed = match node_type {
                    Some((_, speed)) => speed,
                    None if self.is(Kind::Ties) => 1000.0,
                    None => self.rng.random_range(300.0..3000.0),
                };
                let timed = self.when(Kind::Timed, 0.3);
                if !(timed && self.rng.random_bool(0.3)) {
                    it.insert("flops_per_s".to_owned(), json!(speed));
                }
                if timed && self.rng.random_bool(0.7) {
                    let class = ["pi", "jetson", "phone"][self.rng.random_range(0..3)];
                    it.insert("device_class".to_owned(), json!(class));
                }
                if self.when(Kind::Constrained, 0.3) {
                    it.insert("schedulable".to_owned(), json!(self.rng.random_bool(0.85)));
                    let site = if self.rng.random_bool(0.8) { "roof" } else { "yard" };
                    it.insert("labels".to_owned(), json!({"site": site}));
                }
                if self.when(Kind::Together, 0.3) {
                    let site = ["roof", "yard"][self.rng.random_range(0..2)];
                    let rack = ["a", "b"][self.rng.random_range(0..2)];
                    it.insert("labels".to_owned(), json!({"site": site, "rack": rack}));
                }
                if radio {
                    let (x, y) = (self.rng.random_range(1.0..150.0), self.rng.random_range(1.0..150.0));
                    it.insert("position_m".to_owned(), json!({"x": x, "y": y}));
                }
                Value::Object(it)
            })
            .collect();
        let sparse = self.when(Kind::Sparse, 0.25);
        let mut cluster = json!({"name": "random", "nodes": described});
        cluster["links"] = Value::Array(self.links(nodes, sparse));
        if radio {
            let latency_s = if !self.is(Kind::Paper) && self.rng.random_bool(0.3) { 0.02 } else { 0.0 };
            cluster["network"] =
                json!({"kind": "radio", "bandwidth_hz": 500.0, "snr_at_1m": 283_230.0, "latency_s": latency_s});
        } else if self.when(Kind::Matrix, 0.25) {
            cluster["network"] = self.matrix(nodes);
        } else if !sparse {
            let bandwidth_bps = self.bandwidth();
            let latency_s = if self.rng.random_bool(0.3) { self.seconds(0.0, 0.2) } else { 0.0 };
            cluster["network"] = json!({"kind": "full_mesh", "bandwidth_bps": bandwidth_bps, "latency_s": latency_s});
        }
        cluster
    }

    fn bandwidth(&mut self) -> f64 {
        if self.is(Kind::Ties) {
            [4000.0, 8000.0][self.rng.random_range(0..2)]
        } else {
            self.rng.random_range(1e3..2e4)
        }
    }

    fn links(&mut self, nodes: usize, sparse: bool) -> Vec<Value> {
        let listed = match self.kind {
            Kind::Paper => 0.0,
            _ if sparse => 0.5,
            _ => 0.2,
        };
        let mut links = Vec::new();
        for from in 0..nodes {
            for to in 0..nodes {
                if from == to || !self.rng.random_bool(listed) {
                    continue;
                }
                // A link of both ways stands once, at its smaller end, and only where the way back is not listed.
                let bidirectional = from < to && self.rng.random_bool(0.3);
                let back =
                    |link: &Value| link["from"] == json!(format!("n{to}")) && link["to"] == json!(format!("n{from}"));
                let given = |link: &Value| back(link) && link["bidirectional"] == json!(true);
                if links.iter().any(given) || (bidirectional && links.iter().any(back)) {
                    continue;
                }
                let bandwidth_bps = self.bandwidth();
                let latency_s = if self.rng.random_bool(0.5) { self.seconds(0.0, 0.5) } else { 0.0 };
                links.push(json!({
                    "from": format!("n{from}"), "to": format!("n{to}"), "bandwidth_bps": bandwidth_bps,
                    "latency_s": latency_s, "bidirectional": bidirectional
                }));
            }
        }
        links
    }

    fn matrix(&mut self, nodes: usize) -> Value {
        let mut node_ids: Vec<String> = (0..nodes).map(|node| format!("n{node}")).collect();
        node_ids.shuffle(&mut self.rng);
        if nodes > 1 && self.rng.random_bool(0.2) {
            node_ids.pop();
        }
        let named = node_ids.len();
        let rows: Vec<Vec<f64>> = (0..named)
            .map(|_| (0..named).map(|_| if self.rng.random_bool(0.25) { 0.0 } else { self.bandwidth() }).collect())
            .collect();
        json!({"kind": "matrix", "node_ids": node_ids, "bandwidth_bps": rows, "latency_s": 0.01})
    }

    fn objective(&mut self) -> Value {
        if !self.when(Kind::Goals, 0.3) {
            return json!({"kind": "max_throughput"});
        }
        match self.rng.random_range(0..3) {
            0 => json!({"kind": "max_throughput"}),
            1 => json!({"kind": "min_latency"}),
            _ => json!({"kind": "min_nodes", "target_period_s": self.rng.random_range(0.2..6.0)}),
        }
    }

    fn constraints(&mut self, layers: usize, nodes: usize) -> Value {
        let mut it = Map::new();
        let any_node = |maker: &mut Self| json!(format!("n{}", maker.rng.random_range(0..nodes)));
        if self.when(Kind::Ends, 0.4) {
            for end in ["source_node", "sink_node"] {
                if self.rng.random_bool(0.7) {
                    it.insert(end.to_owned(), any_node(self));
                }
            }
        }
        if self.when(Kind::Constrained, 0.3) {
            if self.rng.random_bool(0.4) {
                it.insert("exclude_nodes".to_owned(), json!([any_node(self)]));
            }
            if self.rng.random_bool(0.3) {
                it.insert("node_selector".to_owned(), json!({"site": "roof"}));
            }
            if self.rng.random_bool(0.5) {
                let mut pinned: Vec<usize> = (0..layers).collect();
                pinned.shuffle(&mut self.rng);
                pinned.truncate(self.rng.random_range(1..=2));
                let pin = |layer| json!({"layer_id": format!("l{layer}"), "node_id": any_node(self)});
                it.insert("pins".to_owned(), pinned.into_iter().map(pin).collect());
            }
            if self.rng.random_bool(0.5) {
                it.insert("max_stages".to_owned(), json!(self.rng.random_range(1..=nodes)));
            }
        }
        if self.when(Kind::Together, 0.3) {
            self.keep_together(layers, &mut it);
        }
        if self.when(Kind::Goals, 0.2) && self.rng.random_bool(0.5) {
            it.insert("max_latency_s".to_owned(), json!(self.rng.random_range(0.5..15.0)));
        }
        Value::Object(it)
    }

    fn keep_together(&mut self, layers: usize, constraints: &mut Map<String, Value>) {
        if layers > 1 && self.rng.random_bool(0.7) {
            let first = self.rng.random_range(0..layers - 1);
            let last = self.rng.random_range(first + 1..layers.min(first + 3));
            let other = self.rng.random_range(0..layers);
            let mut together = vec![first, last];
            if self.rng.random_bool(0.2) && !together.contains(&other) {
                together.push(other);
            }
            let ids: Vec<String> = together.iter().map(|layer| format!("l{layer}")).collect();
            constraints.insert("colocate".to_owned(), json!([{"layer_ids": ids}]));
        }
        let pins = constraints.entry("pins".to_owned()).or_insert_with(|| json!([]));
        for _ in 0..self.rng.random_range(0..3) {
            let mut selector = Map::new();
            if self.rng.random_bool(0.6) {
                selector.insert("site".to_owned(), json!(["roof", "yard"][self.rng.random_range(0..2)]));
            }
            if selector.is_empty() || self.rng.random_bool(0.3) {
                selector.insert("rack".to_owned(), json!(["a", "b"][self.rng.random_range(0..2)]));
            }
            let layer = self.rng.random_range(0..layers);
            let pin = json!({"layer_id": format!("l{layer}"), "node_selector": selector});
            pins.as_array_mut().unwrap().push(pin);
        }
    }

    fn occupants(&mut self, nodes: usize) -> Value {
        let occupants = (0..self.rng.random_range(1..=3)).map(|occupant| {
            let (mut taken, mut hops) = (Vec::new(), Vec::new());
            for node in 0..nodes {
                if self.rng.random_bool(0.4) {
                    let compute_s = if self.rng.random_bool(0.2) { 0.0 } else { self.rng.random_range(0.0..1.0) };
                    let memory_bytes = self.rng.random_range(0..800);
                    let id = format!("n{node}");
                    taken.push(json!({"node_id": id, "memory_bytes": memory_bytes, "compute_s": compute_s}));
                }
                let to = self.rng.random_range(0..nodes);
                if to != node && self.rng.random_bool(0.5) {
                    let (from, to) = (format!("n{node}"), format!("n{to}"));
                    let transfer_s = self.rng.random_range(0.0..1.0);
                    hops.push(json!({"from_node_id": from, "to_node_id": to, "transfer_s": transfer_s}));
                }
            }
            if self.rng.random_bool(0.1) {
                taken.push(json!({"node_id": "gone", "compute_s": 0.5}));
            }
            json!({
                "id": format!("o{occupant}"), "rate_per_s": self.rng.random_range(0.0..2.0),
                "period_s": self.rng.random_range(0.1..2.0), "nodes": taken, "hops": hops
            })
        });
        occupants.collect()
    }

    fn base(&mut self, layers: usize, nodes: usize) -> Value {
        let mut stages: Vec<Value> = Vec::new();
        let mut free: Vec<String> = (0..nodes).map(|node| format!("n{node}")).collect();
        free.push("gone".to_owned());
        free.shuffle(&mut self.rng);
        let mut layer = 0;
        while layer < layers {
            let Some(node_id) = free.pop() else { break };
            let end = self.rng.random_range(layer + 1..=layers);
            let layer_ids: Vec<String> = (layer..end).map(|layer| format!("l{layer}")).collect();
            stages.push(json!({"node_id": node_id, "layer_ids": layer_ids}));
            layer = end;
        }
        json!({"stages": stages})
    }

    fn cost_model(&mut self) -> Value {
        if self.is(Kind::Paper) {
            return json!({"memory": "params", "compute": "ignore", "cuts": "in_order", "io_buffers": 0});
        }
        let mut it = Map::new();
        let mut put = |name: &str, value: Value| it.insert(name.to_owned(), value);
        put("unknown_compute", json!("free"));
        if self.when(Kind::Tight, 0.4) || self.is(Kind::Types) {
            put("memory", json!(["params", "params_and_activations"][self.rng.random_range(0..2)]));
            put("io_buffers", json!(self.rng.random_range(0..3)));
        }
        if self.when(Kind::Goals, 0.4) && self.rng.random_bool(0.5) {
            put("overlap", json!("none"));
        }
        // The programs go over positions; cuts of any order have an oracle of their own.
        put("cuts", json!("in_order"));
        if self.rng.random_bool(0.15) {
            put("compute", json!("ignore"));
        }
        if self.rng.random_bool(0.2) {
            put("transfer_scale", json!(self.rng.random_range(0.1..2.0)));
        }
        Value::Object(it)
    }
}
