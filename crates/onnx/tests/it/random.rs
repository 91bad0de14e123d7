//! Random graphs of operators whose shapes are easy to say, with fixed seeds.

use cutpoint_onnx::{Options, profile};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::encode::*;

/// A random model of `count` operators on tensors of 4 × 8 floats.
pub fn graph_of(random: &mut Pcg64Mcg, count: usize) -> Message {
    let mut names = vec!["x".to_owned(), "w".to_owned()];
    let mut nodes = Vec::new();
    for place in 0..count {
        let pick = |random: &mut Pcg64Mcg| names[random.random_range(0..names.len())].clone();
        let (a, b) = (pick(random), pick(random));
        let name = format!("t{place}");
        nodes.push(match random.random_range(0..5) {
            0 => node("Add", &[&a, &b], &[&name]),
            1 => node("Relu", &[&a], &[&name]),
            2 => node("Dropout", &[&a], &[&name, &format!("mask{place}")]),
            3 => node("Max", &[&a, &b, "x"], &[&name]),
            _ => node("Where", &["w_bool", &a, &b], &[&name]),
        });
        names.push(name);
    }
    let weights = [floats("w", &[4, 8]), header("w_bool", 9, &[4, 8]).bytes(9, &[1; 32])];
    let last = names.last().unwrap().clone();
    graph(&nodes, &weights, &[value("x", FLOAT, &["4", "8"])], &[&last, "t0"])
}

#[test]
fn random_models_have_layers_of_one_size_and_edges_between_them() {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    for _ in 0..200 {
        let count = random.random_range(1..40);
        let profile = profile(model(&graph_of(&mut random, count)).as_slice(), &Options::default()).unwrap();
        for layer in &profile.document.layers {
            assert!(matches!(layer.output_bytes, 128 | 32), "{layer:?}");
            assert!(layer.param_bytes == 0 || &*layer.op == "Initializer");
        }
        let ids: std::collections::BTreeSet<&str> = profile.document.layers.iter().map(|layer| &*layer.id).collect();
        assert_eq!(ids.len(), profile.document.layers.len());
        assert!(profile.document.edges.iter().all(|edge| ids.contains(&*edge.from) && ids.contains(&*edge.to)));
    }
}
