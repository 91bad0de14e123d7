//! What stages ship: bytes of parameters that their host does not hold in the base.

use rustc_hash::FxHashMap;

use crate::domain::request::PlanRequest;
use crate::instance::Instance;

/// Bytes as prefix sums over positions, exact as doubles below 2^53.
#[derive(Debug)]
pub struct Shipping {
    /// Of all layers.
    all: Vec<f64>,
    /// Of the layers that a host holds; for hosts that hold any.
    held: FxHashMap<usize, Vec<f64>>,
}

impl Shipping {
    /// The table of a request with a base, for its instance with all cuts.
    pub fn new(request: &PlanRequest, instance: &Instance) -> Option<Self> {
        let holders = request.options.base.as_ref()?.holders();
        let layers = &request.model.layers;
        let sums = |counts: &dyn Fn(&str) -> bool| {
            let mut sum = 0.0;
            let mut sums = vec![sum];
            for ends in instance.chain.positions.windows(2) {
                let block = layers[ends[0]..ends[1]].iter().filter(|layer| counts(&layer.id));
                sum += block.map(|layer| layer.param_bytes as f64).sum::<f64>();
                sums.push(sum);
            }
            sums
        };
        let mut held = FxHashMap::default();
        for (host, &node) in instance.hosts.iter().enumerate() {
            let id = request.cluster.nodes[node].id.as_str();
            if holders.values().any(|&holder| holder == id) {
                held.insert(host, sums(&|layer: &str| holders.get(layer) == Some(&id)));
            }
        }
        Some(Self { all: sums(&|_| true), held })
    }

    /// Bytes that a stage ships to its host.
    #[inline]
    pub fn bytes(&self, host: usize, start: usize, end: usize) -> f64 {
        let all = self.all[end] - self.all[start];
        self.held.get(&host).map_or(all, |held| all - (held[end] - held[start]))
    }
}
