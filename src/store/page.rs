//! Keyset paging: a page starts behind a row that the caller saw, so that inserts never shift it. Rows have the order in
//! which they were inserted, whatever the clock said.

use sqlx::{Execute as _, FromRow, QueryBuilder};

use super::row::{leave_out, read};
use super::{Connection, Database, StoreError};
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
    /// The ids of rows in this part of the list that are damaged; they are among [`Listed::items`] no more.
    pub unreadable: Vec<String>,
}

/// A row that stands in lists.
pub(super) trait Keyed {
    fn page_key(&self) -> PageKey;
}

impl Page {
    /// Reads the page of a query whose `WHERE` has begun. Rows that are damaged are left out: others take their places, so
    /// that the page leads on behind them.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn read<R, T>(
        &self,
        connection: &mut Connection,
        table: &'static str,
        mut query: QueryBuilder<Database>,
    ) -> Result<Listed<T>, StoreError>
    where
        R: for<'r> FromRow<'r, <Database as sqlx::Database>::Row>,
        T: Keyed + TryFrom<R, Error = StoreError>,
    {
        let limit = self.limit as usize;
        let sql = query.sql().as_str().to_owned();
        let arguments = query.build().take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default();
        let (mut items, mut unreadable): (Vec<T>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        // Of those unreadable: the ones before the last item that fits, and the ones behind the last item.
        let (mut before, mut behind) = (0, 0);
        let mut after = self.after;
        // One row more than wanted tells whether there is another page.
        while items.len() <= limit {
            let wanted = limit + 1 - items.len();
            let mut query = QueryBuilder::with_arguments(sql.clone(), arguments.clone());
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
        // Those behind the last item stand on the next page too.
        unreadable.truncate(before);
        unreadable.iter().for_each(|(id, column)| leave_out(table, id, column));
        let next = if more { items.last().map(Keyed::page_key) } else { None };
        Ok(Listed { items, next, unreadable: unreadable.into_iter().map(|(id, _)| id).collect() })
    }

    /// Adds the condition, the order and the limits to a query whose `WHERE` has begun.
    fn push_to(&self, query: &mut QueryBuilder<Database>, after: Option<&PageKey>, rows: usize, skipped: usize) {
        let (compare, direction) = match self.order {
            Order::NewestFirst => ("<", "DESC"),
            Order::OldestFirst => (">", "ASC"),
        };
        if let Some(key) = after {
            query.push(format_args!(" AND sequence {compare} "));
            // A number that is too large for the database is behind every row.
            query.push_bind(i64::try_from(key.sequence).unwrap_or(i64::MAX));
        }
        query.push(format_args!(" ORDER BY sequence {direction} LIMIT "));
        query.push_bind(i64::try_from(rows).unwrap_or(i64::MAX)).push(" OFFSET ");
        query.push_bind(i64::try_from(skipped).unwrap_or(i64::MAX));
    }
}
