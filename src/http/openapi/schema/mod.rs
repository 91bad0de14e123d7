//! What utoipa's derives cannot express: closed request documents, limits, examples, headers, links and messages.

mod deployments;
mod files;
mod finish;
mod headers;
mod limits;
mod links;
mod messages;
mod parameters;
mod sample;

pub use finish::finish;
