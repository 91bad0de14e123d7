//! Whether the tables of a search hold all cuts of an instance.

use crate::instance::Instance;

/// The most positions that a set of positions can hold.
const MOST_POSITIONS: usize = 16_384;

/// The most bytes that the tables of stages may take.
const MOST_TABLE_BYTES: usize = 1 << 30;

/// The most cuts of a search that considers only some of them.
const CUTS: usize = 1_022;

/// The blocks of a chain from which on a search over some of its cuts comes first.
const LARGE: usize = 2_048;

/// Returns `true` if a search over all cuts at once would find its first good placement too late,
/// or would need too much memory.
pub fn is_large(instance: &Instance) -> bool {
    !instance.cuts.are_all() || is_too_large(instance) || instance.is_chain() && instance.blocks() >= LARGE
}

/// Returns `true` if an instance has more cuts than the tables of a search can hold.
pub fn is_too_large(instance: &Instance) -> bool {
    let positions = instance.blocks() + 1;
    positions > MOST_POSITIONS || table_bytes(instance, positions) > MOST_TABLE_BYTES
}

/// Returns the bytes of the sets of ends and of starts, by group and position.
fn table_bytes(instance: &Instance, positions: usize) -> usize {
    instance.groups.len() * positions * (positions / 64 + 1) * 2 * size_of::<u64>()
}

/// Returns the most cuts, of at most `CUTS`, whose tables are affordable.
pub fn affordable_cuts(instance: &Instance) -> usize {
    (1..=CUTS).rev().find(|&cuts| table_bytes(instance, cuts + 2) <= MOST_TABLE_BYTES).unwrap_or(1)
}
