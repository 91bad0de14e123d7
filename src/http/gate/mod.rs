//! Admission of requests: API keys and their limits, load shedding, and slots of the queue.

pub mod caller;
pub mod drain_body;
pub mod load_shedding;
pub mod queue_slot;
