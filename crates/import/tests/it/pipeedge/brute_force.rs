//! Random models and boards in PipeEdge's formats: the planner's proven period is the best of all
//! partitions by PipeEdge's own rules.

use cutpoint_import::InputFile;
use cutpoint_import::pipeedge::{self, Choice};
use cutpoint_planner::domain::placement::Status;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::request;
use crate::data::plan;

const BATCH: u64 = 8;
const BYTES: u64 = 4;
const MEGA: f64 = 1_048_576.0;

struct Site {
    memory_mb: Vec<f64>,
    input: u64,
    outputs: Vec<u64>,
    /// For each type: rate, memory, seconds of each layer, hosts.
    types: Vec<(u64, u64, Vec<f64>, usize)>,
}

impl Site {
    fn random(seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let layers = rng.random_range(2..6);
        let memory_mb = (0..layers).map(|_| f64::from(rng.random_range(1..40_u32)) / 4.0).collect();
        let outputs = (0..layers).map(|_| rng.random_range(1_000..300_000)).collect();
        let mut board = || {
            let seconds = (0..layers).map(|_| f64::from(rng.random_range(1..100_u32)) / 100.0).collect();
            (rng.random_range(5..200), rng.random_range(10..70), seconds, rng.random_range(1..3))
        };
        let types = vec![board(), board()];
        let input = rng.random_range(100..20_000);
        Self { memory_mb, input, outputs, types }
    }

    fn models(&self) -> String {
        let (memory, outputs) = (&self.memory_mb, &self.outputs);
        let layers = memory.len();
        format!(
            "m:\n  layers: {layers}\n  mem_MB: {memory:?}\n  parameters_in: {}\n  parameters_out: {outputs:?}\n",
            self.input
        )
    }

    fn device_types(&self) -> String {
        let one = |(index, (rate, memory, seconds, _)): (usize, &(u64, u64, Vec<f64>, usize))| {
            format!(
                "t{index}:\n  bw_Mbps: {rate}\n  mem_MB: {memory}\n  model_profiles:\n    m:\n    - batch_size: {BATCH}\n      \
                 dtype: torch.float32\n      time_s: {seconds:?}\n"
            )
        };
        self.types.iter().enumerate().map(one).collect()
    }

    fn devices(&self) -> String {
        let host = |index: usize| move |number: usize| format!("h{index}{number}");
        let hosts = |(index, (.., count)): (usize, &(u64, u64, Vec<f64>, usize))| {
            format!("t{index}: [{}]\n", (0..*count).map(host(index)).collect::<Vec<_>>().join(", "))
        };
        self.types.iter().enumerate().map(hosts).collect()
    }

    /// Bytes of the tensor before a layer, or after the last one.
    fn bytes(&self, before: usize) -> f64 {
        let parameters = if before == 0 { self.input } else { self.outputs[before - 1] };
        (parameters * BYTES * BATCH) as f64
    }

    fn fits(&self, kind: usize, start: usize, end: usize) -> bool {
        let layers: f64 = self.memory_mb[start..end].iter().map(|memory| memory * MEGA).sum();
        let (incoming, outgoing) = (self.bytes(start), self.bytes(end));
        let received = if start == 0 { 0.0 } else { 2.0 * incoming };
        layers + received + 2.0 * outgoing + incoming + outgoing < self.types[kind].1 as f64 * MEGA
    }

    /// Returns the least period of all partitions from a layer on, by trying each type for each stage.
    fn least_period(&self, start: usize, left: &mut Vec<usize>, before: Option<usize>) -> f64 {
        let layers = self.memory_mb.len();
        if start == layers {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for kind in 0..self.types.len() {
            if left[kind] == 0 {
                continue;
            }
            left[kind] -= 1;
            let hop = before.map_or(0.0, |before| {
                let rate = self.types[before].0.min(self.types[kind].0) as f64 * MEGA / 8.0;
                self.bytes(start) / rate
            });
            for end in start + 1..=layers {
                if self.fits(kind, start, end) {
                    let compute: f64 = self.types[kind].2[start..end].iter().sum();
                    let rest = self.least_period(end, left, Some(kind));
                    least = least.min(compute.max(hop).max(rest));
                }
            }
            left[kind] += 1;
        }
        least
    }
}

#[test]
fn the_planner_finds_the_best_partition_by_pipe_edges_rules() {
    let (mut feasible, mut infeasible) = (0, 0);
    for seed in 0..300 {
        let site = Site::random(seed);
        let (models, types, devices) = (site.models(), site.device_types(), site.devices());
        let types = InputFile { name: "device_types.yml", content: types.as_bytes() };
        let models = InputFile { name: "models.yml", content: models.as_bytes() };
        let model = &pipeedge::models(&models, Some(&types), &Choice::default()).unwrap()[0];
        let devices = InputFile { name: "devices.yml", content: devices.as_bytes() };
        let cluster = pipeedge::cluster(&types, &devices, "boards").unwrap();
        let answer = plan(&request(model, &cluster));
        let mut left: Vec<usize> = site.types.iter().map(|(.., count)| *count).collect();
        let expected = site.least_period(0, &mut left, None);
        if expected.is_infinite() {
            assert_eq!(answer.status, Status::Infeasible, "seed {seed}");
            infeasible += 1;
        } else {
            assert_eq!(answer.status, Status::Optimal, "seed {seed}");
            let period = answer.least_period_s.unwrap();
            assert!((period - expected).abs() <= 1e-9 * expected, "seed {seed}: {period}, {expected}");
            feasible += 1;
        }
    }
    assert!(feasible > 100 && infeasible > 20, "{feasible} {infeasible}");
}
