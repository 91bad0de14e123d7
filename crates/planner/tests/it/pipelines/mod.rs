//! Several pipelines on one cluster.

mod against_every_set;
mod properties;
mod replanning;
mod requests;
