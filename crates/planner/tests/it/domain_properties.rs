//! Random graphs: order, cut points, boundaries and live bytes against definitions so plain that they cannot be wrong,
//! and documents that are the same after they were written and read again.

use std::collections::BTreeSet;

use crate::oracle::{Kind, Size, random_request};
use cutpoint_planner::domain::activation::activation_bytes;
use cutpoint_planner::domain::chain::{Chain, crossing_layers, crossing_tensors, live_bytes};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::hash::content_hash;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::CutPolicy;
use cutpoint_planner::domain::request::PlanRequest;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A layer as its parameters, output, operations and measured seconds.
type RawLayer = (u64, u64, u64, Option<f64>);

#[derive(Debug, Clone)]
struct RawGraph {
    /// In the order in which the document gives them.
    layers: Vec<RawLayer>,
    /// Pairs of places in `layers`.
    edges: Vec<(usize, usize)>,
}

impl RawGraph {
    fn document(&self) -> Value {
        let layer = |(index, &(param_bytes, output_bytes, flops, seconds)): (usize, &RawLayer)| {
            let mut layer = json!({"id": format!("l{index}"), "param_bytes": param_bytes,
                                   "output_bytes": output_bytes, "flops": flops});
            if let Some(seconds) = seconds {
                layer["time_s"] = json!({"pi": seconds});
            }
            layer
        };
        let edge = |&(from, to): &(usize, usize)| json!({"from": format!("l{from}"), "to": format!("l{to}")});
        json!({
            "name": "random",
            "layers": self.layers.iter().enumerate().map(layer).collect::<Vec<Value>>(),
            "edges": self.edges.iter().map(edge).collect::<Vec<Value>>(),
        })
    }

    fn model(&self) -> ModelProfile {
        ModelProfile::from_json(&self.document()).unwrap()
    }
}

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0), 3 => 1..5_u64, 1 => Just(1 << 40)]
}

/// A random acyclic graph: edges follow a hidden order, which is not the order of the document.
fn graph() -> impl Strategy<Value = RawGraph> {
    (1..12_usize).prop_flat_map(|layers| {
        let seconds = prop_oneof![4 => Just(None), 1 => Just(Some(0.0)), 1 => Just(Some(0.5))];
        let described = prop::collection::vec((size(), size(), size(), seconds), layers);
        let hidden_order = Just((0..layers).collect::<Vec<usize>>()).prop_shuffle();
        let pairs = prop::collection::vec((0..layers, 0..layers), 0..3 * layers);
        (described, hidden_order, pairs).prop_map(|(layers, rank, pairs)| {
            let downwards = |(a, b): (usize, usize)| if rank[a] < rank[b] { (a, b) } else { (b, a) };
            let unlike = pairs.into_iter().filter(|(a, b)| a != b);
            let edges: BTreeSet<(usize, usize)> = unlike.map(downwards).collect();
            RawGraph { layers, edges: edges.into_iter().collect() }
        })
    })
}

/// The document's place of each layer of a model.
fn given_places(model: &ModelProfile) -> Vec<usize> {
    model.layers.iter().map(|layer| layer.id[1..].parse().unwrap()).collect()
}

/// The law's words: made before the position and read after, or an output of the model, carried to the end.
fn crosses(model: &ModelProfile, tensor: usize, position: usize) -> bool {
    let place = |id: &str| model.layers.iter().position(|layer| layer.id == id).unwrap();
    let mut readers = model.edges.iter().filter(|edge| place(&edge.from) == tensor).map(|edge| place(&edge.to));
    let is_output = !model.edges.iter().any(|edge| place(&edge.from) == tensor);
    tensor < position && (is_output || readers.any(|reader| reader >= position))
}

fn is_input(model: &ModelProfile, layer: usize) -> bool {
    let it = &model.layers[layer];
    let has_predecessor = model.edges.iter().any(|edge| edge.to == it.id);
    let works = it.flops > 0 || it.time_s.values().any(|&seconds| seconds > 0.0);
    !has_predecessor && it.param_bytes == 0 && !works
}

/// For each pair of layers whether a path leads from the first to the second.
fn leads_to(model: &ModelProfile) -> Vec<Vec<bool>> {
    let layers = model.layers.len();
    let mut leads = vec![vec![false; layers]; layers];
    for edge in &model.edges {
        leads[model.layer_index(&edge.from).unwrap()][model.layer_index(&edge.to).unwrap()] = true;
    }
    for middle in 0..layers {
        for from in 0..layers {
            for to in 0..layers {
                leads[from][to] |= leads[from][middle] && leads[middle][to];
            }
        }
    }
    leads
}

