//! The exact planner: its proofs against an oracle, its properties, its determinism, its behaviour when stopped.

mod against_dense;
mod bases;
mod changes;
mod determinism;
mod instances;
mod large;
mod metamorphic;
mod stopping;
