//! The generator of instances. The same seed, family, number of nodes and number of an instance
//! give the same request, whatever else is drawn.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::{Constraints, PlanOptions, SolverOptions};
use cutpoint_planner::domain::request::PlanRequest;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};

use super::family::Family;
use super::pieces::Pieces;
use super::square::{Air, Device, Fading, cluster, node_id};

const MIB: u64 = 1 << 20;

/// Identifies an instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) family: Family,
    pub(super) nodes: usize,
    pub(super) number: usize,
}

/// Draws instances.
pub(super) struct Generator {
    pub(super) seed: u64,
    /// The models that families without a model of their own draw from.
    pub(super) models: Vec<Arc<ModelProfile>>,
    /// The models of families with a single model.
    pub(super) own_models: Vec<Arc<ModelProfile>>,
    pub(super) solver: SolverOptions,
}

impl Key {
    /// Returns a name without spaces, for files and messages.
    pub(super) fn name(&self) -> String {
        format!("{}-n{}-{:03}", self.family.name(), self.nodes, self.number)
    }
}

impl Generator {
    /// Draws the instance of a key.
    pub(super) fn draw(&self, key: Key) -> anyhow::Result<PlanRequest> {
        let rng = &mut self.rng(key);
        let model = self.model(key.family, rng).with_context(|| format!("no model for {}", key.name()))?;
        let cost_model = key.family.cost_model(key.number);
        let devices = devices(key, &Pieces::new(model, cost_model.cuts), rng);
        let document = cluster(&key.name(), &devices, air(key), rng);
        let cluster = ClusterInventory::from_json(&document)
            .map_err(|faults| anyhow!("the cluster of {} cannot be used: {faults:?}", key.name()))?;
        let constraints = match key.family {
            Family::Pinned => {
                let [source_node, sink_node] = [(); 2].map(|()| Some(node_id(rng.random_range(0..key.nodes))));
                Constraints { source_node, sink_node, ..Constraints::default() }
            }
            _ => Constraints::default(),
        };
        let options = PlanOptions { cost_model, constraints, solver: self.solver, ..PlanOptions::default() };
        Ok(PlanRequest { model: model.clone(), cluster: Arc::new(cluster), options })
    }

    fn rng(&self, key: Key) -> Pcg64Mcg {
        let digest = Sha256::digest(format!("{} seed {}", key.name(), self.seed));
        let mut seed = <Pcg64Mcg as SeedableRng>::Seed::default();
        seed.iter_mut().zip(digest).for_each(|(seed, digest)| *seed = digest);
        Pcg64Mcg::from_seed(seed)
    }

    fn model(&self, family: Family, rng: &mut Pcg64Mcg) -> Option<&Arc<ModelProfile>> {
        match family.own_model() {
            Some(name) => self.own_models.iter().find(|model| model.name == name),
            None => self.models.choose(rng),
        }
    }
}

/// Draws the memory and the speed of the nodes.
fn devices(key: Key, pieces: &Pieces, rng: &mut Pcg64Mcg) -> Vec<Device> {
    let least_bytes = pieces.least_bytes(key.nodes) as f64;
    let equal = |memory_bytes, flops_per_s| vec![Device { memory_bytes, flops_per_s }; key.nodes];
    match key.family {
        Family::Paper | Family::Shadowing | Family::OneAtATime => equal(between_block_and_model(pieces, rng), None),
        Family::Tight | Family::OneAtATimeTight => equal((least_bytes * rng.random_range(1.0..1.5)) as u64, None),
        Family::Sparse => equal((least_bytes * rng.random_range(1.3..3.0)) as u64, None),
        Family::WholeCosts => equal(one_of(&[64, 128, 256, 512], rng) * MIB, Some(1e10)),
        Family::Types => {
            let kinds = each(3, rng, |rng| Device {
                memory_bytes: (least_bytes * rng.random_range(1.0..1.8)) as u64,
                flops_per_s: Some(one_of(&[1e9, 4e9, 1.2e10], rng)),
            });
            each(key.nodes, rng, |rng| one_of(&kinds, rng))
        }
        Family::Differing => {
            let typical_bytes = pieces.least_bytes(key.nodes.min(12)) as f64 * 1.5;
            each(key.nodes, rng, |rng| Device {
                memory_bytes: (typical_bytes * rng.random_range(0.3..3.0)) as u64 + 8 * MIB,
                flops_per_s: Some(rng.random_range(1e9..5e10)),
            })
        }
        Family::Asymmetric => each(key.nodes, rng, |rng| Device {
            memory_bytes: (least_bytes * rng.random_range(0.5..3.0)) as u64,
            flops_per_s: None,
        }),
        Family::Pinned => {
            let memory_bytes = between_block_and_model(pieces, rng);
            each(key.nodes, rng, |rng| Device { memory_bytes, flops_per_s: Some(one_of(&[1e10, 2e10], rng)) })
        }
        Family::NasnetLarge | Family::EfficientnetV2L => {
            let memory_bytes = one_of(&[64, 128, 256], rng) * MIB;
            each(key.nodes, rng, |rng| Device { memory_bytes, flops_per_s: Some(one_of(&[5e9, 1e10, 2e10], rng)) })
        }
    }
}

