//! The exact search: what is possible at a period, dives for incumbents, proofs for bounds.

pub mod at_period;
pub mod dive;
pub mod stage_ends;
