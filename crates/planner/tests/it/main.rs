//! The planner against oracles, certified optima and definitions so plain that they cannot be wrong.

mod domain_faults;
mod domain_fuzz;
mod domain_properties;
mod every_cut;
mod every_order;
mod exact;
mod explain;
mod groups;
mod known_compute;
mod network_faults;
mod networks;
mod oracle;
mod oracle_agrees;
mod pipelines;
mod planner_is_right;
mod resource_constrained;
mod scaled_memory;
