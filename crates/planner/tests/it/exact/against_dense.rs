//! Every proof against the dense dynamic program, on more than 20,000 random requests of every kind.
//!
//! `CUTPOINT_LONG_TESTS=1` adds a longer run on larger requests. It prints its seed; `CUTPOINT_SEED` repeats one.

use std::hash::{BuildHasher, Hasher, RandomState};

use cutpoint_planner::Env;
use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::env::NeverStop;

use crate::oracle::{Heard, Kind, OracleAnswer, Size, assert_document_true, dense_dp, planned_in, random_request};

/// Seeds of a shard; there are eight shards and thirteen kinds.
const SEEDS: u64 = 240;
/// Of these the oracle answers so many: not the other objectives, nor limits of latency.
const LEAST_COMPARED: usize = 2500;

const SMALL: Size = Size { layers: 12, nodes: 6 };

#[derive(Debug, Default)]
struct Tally {
    compared: usize,
    infeasible: usize,
    several_stages: usize,
    /// Optima above the bound with which the search began: they took a search to prove.
    searched: usize,
}

/// Compares on requests of all kinds from some seeds on.
fn compare(first_seed: u64, seeds: u64, size: Size) -> Tally {
    let mut tally = Tally::default();
    for seed in (0..seeds).map(|at| first_seed.wrapping_add(at)) {
        for kind in Kind::ALL {
            let mut request = random_request(seed, kind, size);
            let Some(answer) = dense_dp(&request) else { continue };
            let exact = seed % 2 == 0;
            request.options.solver.algorithm = if exact { Algorithm::Exact } else { Algorithm::Auto };
            let context = format!("seed {seed}, {kind:?}, {size:?}");
            let heard = Heard::default();
            let env = Env { seed, threads: 1, stop: &NeverStop, progress: &heard };
            let document = planned_in(&request, &env, &context);
            assert!(assert_document_true(&request, &document, &answer, &context), "{context}: not proven");
            heard.assert_true(&request, &answer, &context);
            tally.compared += 1;
            match &answer {
                OracleAnswer::Infeasible => tally.infeasible += 1,
                OracleAnswer::Optimal(best) => {
                    tally.several_stages += usize::from(best.stages.len() > 1);
                    let began = heard.first_bound().unwrap_or(0.0);
                    tally.searched += usize::from(began < best.period_s);
                }
            }
        }
    }
    println!("{tally:?}");
    tally
}

fn shard(number: u64) {
    let tally = compare(number * SEEDS, SEEDS, SMALL);
    assert!(tally.compared >= LEAST_COMPARED, "{tally:?}");
    assert!(tally.infeasible > tally.compared / 20 && tally.several_stages > tally.compared / 4, "{tally:?}");
    assert!(tally.searched > tally.compared / 10, "{tally:?}");
}

macro_rules! shards {
    ($($name:ident: $number:literal),*) => { $(
        #[test]
        fn $name() {
            shard($number);
        }
    )* };
}

shards!(shard_0: 0, shard_1: 1, shard_2: 2, shard_3: 3, shard_4: 4, shard_5: 5, shard_6: 6, shard_7: 7);

#[test]
fn up_to_twelve_nodes() {
    let tally = compare(0, 40, Size { layers: 16, nodes: 12 });
    assert!(tally.compared >= 400 && tally.searched > 50, "{tally:?}");
}

#[test]
fn long_run() {
    if std::env::var_os("CUTPOINT_LONG_TESTS").is_none() {
        println!("skipped: CUTPOINT_LONG_TESTS is not set");
        return;
    }
    let given = std::env::var("CUTPOINT_SEED").ok().map(|seed| seed.parse().expect("CUTPOINT_SEED is a number"));
    let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("CUTPOINT_SEED={seed}");
    compare(seed, 20_000, SMALL);
    compare(seed, 2_000, Size { layers: 24, nodes: 8 });
    compare(seed, 300, Size { layers: 24, nodes: 12 });
}
