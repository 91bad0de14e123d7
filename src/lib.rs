//! Cutpoint finds where to cut a neural network and which edge device runs which piece, so that the most inferences
//! per second come out, and proves how good its answer is.
//!
//! The map of the house; arrows point one way, `cli → http → jobs → store, planner → domain`:
//!
//! - [`planner`]: pure optimisation, from a request to a checked placement.
//! - [`domain`]: validated types, no input or output.

pub mod domain;
pub mod planner;
