//! Explanations of random small requests, every claim of them held against brute force on requests that are changed
//! here, as documents.

mod changed;
mod repairs;
mod upgrades;
