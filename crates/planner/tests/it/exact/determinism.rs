//! A search that ends by proof gives the byte-equal document, whenever and with however many threads it runs.

use cutpoint_planner::Env;
use cutpoint_planner::env::NeverStop;

use super::bases::{bases, request};
use crate::oracle::{Heard, planned_in};

#[test]
fn the_same_request_gives_the_same_bytes_on_any_number_of_threads() {
    for (number, base) in bases(2).into_iter().enumerate() {
        let request = request(&base.document, &base.name);
        let text = |threads: usize| {
            let env = Env { seed: number as u64, threads, stop: &NeverStop, progress: &Heard::default() };
            serde_json::to_string(&planned_in(&request, &env, &base.name)).unwrap()
        };
        let first = text(1);
        for threads in [1, 2, 8] {
            assert_eq!(first, text(threads), "{}, {threads} threads", base.name);
        }
    }
}

#[test]
fn another_seed_finds_the_same_period() {
    for base in bases(2) {
        let request = request(&base.document, &base.name);
        let period_s = |seed: u64| {
            let env = Env { seed, threads: 1, stop: &NeverStop, progress: &Heard::default() };
            planned_in(&request, &env, &base.name).least_period_s.map(f64::to_bits)
        };
        assert_eq!(period_s(0), period_s(u64::MAX), "{}", base.name);
    }
}
