//! A model's graph in words of bits, straight from the law: a set of layers is a word whose bits are their places.

use cutpoint_planner::domain::model::Layer;
use cutpoint_planner::domain::options::CutPolicy;
use cutpoint_planner::domain::request::PlanRequest;

/// A set of layers.
pub type Set = u64;

pub struct Shape<'a> {
    layers: &'a [Layer],
    makers: Vec<Set>,
    readers: Vec<Set>,
    /// For each layer all that it can be reached from.
    ancestors: Vec<Set>,
    pub inputs: Set,
    /// What nobody reads, constants included.
    pub outputs: Set,
    pub constants: Set,
}

pub fn places(set: Set) -> impl Iterator<Item = usize> {
    (0..Set::BITS as usize).filter(move |place| set >> place & 1 == 1)
}

impl<'a> Shape<'a> {
    pub fn new(request: &'a PlanRequest) -> Self {
        let model = &request.model;
        let layers = &model.layers[..];
        assert!(layers.len() <= Set::BITS as usize);
        let place = |id: &str| layers.iter().position(|layer| layer.id == id).unwrap();
        let mut makers = vec![0; layers.len()];
        let mut readers = vec![0; layers.len()];
        for edge in &model.edges {
            let (from, to) = (place(&edge.from), place(&edge.to));
            makers[to] |= 1 << from;
            readers[from] |= 1 << to;
        }
        let mut ancestors = makers.clone();
        for _ in layers {
            for layer in 0..layers.len() {
                ancestors[layer] = places(ancestors[layer]).fold(ancestors[layer], |all, at| all | ancestors[at]);
            }
        }
        let works = |it: &Layer| it.flops > 0 || it.time_s.values().any(|&seconds| seconds > 0.0);
        let set = |holds: &dyn Fn(usize) -> bool| -> Set {
            (0..layers.len()).filter(|&layer| holds(layer)).map(|layer| 1 << layer).sum()
        };
        let inputs = set(&|it| makers[it] == 0 && layers[it].param_bytes == 0 && !works(&layers[it]));
        let roots = inputs | set(&|it| makers[it] == 0 && works(&layers[it]));
        let constants = if roots == 0 { 0 } else { set(&|it| (ancestors[it] | 1 << it) & roots == 0) };
        let outputs = set(&|it| readers[it] == 0);
        Self { layers, makers, readers, ancestors, inputs, outputs, constants }
    }

    /// All layers that are cut.
    pub fn whole(&self) -> Set {
        (0..self.layers.len()).map(|layer| 1 << layer).sum::<Set>() & !self.constants
    }

    pub fn bytes(&self, set: Set) -> u64 {
        places(set).map(|layer| self.layers[layer].output_bytes).sum()
    }

    /// The layers inside of a cut whose tensors somebody outside reads or takes.
    pub fn crossing(&self, cut: Set) -> Set {
        places(cut).filter(|&it| self.readers[it] & !cut != 0 || self.readers[it] == 0).map(|it| 1 << it).sum()
    }

    /// Whether a set is a cut between two stages under a policy.
    pub fn is_cut(&self, set: Set, policy: CutPolicy) -> bool {
        let closed = places(set).all(|layer| self.makers[layer] & !self.constants & !set == 0);
        let (whole, has_inputs) = (self.whole(), self.inputs & !set == 0);
        let proper = closed && set != whole && set & !self.inputs != 0;
        proper
            && match policy {
                CutPolicy::Any => has_inputs,
                CutPolicy::SingleTensor => has_inputs && self.crossing(set).count_ones() == 1,
                // All inside stand before all outside.
                CutPolicy::InOrder => places(set).max() < places(whole & !set).min(),
            }
    }

    /// Every cut between two stages.
    pub fn cuts(&self, policy: CutPolicy) -> Vec<Set> {
        let whole = self.whole();
        (1..=whole).filter(|set| set & !whole == 0 && self.is_cut(*set, policy)).collect()
    }

    /// The tensors live in every order while a layer runs.
    pub fn live(&self, layer: usize) -> Set {
        let reads = |it: usize| it == layer || self.ancestors[it] >> layer & 1 == 1;
        let needed = |tensor: &usize| places(self.readers[*tensor]).any(reads);
        let others: Set = places(self.ancestors[layer]).filter(needed).map(|tensor| 1 << tensor).sum();
        (others | 1 << layer) & !self.constants
    }

    /// The tensors live in the profile's order while a layer runs.
    pub fn live_in_order(&self, layer: usize) -> Set {
        let needed = |tensor: usize| self.readers[tensor] == 0 || places(self.readers[tensor]).any(|it| it >= layer);
        let all: Set = (0..=layer).filter(|&tensor| tensor == layer || needed(tensor)).map(|tensor| 1 << tensor).sum();
        all & !self.constants
    }

    /// The constants that layers read themselves; with the outputs among them for the last stage.
    pub fn constants_at_hand(&self, layers: Set, is_last: bool) -> Set {
        let read = places(layers).fold(0, |all, layer| all | self.makers[layer]);
        (if is_last { read | self.outputs } else { read }) & self.constants
    }

    /// These, and all that lead to them.
    pub fn constants_held(&self, layers: Set, is_last: bool) -> Set {
        let at_hand = self.constants_at_hand(layers, is_last);
        places(at_hand).fold(at_hand, |all, constant| all | self.ancestors[constant])
    }
}
