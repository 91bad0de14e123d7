//! The routes and handlers, with one file for each resource.

pub mod cluster_imports;
pub mod clusters;
pub mod deliveries;
pub mod diffs;
pub mod docs;
pub mod evaluations;
pub mod events;
pub mod examples;
pub mod explanations;
pub mod exports;
pub mod front;
pub mod health;
pub mod jobs;
pub mod links;
pub mod measurements;
pub mod metrics;
pub mod model_imports;
pub mod models;
pub mod nodes;
pub mod placements;
pub mod placements_by_hand;
pub mod problems;
pub mod timings;
pub mod validation;
pub mod webhooks;
