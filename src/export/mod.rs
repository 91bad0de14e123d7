//! Forms of others that answers are written in. Pure: from domain types to text.

pub mod front;
