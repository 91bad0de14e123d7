//! The planner's parts and the whole of it, on real models and clusters of the paper's kind.
//!
//! `cargo bench --bench planner`, or with a name as a filter, for instance `-- solve/ResNet50`.

fn main() {}
