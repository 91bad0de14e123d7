//! Fairness: claims take tenants in turn, so that one with many jobs does not delay the others.
//!
//! A server remembers the tenant that it served last. The next claim takes the oldest job of the next tenant, by name,
//! that has a waiting one; after the last tenant comes the first. The index `jobs_by_status` finds it without reading
//! the other waiting jobs. Each server has its own turn.

use std::sync::PoisonError;

use super::Store;
use crate::domain::tenant::Tenant;

/// The id of a job: `$only`, or the oldest waiting job of the next tenant after `$turn`. `$lock` ends the selection.
macro_rules! next_in_turn {
    ($only:literal, $turn:literal, $lock:literal) => {
        concat!(
            "COALESCE(",
            $only,
            ", (SELECT id FROM jobs WHERE status = 'queued' AND tenant > ",
            $turn,
            " ORDER BY tenant, sequence LIMIT 1",
            $lock,
            "), (SELECT id FROM jobs WHERE status = 'queued' ORDER BY tenant, sequence LIMIT 1",
            $lock,
            "))"
        )
    };
}
pub(super) use next_in_turn;

impl Store {
    /// Returns the name of the tenant that this server served last, or an empty text.
    pub(super) fn last_served(&self) -> String {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records that this server serves a tenant.
    pub(super) fn serve(&self, tenant: &Tenant) {
        tenant.as_str().clone_into(&mut self.served.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
