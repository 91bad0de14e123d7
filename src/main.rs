//! Cutpoint.
fn main() {}
