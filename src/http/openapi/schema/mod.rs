//! What utoipa's derives cannot say of the domain: discriminated unions, closed request documents, examples, headers,
//! links.

mod finish;
mod headers;
mod limits;
mod links;
mod messages;
mod parameters;
mod sample;

pub use finish::finish;
