//! The OpenAPI document: what utoipa cannot say, and the document for OpenAPI 3.0.

pub mod older;
pub mod schema;
