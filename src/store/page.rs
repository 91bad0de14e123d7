//! Keyset paging: a page starts behind a row that the caller saw, so that inserts never shift it.

use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::Database;
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
            query.push(" AND (created_at, id) ").push(compare).push(" (");
            query.push_bind(key.created_at.as_microsecond()).push(", ").push_bind(key.id.as_str().to_owned()).push(")");
        }
        query.push(format_args!(" ORDER BY created_at {direction}, id {direction} LIMIT "));
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
