//! Webhooks: signs messages, guards the addresses that they go to, and delivers them with retries.
//!
//! The transaction that ends a job writes its message to the store's outbox. So each message exists exactly once, even
//! if the process crashes, and is delivered at least once.

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

pub use dispatcher::{Dispatcher, DispatcherSettings};
pub use guard::{Guard, Refusal};
pub use resolver::{Resolve, SystemResolver};
pub use send::Sender;
