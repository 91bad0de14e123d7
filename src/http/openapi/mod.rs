//! The OpenAPI document: what utoipa cannot express, and the conversion to OpenAPI 3.0.

pub mod older;
pub mod schema;
