//! Keyset paging: a page starts after the last row of the page before, so that inserts do not shift it. Rows are in the
//! order of inserts, which does not depend on the clock.

use super::row::{leave_out, read};
use super::sql::{QueryBuilder, Record};
use super::{Connection, StoreError};
use crate::domain::id::IdKind;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    NewestFirst,
    /// Oldest first.
    OldestFirst,
}

/// The position of a row in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageKey {
    /// The kind of the list's rows.
    pub kind: IdKind,
    /// The row's position in the order of inserts.
    pub sequence: u64,
}

/// A request for a part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The most rows.
    pub limit: u32,
    /// The order.
    pub order: Order,
    /// The last row of the page before; `None` for the first page.
    pub after: Option<PageKey>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The value of [`Page::after`] for the next page; `None` if this page is the last.
    pub next: Option<PageKey>,
    /// The ids of damaged rows in this part of the list. They are not in [`Listed::items`].
    pub unreadable: Vec<String>,
}

/// A row of a list.
pub(super) trait Keyed {
    fn page_key(&self) -> PageKey;
}

impl Page {
    /// Reads the page of a query that already has a `WHERE`. Damaged rows are skipped and following rows fill the page,
    /// so that paging continues after them.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn read<R, T>(
        &self,
        connection: &mut Connection,
        table: &'static str,
        query: QueryBuilder,
    ) -> Result<Listed<T>, StoreError>
    where
        R: Record,
        T: Keyed + TryFrom<R, Error = StoreError>,
    {
        let limit = self.limit as usize;
        let (mut items, mut unreadable): (Vec<T>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        // The damaged rows before the last item of the page, and those after it.
        let (mut before, mut behind) = (0, 0);
        let mut after = self.after;
        // One extra row shows whether there is another page.
        while items.len() <= limit {
            let wanted = limit + 1 - items.len();
            let mut query = query.clone();
            self.push_to(&mut query, after.as_ref(), wanted, behind);
            let rows = query.build().fetch_all(&mut *connection).await?;
            for row in &rows {
                match read::<R, T>(row) {
                    Ok(item) => {
                        if items.len() < limit {
                            before = unreadable.len();
                        }
                        behind = 0;
                        after = Some(item.page_key());
                        items.push(item);
                    }
                    Err(StoreError::Unreadable { id, column, .. }) => {
                        behind += 1;
                        unreadable.push((id, column));
                    }
                    Err(error) => return Err(error),
                }
            }
            if rows.len() < wanted {
                before = unreadable.len();
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        // The next page names the damaged rows after the last item again.
        unreadable.truncate(before);
        unreadable.iter().for_each(|(id, column)| leave_out(table, id, column));
        let next = if more { items.last().map(Keyed::page_key) } else { None };
        Ok(Listed { items, next, unreadable: unreadable.into_iter().map(|(id, _)| id).collect() })
    }

    /// Adds the condition, the order and the limit to a query that already has a `WHERE`.
    fn push_to(&self, query: &mut QueryBuilder, after: Option<&PageKey>, rows: usize, skipped: usize) {
        let (compare, direction) = match self.order {
            Order::NewestFirst => ("<", "DESC"),
            Order::OldestFirst => (">", "ASC"),
        };
        if let Some(key) = after {
            query.push(format_args!(" AND sequence {compare} "));
            // A number that is too large for the database is after every row.
            query.push_bind(i64::try_from(key.sequence).unwrap_or(i64::MAX));
        }
        query.push(format_args!(" ORDER BY sequence {direction} LIMIT "));
        query.push_bind(i64::try_from(rows).unwrap_or(i64::MAX)).push(" OFFSET ");
        query.push_bind(i64::try_from(skipped).unwrap_or(i64::MAX));
    }
}
