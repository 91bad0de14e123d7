//! Sets of indices as machine words. One operation on a word handles 64 indices.

use std::marker::PhantomData;

use crate::index::{Index, Position};

/// A set of indices with numbers below 64 · W.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bits<const W: usize, I = Position> {
    words: [u64; W],
    index: PhantomData<I>,
}

impl<const W: usize, I: Index> Bits<W, I> {
    /// The empty set.
    pub const EMPTY: Self = Self::of_words([0; W]);

    const fn of_words(words: [u64; W]) -> Self {
        Self { words, index: PhantomData }
    }

    /// The set of one index.
    pub fn single(index: I) -> Self {
        let mut bits = Self::EMPTY;
        bits.insert(index);
        bits
    }

    /// Adds an index.
    #[inline]
    pub fn insert(&mut self, index: I) {
        let number = index.number();
        self.words[number / 64] |= 1 << (number % 64);
    }

    /// Returns `true` if an index is in the set.
    #[inline]
    pub fn contains(&self, index: I) -> bool {
        let number = index.number();
        self.words[number / 64] >> (number % 64) & 1 == 1
    }

    /// Adds all indices from `first` to `last`, both included. Adds none if `first > last`.
    #[inline]
    pub fn insert_range(&mut self, first: I, last: I) {
        if first > last {
            return;
        }
        let (first, last) = (first.number(), last.number());
        let (low, high) = (first / 64, last / 64);
        let (from_first, to_last) = (u64::MAX << (first % 64), u64::MAX >> (63 - last % 64));
        if low == high {
            self.words[low] |= from_first & to_last;
        } else {
            self.words[low] |= from_first;
            for word in &mut self.words[low + 1..high] {
                *word = u64::MAX;
            }
            self.words[high] |= to_last;
        }
    }

    /// Returns `true` if the set is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Returns the number of indices.
    #[inline]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns `true` if the two sets have an index in common.
    #[inline]
    pub fn meets(&self, other: &Self) -> bool {
        (0..W).any(|word| self.words[word] & other.words[word] != 0)
    }

    /// Returns the intersection.
    #[inline]
    pub fn and(&self, other: &Self) -> Self {
        Self::of_words(std::array::from_fn(|word| self.words[word] & other.words[word]))
    }

    /// Returns the union.
    #[inline]
    pub fn or(&self, other: &Self) -> Self {
        Self::of_words(std::array::from_fn(|word| self.words[word] | other.words[word]))
    }

    /// Returns the indices of this set that are not in the other.
    #[inline]
    pub fn minus(&self, other: &Self) -> Self {
        Self::of_words(std::array::from_fn(|word| self.words[word] & !other.words[word]))
    }

    /// Returns the largest index, or `None` if the set is empty.
    #[inline]
    pub fn last(&self) -> Option<I> {
        let word = (0..W).rev().find(|&word| self.words[word] != 0)?;
        Some(I::nth(word * 64 + 63 - self.words[word].leading_zeros() as usize))
    }

    /// Returns the indices in ascending order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = I> + '_ {
        (0..W).flat_map(move |word| {
            let mut rest = self.words[word];
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    I::nth(word * 64 + bit)
                })
            })
        })
    }
}

/// Evaluates an expression with the constant `$W` large enough for sets of `$numbers` numbers,
/// counted from 0. Gives `$too_many` for more than 16,384 numbers. With `few` there are fewer
/// widths and less code, where more widths would gain little.
macro_rules! for_width {
    (few $numbers:expr, $W:ident => $body:expr, else $too_many:expr) => {
        for_width!(@ [2 8 32 256], $numbers, $W, $body, $too_many)
    };
    ($numbers:expr, $W:ident => $body:expr, else $too_many:expr) => {
        for_width!(@ [1 2 4 8 16 32 64 256], $numbers, $W, $body, $too_many)
    };
    (@ [$($width:literal)*], $numbers:expr, $W:ident, $body:expr, $too_many:expr) => {
        match $numbers {
            $(numbers if numbers <= 64 * $width => {
                const $W: usize = $width;
                $body
            })*
            _ => $too_many,
        }
    };
}

pub(super) use for_width;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_numbers_agree() {
        for (first, last) in [(0, 0), (3, 70), (63, 64), (64, 127), (5, 4), (0, 191)] {
            let mut bits = Bits::<3, usize>::EMPTY;
            bits.insert_range(first, last);
            let numbers: Vec<usize> = bits.iter().collect();
            assert_eq!(numbers, (first..=last).collect::<Vec<_>>());
            assert_eq!(bits.last(), numbers.last().copied());
            assert_eq!(bits.is_empty(), numbers.is_empty());
        }
    }

    #[test]
    fn set_operations() {
        let (mut a, mut b) = (Bits::<2, usize>::EMPTY, Bits::<2, usize>::EMPTY);
        a.insert_range(10, 80);
        b.insert_range(70, 100);
        assert_eq!(a.and(&b).iter().collect::<Vec<_>>(), (70..=80).collect::<Vec<_>>());
        assert_eq!(a.minus(&b).iter().count(), 60);
        assert_eq!(a.or(&b).iter().count(), 91);
        assert!(a.meets(&b) && !a.minus(&b).meets(&b));
        assert!(a.contains(10) && !a.contains(81));
    }
}
