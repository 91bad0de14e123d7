//! What resources look like in JSON, where several routes answer with them.

pub mod joined;
pub mod page;
pub mod webhook;
