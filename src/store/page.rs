//! Keyset paging: a page starts behind a row that the caller saw, so that inserts never shift it. Rows have the order in
//! which they were inserted, whatever the clock said.

use sqlx::QueryBuilder;

use super::Database;
use crate::domain::id::IdKind;

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    NewestFirst,
    /// Oldest first.
    OldestFirst,
}

/// The place of a row in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageKey {
    /// What the list is of.
    pub kind: IdKind,
    /// The row's place in the order of inserts.
    pub sequence: u64,
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

/// A row that stands in lists.
pub(super) trait Keyed {
    fn page_key(&self) -> PageKey;
}

impl Page {
    /// Adds the condition, the order and the limit to a query whose `WHERE` has begun. One row more than wanted is
    /// read: it tells whether there is another page.
    pub(super) fn push_to(&self, query: &mut QueryBuilder<Database>) {
        let (compare, direction) = match self.order {
            Order::NewestFirst => ("<", "DESC"),
            Order::OldestFirst => (">", "ASC"),
        };
        if let Some(key) = &self.after {
            query.push(format_args!(" AND sequence {compare} "));
            // A number that is too large for the database is behind every row.
            query.push_bind(i64::try_from(key.sequence).unwrap_or(i64::MAX));
        }
        query.push(format_args!(" ORDER BY sequence {direction} LIMIT "));
        query.push_bind(i64::from(self.limit) + 1);
    }

    /// Makes the page of the rows read.
    pub(super) fn list<T: Keyed>(&self, mut items: Vec<T>) -> Listed<T> {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(Keyed::page_key) } else { None };
        Listed { items, next }
    }
}
