//! One file per header that is understood.

pub mod encoding;
pub mod etag;
pub mod idempotency;
pub mod prefer;
pub mod request_id;
