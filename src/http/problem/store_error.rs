//! Converts errors of the store to problems.

use crate::http::problem::{Problem, ProblemType};
use crate::store::StoreError;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem_type = match &error {
            StoreError::NotFound { .. } => ProblemType::NotFound,
            StoreError::InUse { .. }
            | StoreError::NotFinished { .. }
            | StoreError::DeploymentChanged { .. }
            | StoreError::TooManyWebhooks { .. }
            | StoreError::WebhookDisabled { .. } => ProblemType::Conflict,
            StoreError::RevisionChanged { .. } => ProblemType::PreconditionFailed,
            StoreError::KeyReused { .. } => ProblemType::IdempotencyKeyReused,
            StoreError::QuotaUsed { .. } => ProblemType::TooManyRequests,
            StoreError::QueueFull { .. } | StoreError::Closed | StoreError::Unavailable(_) => ProblemType::Unavailable,
            StoreError::NoSpace(_) => ProblemType::StorageFull,
            StoreError::Unreadable { id, column, .. } => {
                tracing::error!(%error, "a row of the database is damaged");
                // The value is not sent, since it may contain a secret.
                return Self::new(ProblemType::Damaged, format!("column {column} of {id} cannot be read"));
            }
            _ => return Self::internal(error),
        };
        Self::new(problem_type, error.to_string())
    }
}
