//! Shapes and small values of what operators make, one file for each family of operators.
//!
//! `rten-shape-inference` does not fit: it keeps values as 32-bit integers of at most one dimension
//! and computes without checks, so a file can overflow it. All dimensions are numbers here, so no
//! symbolic algebra is needed.

mod attention;
mod blocked;
mod call;
mod data_dependent;
mod elementwise;
mod fact;
mod gather;
mod index;
mod layout;
mod matrix;
mod normalization;
mod quantize;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod rules;
mod signal;
mod slice;
mod source;
mod window;

pub(crate) use attention::heads;
pub(crate) use call::{Call, Gap};
pub(crate) use fact::Fact;
pub(crate) use index::elements;
pub(crate) use matrix::parse_equation;
pub(crate) use recurrent::sizes as recurrence;
pub(crate) use rules::rule_of;
pub(crate) use source::of_tensor;
pub(crate) use window::{kernel as pool_kernel, weights_of as convolution_weights};
