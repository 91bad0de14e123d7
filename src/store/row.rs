//! Checked conversions between columns and domain values.

use std::collections::BTreeMap;

use super::StoreError;
use super::sql::{Record, Row};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;
use crate::telemetry::metric;
use cutpoint_planner::domain::placement::Termination;
use jiff::Timestamp;
use metrics::counter;

/// The context of reading a row, for errors.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The row's id.
    pub(super) id: &'a str,
}

impl Reading<'_> {
    pub(super) fn unreadable(self, column: &'static str, value: impl ToString) -> StoreError {
        StoreError::Unreadable { id: self.id.to_owned(), column: column.to_owned(), value: value.to_string() }
    }

    pub(super) fn id(self, column: &'static str, kind: IdKind, text: &str) -> Result<Id, StoreError> {
        Id::parse(kind, text).ok_or_else(|| self.unreadable(column, text))
    }

    pub(super) fn tenant(self, name: &str) -> Result<Tenant, StoreError> {
        Tenant::parse(name).ok_or_else(|| self.unreadable("tenant", name))
    }

    pub(super) fn time(self, column: &'static str, microseconds: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(microseconds).map_err(|_| self.unreadable(column, microseconds))
    }

    pub(super) fn count(self, column: &'static str, number: i64) -> Result<u64, StoreError> {
        u64::try_from(number).map_err(|_| self.unreadable(column, number))
    }

    pub(super) fn labels(self, text: &str) -> Result<BTreeMap<String, String>, StoreError> {
        serde_json::from_str(text).map_err(|_| self.unreadable("labels", text))
    }

    /// JSON text that is sent unchanged.
    pub(super) fn document(self, column: &'static str, text: String) -> Result<String, StoreError> {
        match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => Ok(text),
            Err(error) => Err(self.unreadable(column, error)),
        }
    }

    /// Reads a value of an enum by its name.
    pub(super) fn named<T: Named>(self, column: &'static str, name: &str) -> Result<T, StoreError> {
        let found = T::ALL.iter().find(|value| value.name() == name);
        found.copied().ok_or_else(|| self.unreadable(column, name))
    }
}

/// Reads a row. Errors name the row by its column `id`.
pub(super) fn read<R, T>(row: &Row) -> Result<T, StoreError>
where
    R: Record,
    T: TryFrom<R, Error = StoreError>,
{
    R::of(row).map_err(StoreError::from).and_then(T::try_from).map_err(|error| {
        let id: Result<String, _> = row.try_get("id");
        named(error, id.as_deref().unwrap_or("a row whose id is not readable"))
    })
}

/// Returns the error with this id if it is about a damaged row.
pub(super) fn named(error: impl Into<StoreError>, id: &str) -> StoreError {
    match error.into() {
        StoreError::Unreadable { column, value, .. } => StoreError::Unreadable { id: id.to_owned(), column, value },
        error => error,
    }
}

/// Logs and counts a skipped damaged row.
pub(super) fn leave_out(table: &'static str, id: &str, column: &str) {
    counter!(metric::UNREADABLE_ROWS, "table" => table).increment(1);
    tracing::error!(table, id, column, "a damaged row of the database was skipped");
}

/// Converts a number for the database.
pub(super) fn integer(what: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::TooLarge { what, value })
}

/// Returns the name of a termination.
pub fn termination_name(termination: Termination) -> &'static str {
    termination.name()
}
