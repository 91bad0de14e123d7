//! Whether the tables of a search hold all cuts of an instance.

use crate::instance::Instance;

/// Positions that sets of positions can hold.
const MOST_POSITIONS: usize = 16_384;

/// Bytes that the tables of stages may take.
const MOST_TABLE_BYTES: usize = 1 << 30;

/// Cuts of a search among some of them.
const CUTS: usize = 1_022;

/// Positions along a chain from which on some of them are searched first.
const LARGE: usize = 2_048;

/// Whether a search over all cuts of a model at once would find its first good placement too late, or hold them at all.
pub fn is_large(instance: &Instance) -> bool {
    !instance.cuts.are_all() || is_too_large(instance) || instance.is_chain() && instance.blocks() >= LARGE
}

/// Whether an instance has more cuts than a search over all of them holds.
pub fn is_too_large(instance: &Instance) -> bool {
    let positions = instance.blocks() + 1;
    positions > MOST_POSITIONS || table_bytes(instance, positions) > MOST_TABLE_BYTES
}

/// Bytes of the sets of ends and of starts, by group and position.
fn table_bytes(instance: &Instance, positions: usize) -> usize {
    instance.groups.len() * positions * (positions / 64 + 1) * 2 * size_of::<u64>()
}

/// The most cuts whose tables are affordable.
pub fn affordable_cuts(instance: &Instance) -> usize {
    (1..=CUTS).rev().find(|&cuts| table_bytes(instance, cuts + 2) <= MOST_TABLE_BYTES).unwrap_or(1)
}