fn each(devices: usize, rng: &mut Pcg64Mcg, mut draw: impl FnMut(&mut Pcg64Mcg) -> Device) -> Vec<Device> {
    (0..devices).map(|_| draw(rng)).collect()
}

/// Returns how the nodes are linked.
fn air(key: Key) -> Air {
    let usual = Fading { deviation_db: 6.0, presence: 1.0, is_symmetric: true, latency_s: 0.0 };
    match key.family {
        Family::Shadowing => Air::Fading(usual),
        Family::Types => Air::Fading(Fading { deviation_db: 4.0, ..usual }),
        Family::Differing => Air::Fading(Fading { latency_s: 0.01, ..usual }),
        Family::Sparse => {
            let presence = (6.0 / key.nodes as f64).min(1.0);
            Air::Fading(Fading { deviation_db: 4.0, presence, ..usual })
        }
        Family::Asymmetric => Air::Fading(Fading { presence: 0.8, is_symmetric: false, ..usual }),
        Family::Paper
        | Family::Tight
        | Family::Pinned
        | Family::WholeCosts
        | Family::OneAtATime
        | Family::OneAtATimeTight
        | Family::NasnetLarge
        | Family::EfficientnetV2L => Air::Clear,
    }
}

/// Draws a memory log-uniformly from the largest block to the whole model: a node holds every
/// block, but not the model.
fn between_block_and_model(pieces: &Pieces, rng: &mut Pcg64Mcg) -> u64 {
    let (largest_bytes, total_bytes) = (pieces.largest_bytes() as f64, pieces.total_bytes() as f64);
    let bytes = largest_bytes * (total_bytes / largest_bytes).powf(rng.random());
    bytes.ceil() as u64
}

fn one_of<T: Copy>(values: &[T], rng: &mut Pcg64Mcg) -> T {
    values[rng.random_range(0..values.len())]
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use serde_json::Value;

    use super::*;
    use crate::profiles::named;
    use cutpoint_planner::domain::hash::json_text;
    use cutpoint_planner::domain::options::Overlap;

    const KEYS: [(usize, usize); 3] = [(12, 0), (12, 1), (1, 0)];

    fn generator(seed: u64) -> Generator {
        let own_models = named(&["NASNetLarge", "EfficientNetV2L"]).unwrap();
        let drawn = named(&["MobileNetV2", "ResNet50", "VGG16"]).unwrap();
        Generator { seed, models: drawn, own_models, solver: SolverOptions::default() }
    }

    fn keys() -> impl Iterator<Item = Key> {
        let of = |family| KEYS.into_iter().map(move |(nodes, number)| Key { family, nodes, number });
        Family::value_variants().iter().copied().flat_map(of)
    }

    #[test]
    fn the_same_seed_gives_the_same_requests() {
        let (one, same, other) = (generator(1), generator(1), generator(2));
        let text = |generator: &Generator, key| json_text(&generator.draw(key).unwrap());
        // In another order: an instance does not depend on what was drawn before it.
        let mut again: Vec<String> = keys().collect::<Vec<_>>().into_iter().rev().map(|key| text(&same, key)).collect();
        again.reverse();
        for (key, again) in keys().zip(again) {
            let first = text(&one, key);
            assert!(first == again, "{} is not drawn the same twice", key.name());
            assert!(first != text(&other, key), "{} does not depend on the seed", key.name());
        }
    }

    #[test]
    fn every_request_reads_back_without_faults_as_what_it_was() {
        for key in keys() {
            let request = generator(1).draw(key).unwrap();
            assert_eq!(request.cluster.nodes.len(), key.nodes);
            let text = json_text(&request);
            let document: Value = serde_json::from_str(&text).unwrap();
            let read = PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("{}: {faults:?}", key.name()));
            assert!(json_text(&read) == text, "{} changes by being read", key.name());
        }
    }

    #[test]
    fn families_are_what_they_say() {
        let draw = |family| generator(3).draw(Key { family, nodes: 12, number: 0 }).unwrap();
        let memories = |request: &PlanRequest| {
            let mut bytes: Vec<u64> = request.cluster.nodes.iter().map(|node| node.memory_bytes).collect();
            bytes.sort_unstable();
            bytes.dedup();
            bytes.len()
        };
        assert_eq!(memories(&draw(Family::Tight)), 1);
        assert!((2..=3).contains(&memories(&draw(Family::Types))));
        assert_eq!(memories(&draw(Family::Differing)), 12);
        assert_eq!(draw(Family::Shadowing).cluster.links.len(), 12 * 11 / 2);
        assert!(draw(Family::Sparse).cluster.links.len() < 50);
        assert!(draw(Family::Asymmetric).cluster.links.iter().all(|link| !link.bidirectional));
        assert_eq!(draw(Family::Paper).options.cost_model.overlap, Overlap::Full);
        assert_eq!(draw(Family::OneAtATime).options.cost_model.overlap, Overlap::None);
        assert_eq!(memories(&draw(Family::OneAtATimeTight)), 1);
        let ends = draw(Family::Pinned).options.constraints;
        assert!(ends.source_node.is_some() && ends.sink_node.is_some());
        assert_eq!(draw(Family::NasnetLarge).model.name, "NASNetLarge");
    }
}
