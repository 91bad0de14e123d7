//! What resources look like in JSON, where several routes answer with them.

pub mod cluster;
pub mod job;
pub mod webhook;
