//! The supported headers, with one file for each.

pub mod encoding;
pub mod etag;
pub mod idempotency;
pub mod prefer;
pub mod request_id;
