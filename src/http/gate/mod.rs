//! Who comes in, and when there is no place: keys and their limits, load shedding, slots of the queue.

pub mod caller;
pub mod drain_body;
pub mod keyring;
pub mod load_shedding;
pub mod queue_slot;
