//! JSON schemas that several routes share.

pub mod evaluation;
pub mod import;
pub mod joined;
pub mod page;
pub mod stages;
pub mod webhook;
