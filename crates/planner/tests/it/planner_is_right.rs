//! The planner's answers against the oracles on random requests of every kind.

use crate::oracle::{Kind, Size, assert_document_true, brute_force, dense_dp, planned, random_request};

#[test]
fn small_requests_of_every_kind_against_brute_force() {
    let (mut compared, mut proven) = (0, 0);
    for seed in 0..300 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, Size { layers: 6, nodes: 4 });
            let context = format!("seed {seed}, {kind:?}");
            let document = planned(&request, &context);
            compared += 1;
            proven += usize::from(assert_document_true(&request, &document, &brute_force(&request), &context));
        }
    }
    println!("{compared} compared, {proven} proven");
}

#[test]
fn larger_requests_for_throughput_against_the_dense_program() {
    let (mut compared, mut proven) = (0, 0);
    for seed in 0..150 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, Size { layers: 14, nodes: 7 });
            let Some(answer) = dense_dp(&request) else { continue };
            let context = format!("seed {seed}, {kind:?}");
            let document = planned(&request, &context);
            compared += 1;
            proven += usize::from(assert_document_true(&request, &document, &answer, &context));
        }
    }
    println!("{compared} compared, {proven} proven");
}
