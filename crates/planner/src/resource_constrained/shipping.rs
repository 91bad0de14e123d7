//! Bytes that stages ship: parameters that their host does not hold in the base.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::domain::request::PlanRequest;
use crate::index::{Block, Host, IndexVec, Position};
use crate::instance::Instance;
use crate::migration::holders;

/// Shipped bytes as sums over positions. As doubles they are exact below 2^53.
#[derive(Debug)]
pub struct Shipping {
    /// For each position, the bytes of all layers within it, and of the constants that one block
    /// alone needs.
    all: IndexVec<Position, f64>,
    /// The same sums for what a host holds in the base, for each host that holds any.
    held: FxHashMap<Host, IndexVec<Position, f64>>,
    /// Constants that some blocks share.
    shared: Vec<Shared>,
}

/// A constant that some blocks share.
#[derive(Debug)]
struct Shared {
    bytes: f64,
    /// For each position, how many of those blocks are within it.
    blocks: IndexVec<Position, u64>,
    /// The hosts that hold it in the base.
    held_by: Vec<Host>,
}

impl Shipping {
    /// Tabulates a request with a base for the cuts of an instance. Returns `None` if the request
    /// has no base.
    pub fn new(request: &PlanRequest, instance: &Instance) -> Option<Self> {
        let model = &request.model;
        let holders = holders(model, request.options.base.as_ref()?);
        let host_of: BTreeMap<&str, Host> = instance
            .hosts
            .iter_indexed()
            .map(|(host, &node)| (request.cluster.nodes[node].id.as_str(), host))
            .collect();
        let hosts_with =
            |layer: usize| -> Vec<Host> { holders[layer].iter().filter_map(|id| host_of.get(id).copied()).collect() };
        // The blocks that need each layer.
        let mut blocks_of: BTreeMap<usize, Vec<Block>> = BTreeMap::new();
        for block in instance.cuts.blocks() {
            for layer in instance.cuts.needed_by(model, block) {
                blocks_of.entry(layer).or_default().push(block);
            }
        }
        let nothing: IndexVec<Block, f64> = IndexVec::filled(0.0, instance.block_count());
        let mut own = nothing.clone();
        let mut held_of: FxHashMap<Host, IndexVec<Block, f64>> = FxHashMap::default();
        let mut shared = Vec::new();
        for (layer, blocks) in blocks_of {
            let bytes = model.layers[layer].param_bytes as f64;
            let held_by = hosts_with(layer);
            if let [block] = blocks[..] {
                own[block] += bytes;
                for host in held_by {
                    held_of.entry(host).or_insert_with(|| nothing.clone())[block] += bytes;
                }
            } else {
                let blocks = instance.cuts.sums_of_blocks(|block| u64::from(blocks.contains(&block)));
                shared.push(Shared { bytes, blocks, held_by });
            }
        }
        let sums = |of_block: &IndexVec<Block, f64>| instance.cuts.sums_of_blocks(|block| of_block[block]);
        let held = held_of.iter().map(|(&host, held)| (host, sums(held))).collect();
        Some(Self { all: sums(&own), held, shared })
    }

    /// Returns `true` if two hosts hold the same, so that each stage ships as much to one as to the other.
    pub fn is_alike(&self, a: Host, b: Host) -> bool {
        let held_by = |shared: &Shared, host: Host| shared.held_by.contains(&host);
        self.held.get(&a) == self.held.get(&b) && self.shared.iter().all(|it| held_by(it, a) == held_by(it, b))
    }

    /// Returns the bytes that a stage ships to its host.
    #[inline]
    pub fn bytes(&self, host: Host, start: Position, end: Position) -> f64 {
        let all = self.all[end] - self.all[start];
        let mut bytes = self.held.get(&host).map_or(all, |held| all - (held[end] - held[start]));
        for shared in &self.shared {
            if shared.blocks[end] > shared.blocks[start] && !shared.held_by.contains(&host) {
                bytes += shared.bytes;
            }
        }
        bytes
    }
}
