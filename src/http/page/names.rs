//! Names of models and clusters that lists refer to by their ids, each asked for once.

use std::collections::BTreeMap;

use super::visitor::{Visitor, id_of};
use crate::domain::id::IdKind;
use crate::http::problem::Problem;
use crate::http::request::stored::found;

/// Names by ids.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// Learns the name of a model of the visitor's tenant.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn model(&mut self, visitor: &Visitor, id: &str) -> Result<(), Problem> {
        if !self.0.contains_key(id)
            && let Ok(key) = id_of(IdKind::Model, id)
            && let Some(model) = found(visitor.api.store.model(&visitor.tenant(), &key).await)?
        {
            self.0.insert(id.to_owned(), model.name);
        }
        Ok(())
    }

    /// Learns the name of a cluster of the visitor's tenant.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn cluster(&mut self, visitor: &Visitor, id: &str) -> Result<(), Problem> {
        if !self.0.contains_key(id)
            && let Ok(key) = id_of(IdKind::Cluster, id)
            && let Some(cluster) = found(visitor.api.store.cluster(&visitor.tenant(), &key, None).await)?
        {
            self.0.insert(id.to_owned(), cluster.name);
        }
        Ok(())
    }

    /// Returns the name, or the id where the resource is gone.
    pub(super) fn of<'n>(&'n self, id: &'n str) -> &'n str {
        self.0.get(id).map_or(id, String::as_str)
    }
}
