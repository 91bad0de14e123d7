//! Constant layers: weights, shapes, and what is computed only from them. No root of the model
//! leads to them, so each stage that needs one has its own copy.
//!
//! The constants that lead to a layer are found once for each set of constants that layers read
//! directly. Layers that read the same constants share a list. This takes O(L + E) and the length
//! of the lists.

use rustc_hash::FxHashMap;

/// The most steps that finding all lists may take. This limits their memory.
pub(super) const MOST_STEPS: usize = 1 << 24;

/// The constant layers of a model, by their places in the order.
#[derive(Debug, Clone)]
pub(super) struct Constants {
    is_constant: Vec<bool>,
    /// The lists, each in ascending order. The first is empty.
    lists: Vec<Vec<usize>>,
    /// For each layer, the list of the constants that lead to it.
    list_of: Vec<usize>,
    /// The constants that are outputs of the model and those that lead to them, in ascending order.
    delivered: Vec<usize>,
}

impl Constants {
    /// Finds the constants of a model whose layers are in topological order. Returns `None` if this
    /// takes more than [`MOST_STEPS`].
    pub(super) fn new(readers: &[Vec<usize>], makers: &[Vec<usize>], is_root: impl Fn(usize) -> bool) -> Option<Self> {
        let layers = makers.len();
        let is_constant = unreached(makers, is_root);
        let mut constants =
            Self { is_constant, lists: vec![Vec::new()], list_of: vec![0; layers], delivered: Vec::new() };
        if !constants.is_constant.contains(&true) {
            return Some(constants);
        }
        let mut search = Search { makers, seen_by: vec![0; layers], searches: 0, steps: 0 };
        let mut list_with: FxHashMap<Vec<usize>, usize> = FxHashMap::default();
        for layer in (0..layers).filter(|&layer| !constants.is_constant[layer]) {
            let read: Vec<usize> =
                makers[layer].iter().copied().filter(|&maker| constants.is_constant[maker]).collect();
            if read.is_empty() {
                continue;
            }
            constants.list_of[layer] = match list_with.get(&read) {
                Some(&list) => list,
                None => {
                    constants.lists.push(search.leading_to(&read)?);
                    list_with.insert(read, constants.lists.len() - 1);
                    constants.lists.len() - 1
                }
            };
        }
        let outputs: Vec<usize> =
            (0..layers).filter(|&layer| constants.is_constant[layer] && readers[layer].is_empty()).collect();
        constants.delivered = search.leading_to(&outputs)?;
        Some(constants)
    }

    pub(super) fn is_constant(&self, layer: usize) -> bool {
        self.is_constant[layer]
    }

    pub(super) fn behind(&self, layer: usize) -> &[usize] {
        &self.lists[self.list_of[layer]]
    }

    pub(super) fn delivered(&self) -> &[usize] {
        &self.delivered
    }
}

/// Returns, for each layer, whether no root leads to it. In a model without roots this is `false`
/// for all layers.
fn unreached(makers: &[Vec<usize>], is_root: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut reached = vec![false; makers.len()];
    for layer in 0..makers.len() {
        reached[layer] = is_root(layer) || makers[layer].iter().any(|&maker| reached[maker]);
    }
    let has_roots = reached.contains(&true);
    reached.into_iter().map(|reached| has_roots && !reached).collect()
}

/// Searches backwards from constants to all layers that lead to them. A layer that leads to a
/// constant is constant too.
struct Search<'a> {
    makers: &'a [Vec<usize>],
    /// For each layer, the number of the last search that found it.
    seen_by: Vec<usize>,
    searches: usize,
    steps: usize,
}

impl Search<'_> {
    /// Returns some constants and all layers that lead to them, in ascending order. Returns `None`
    /// if the search takes too many steps.
    fn leading_to(&mut self, constants: &[usize]) -> Option<Vec<usize>> {
        self.searches += 1;
        let mut found = Vec::new();
        self.see(constants, &mut found)?;
        let mut next = 0;
        while let Some(&layer) = found.get(next) {
            let makers = self.makers;
            self.see(&makers[layer], &mut found)?;
            next += 1;
        }
        found.sort_unstable();
        Some(found)
    }

    fn see(&mut self, layers: &[usize], found: &mut Vec<usize>) -> Option<()> {
        self.steps += layers.len();
        for &layer in layers {
            if self.seen_by[layer] != self.searches {
                self.seen_by[layer] = self.searches;
                found.push(layer);
            }
        }
        (self.steps <= MOST_STEPS).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root, a chain of constants behind it, and layers that read of them.
    fn constants(chain: usize, readers_of: impl Iterator<Item = usize>) -> Option<Constants> {
        let mut makers: Vec<Vec<usize>> = vec![Vec::new()];
        makers.extend((1..=chain).map(|place| if place > 1 { vec![place - 1] } else { Vec::new() }));
        makers.extend(readers_of.map(|constant| vec![0, constant]));
        let mut readers = vec![Vec::new(); makers.len()];
        for (reader, read) in makers.iter().enumerate() {
            for &maker in read {
                readers[maker].push(reader);
            }
        }
        Constants::new(&readers, &makers, |layer| layer == 0)
    }

    #[test]
    fn layers_that_read_the_same_share_a_list() {
        let found = constants(1000, std::iter::repeat_n(1000, 100_000)).unwrap();
        assert_eq!((found.lists.len(), found.behind(1001).len(), found.behind(101_000).len()), (2, 1000, 1000));
        assert!(found.is_constant(1) && !found.is_constant(1001));
    }

    #[test]
    fn lists_that_grow_beyond_all_bounds_are_refused() {
        assert!(constants(4000, 1..=4000).is_some());
        assert!(constants(6000, 1..=6000).is_none());
    }
}
