//! The exact search: what is possible at a period, dives for incumbents, and proofs for bounds.

pub mod at_period;
pub mod beam;
pub mod candidates;
pub mod capacity;
pub mod decision;
pub mod dive;
pub mod kinds;
pub mod labels;
pub mod neighbourhood;
pub mod packing;
pub mod prices;
pub mod stage_ends;
pub mod useful;
pub mod weighted_capacity;
