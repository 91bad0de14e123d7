//! Sets of blocks as rows of machine words.

/// A list of sets of the same width.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sets {
    words: usize,
    bits: Vec<u64>,
}

impl Sets {
    /// Creates an empty list of sets of numbers below `numbers`.
    pub fn new(numbers: usize) -> Self {
        Self { words: numbers.div_ceil(64).max(1), bits: Vec::new() }
    }

    /// Returns the number of sets.
    pub fn len(&self) -> usize {
        self.bits.len() / self.words
    }

    /// Returns the words of a set.
    #[inline]
    pub fn get(&self, set: usize) -> &[u64] {
        &self.bits[set * self.words..(set + 1) * self.words]
    }

    /// Appends a set.
    pub fn push(&mut self, set: &[u64]) {
        self.bits.extend_from_slice(set);
    }

    /// Returns an empty set of the same width.
    pub fn empty(&self) -> Vec<u64> {
        vec![0; self.words]
    }

    /// Returns the sets of these indices, in this order.
    pub fn at(&self, kept: &[usize]) -> Self {
        let mut some = Self { words: self.words, bits: Vec::with_capacity(kept.len() * self.words) };
        kept.iter().for_each(|&set| some.push(self.get(set)));
        some
    }

    /// Returns `true` if a set lies within another.
    #[inline]
    pub fn is_within(&self, inner: usize, outer: usize) -> bool {
        is_within(self.get(inner), self.get(outer))
    }

    /// Returns `true` if a number is in a set.
    #[inline]
    pub fn has(&self, set: usize, number: usize) -> bool {
        contains(self.get(set), number)
    }

    /// Returns the numbers in a set, in ascending order.
    pub fn numbers(&self, set: usize) -> impl Iterator<Item = usize> + '_ {
        self.get(set).iter().enumerate().flat_map(|(word, &bits)| numbers(word, bits))
    }

    /// Returns the numbers in `outer` that are not in `inner`, in ascending order.
    pub fn between(&self, inner: usize, outer: usize) -> impl Iterator<Item = usize> + '_ {
        let words = self.get(inner).iter().zip(self.get(outer));
        words.enumerate().flat_map(|(word, (inner, outer))| numbers(word, outer & !inner))
    }
}

/// Returns `true` if all numbers of a set are in another.
#[inline]
pub fn is_within(inner: &[u64], outer: &[u64]) -> bool {
    inner.iter().zip(outer).all(|(inner, outer)| inner & !outer == 0)
}

/// Adds a number to a set.
#[inline]
pub fn insert(set: &mut [u64], number: usize) {
    set[number / 64] |= 1 << (number % 64);
}

/// Returns `true` if a number is in a set.
#[inline]
pub fn contains(set: &[u64], number: usize) -> bool {
    set[number / 64] >> (number % 64) & 1 == 1
}

/// Returns the numbers of one word of a set, in ascending order.
fn numbers(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            word * 64 + bit
        })
    })
}

/// Removes a number from a set.
#[inline]
pub fn remove(set: &mut [u64], number: usize) {
    set[number / 64] &= !(1 << (number % 64));
}
