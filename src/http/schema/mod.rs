//! What utoipa's derives cannot say of the domain: discriminated unions, closed request documents, examples.

mod finish;
mod sample;
mod union;

pub use finish::finish;
