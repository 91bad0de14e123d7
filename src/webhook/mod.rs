//! Webhooks: signs messages, guards the addresses that they go to, and delivers them until they are taken.
//!
//! What is to be delivered stands in the store's outbox, written in the transaction that ends a job. So a message exists
//! once, whatever happens to the process, and is delivered at least once.

pub mod connect;
pub mod dispatcher;
pub mod guard;
pub mod resolver;
pub mod schedule;
pub mod send;
pub mod sign;
pub mod target;
#[cfg(test)]
mod tests;

pub use dispatcher::{CourierSettings, Dispatcher};
pub use guard::{Guard, Refusal};
pub use resolver::{Resolve, SystemResolver};
pub use send::Sender;
