//! Converts answers to other formats. The functions are pure: they turn domain types into text.

pub mod front;
