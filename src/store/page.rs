//! Keyset paging: a page starts behind a row that the caller saw, so that inserts never shift it.

use jiff::Timestamp;

use crate::domain::id::Id;

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    NewestFirst,
    /// Oldest first.
    OldestFirst,
}

/// The place of a row in a list: by creation, ties by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    /// When the row was created.
    pub created_at: Timestamp,
    /// Its id.
    pub id: Id,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The most rows.
    pub limit: u32,
    /// Which way.
    pub order: Order,
    /// The last row of the page before; `None` for the first page.
    pub after: Option<PageKey>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to give as [`Page::after`] for the next page; `None` where this page is the last.
    pub next: Option<PageKey>,
}
