//! What a request says: its body with every fault, its query, its page, and the limits of all that.

pub mod body;
pub mod inputs;
pub mod job_request;
pub mod limits;
pub mod named_placements;
pub mod paging;
pub mod query;
