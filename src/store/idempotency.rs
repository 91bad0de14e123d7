//! Idempotency keys: the key, the request's fingerprint and the created row go in one transaction.
//!
//! A key is claimed by the very transaction that creates the row, and there is one writer: of two requests with one
//! key the second sees either nothing of the first or its finished row. So no request is ever "still in flight".

/// What a client sends so that a retry does not create a second row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key.
    pub key: String,
    /// What identifies the request's content: a hash over method, path and body.
    pub fingerprint: String,
}

/// The answer to a request that creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered<T> {
    /// The row.
    pub row: T,
    /// Whether the first request with this key, or this one if it has none, created the row: 201, else 200.
    pub created: bool,
    /// Whether this is the answer to a request that was answered before.
    pub replayed: bool,
}
