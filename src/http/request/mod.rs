//! Reads requests: bodies, query parameters, paging, and limits.

mod arrival;
pub mod body;
pub mod cluster_change;
pub mod deployment_request;
pub mod export_request;
pub mod inputs;
pub mod job_request;
pub mod limits;
pub mod named_placements;
pub mod paging;
pub mod proposal;
pub mod query;
pub mod stored;
pub mod upload;