fn is_constant(model: &ModelProfile, layer: usize) -> bool {
    let leads = leads_to(model);
    let is_root = |place: &usize| {
        let it = &model.layers[*place];
        let works = it.flops > 0 || it.time_s.values().any(|&seconds| seconds > 0.0);
        is_input(model, *place) || (works && !model.edges.iter().any(|edge| edge.to == it.id))
    };
    let roots: Vec<usize> = (0..model.layers.len()).filter(is_root).collect();
    !roots.is_empty() && roots.iter().all(|&root| root != layer && !leads[root][layer])
}

fn policy() -> impl Strategy<Value = CutPolicy> {
    prop_oneof![Just(CutPolicy::Any), Just(CutPolicy::InOrder), Just(CutPolicy::SingleTensor)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_stand_in_the_stable_topological_order(graph in graph()) {
        let model = graph.model();
        let given = given_places(&model);
        // At each place stands the first given layer of those whose predecessors all stand before.
        for place in 0..given.len() {
            let placed = &given[..place];
            let ready = |layer: &usize| {
                let mut edges = graph.edges.iter();
                !placed.contains(layer) && edges.all(|(from, to)| to != layer || placed.contains(from))
            };
            prop_assert_eq!(Some(given[place]), (0..given.len()).find(ready));
        }
    }

    #[test]
    fn readers_and_makers_are_the_edges(graph in graph()) {
        let model = graph.model();
        let given = given_places(&model);
        let mut from_readers = BTreeSet::new();
        let mut from_makers = BTreeSet::new();
        for layer in 0..given.len() {
            from_readers.extend(model.readers(layer).iter().map(|&reader| (given[layer], given[reader])));
            from_makers.extend(model.makers(layer).iter().map(|&maker| (given[maker], given[layer])));
            prop_assert!(model.readers(layer).is_sorted() && model.makers(layer).is_sorted());
            prop_assert_eq!(model.layer_index(&model.layers[layer].id), Some(layer));
            prop_assert_eq!(model.is_input(layer), is_input(&model, layer));
        }
        let edges: BTreeSet<(usize, usize)> = graph.edges.iter().copied().collect();
        prop_assert_eq!(&from_readers, &edges);
        prop_assert_eq!(&from_makers, &edges);
    }

    #[test]
    fn each_boundary_is_what_the_law_defines(graph in graph(), policy in policy()) {
        let model = graph.model();
        let layers = model.layers.len();
        let bytes = |tensors: Vec<usize>| tensors.iter().map(|&tensor| model.layers[tensor].output_bytes).sum::<u64>();
        let mut positions = vec![0];
        let inputs: Vec<usize> = (0..layers).filter(|&layer| is_input(&model, layer)).collect();
        prop_assert_eq!(crossing_layers(&model, 0).collect::<Vec<usize>>(), inputs.clone());
        let mut boundary_bytes = vec![bytes(inputs)];
        for position in 1..layers {
            let crossing: Vec<usize> = (0..layers).filter(|&tensor| crosses(&model, tensor, position)).collect();
            prop_assert_eq!(crossing_layers(&model, position).collect::<Vec<usize>>(), crossing.clone());
            prop_assert_eq!(crossing_tensors(&model)[position].tensors, crossing.len());
            prop_assert_eq!(crossing_tensors(&model)[position].bytes, bytes(crossing.clone()));
            let only_inputs = (0..position).all(|layer| is_input(&model, layer));
            let all_inputs = (position..layers).all(|layer| !is_input(&model, layer));
            let allowed = match policy {
                CutPolicy::Any => all_inputs,
                CutPolicy::InOrder => true,
                CutPolicy::SingleTensor => all_inputs && crossing.len() == 1,
            };
            if !only_inputs && allowed {
                positions.push(position);
                boundary_bytes.push(bytes(crossing));
            }
        }
        positions.push(layers);
        let outputs: Vec<usize> = (0..layers).filter(|&tensor| crosses(&model, tensor, layers)).collect();
        prop_assert_eq!(crossing_layers(&model, layers).collect::<Vec<usize>>(), outputs.clone());
        boundary_bytes.push(bytes(outputs));
        prop_assert_eq!(Chain::new(&model, policy, &[]), Chain { positions, boundary_bytes });
    }

    #[test]
    fn live_bytes_are_those_of_a_walk_that_keeps_every_tensor_it_still_needs(graph in graph()) {
        let model = graph.model();
        let mut expected = Vec::new();
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        for layer in 0..model.layers.len() {
            if !is_constant(&model, layer) {
                kept.insert(layer);
            }
            expected.push(kept.iter().map(|&tensor| model.layers[tensor].output_bytes).sum::<u64>());
            // Once the layer has run, a tensor is kept for a reader to come, or because it leaves the model.
            kept.retain(|&tensor| crosses(&model, tensor, layer + 1));
        }
        prop_assert_eq!(live_bytes(&model), expected.clone());
        prop_assert_eq!(activation_bytes(&model, CutPolicy::InOrder), expected);
    }

    #[test]
    fn live_in_every_order_is_what_the_layer_or_a_descendant_still_reads(graph in graph()) {
        let model = graph.model();
        let layers = model.layers.len();
        let leads = leads_to(&model);
        let needs = |layer: usize, tensor: usize| {
            let mut readers = model.readers(tensor).iter();
            leads[tensor][layer] && readers.any(|&reader| reader == layer || leads[layer][reader])
        };
        for layer in (0..layers).filter(|&layer| !is_constant(&model, layer)) {
            let tensors = (0..layers).filter(|&tensor| tensor == layer || needs(layer, tensor));
            let bytes = tensors.filter(|&tensor| !is_constant(&model, tensor)).map(|tensor| model.layers[tensor].output_bytes);
            let expected: u64 = bytes.sum();
            prop_assert_eq!(activation_bytes(&model, CutPolicy::Any)[layer], expected);
            prop_assert_eq!(activation_bytes(&model, CutPolicy::SingleTensor)[layer], expected);
        }
    }

    #[test]
    fn constants_are_what_no_root_reaches(graph in graph()) {
        let model = graph.model();
        let layers = model.layers.len();
        let leads = leads_to(&model);
        let constants: Vec<usize> = (0..layers).filter(|&layer| is_constant(&model, layer)).collect();
        let read = |layer: usize| -> Vec<usize> {
            constants.iter().copied().filter(|&constant| model.readers(constant).contains(&layer)).collect()
        };
        // All that makes a constant is constant, so each way to a layer that is not is one of constants up to it.
        let behind = |read: &[usize]| -> Vec<usize> {
            let needed = |constant: usize| read.iter().any(|&last| last == constant || leads[constant][last]);
            constants.iter().copied().filter(|&constant| needed(constant)).collect()
        };
        for layer in 0..layers {
            prop_assert_eq!(model.is_constant(layer), constants.contains(&layer));
            let of_layer = read(layer);
            prop_assert_eq!(model.constants_read(layer).collect::<Vec<usize>>(), of_layer.clone());
            let expected = if model.is_constant(layer) { Vec::new() } else { behind(&of_layer) };
            prop_assert_eq!(model.constants_behind(layer), &expected[..]);
        }
        let outputs: Vec<usize> =
            constants.iter().copied().filter(|&constant| model.readers(constant).is_empty()).collect();
        prop_assert_eq!(model.constant_outputs().collect::<Vec<usize>>(), outputs.clone());
        prop_assert_eq!(model.constants_delivered(), &behind(&outputs)[..]);
        for &constant in &constants {
            let needing = (0..layers).filter(|&layer| model.constants_behind(layer).contains(&constant));
            prop_assert_eq!(model.readers_of_constant(constant), needing.collect::<Vec<usize>>());
        }
    }

    #[test]
    fn a_profile_is_the_same_after_it_was_written_and_read_again(graph in graph()) {
        let model = graph.model();
        let written = serde_json::to_value(&model).unwrap();
        let again = ModelProfile::from_json(&written).unwrap();
        prop_assert_eq!(&model.layers, &again.layers);
        prop_assert_eq!(&model.edges, &again.edges);
        prop_assert_eq!(content_hash(&model), content_hash(&again));
    }

    #[test]
    fn the_order_of_the_edges_changes_nothing(graph in graph(), seed in any::<u64>()) {
        use rand::{SeedableRng, seq::SliceRandom};
        let mut shuffled = graph.clone();
        shuffled.edges.shuffle(&mut rand_pcg::Pcg64Mcg::seed_from_u64(seed));
        prop_assert_eq!(content_hash(&graph.model()), content_hash(&shuffled.model()));
    }

    #[test]
    fn a_request_is_the_same_after_it_was_written_and_read_again(seed in any::<u64>(), kind in 0..Kind::ALL.len()) {
        let request = random_request(seed, Kind::ALL[kind], Size { layers: 8, nodes: 6 });
        let text = serde_json::to_vec(&request).unwrap();
        let again = PlanRequest::from_json(&serde_json::from_slice(&text).unwrap()).unwrap();
        prop_assert_eq!(&request.cluster.nodes, &again.cluster.nodes);
        prop_assert_eq!(&request.cluster.links, &again.cluster.links);
        prop_assert_eq!(&request.cluster.network, &again.cluster.network);
        prop_assert_eq!(&request.options, &again.options);
        prop_assert_eq!(content_hash(&request), content_hash(&again));
        let cluster = ClusterInventory::from_json(&serde_json::to_value(&*request.cluster).unwrap()).unwrap();
        prop_assert_eq!(content_hash(&cluster), content_hash(&*request.cluster));
    }
}
