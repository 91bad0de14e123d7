//! What the service knows beside models, clusters and placements: ids, tenants, keys, webhooks.

pub mod figures;
pub mod id;
pub mod key;
pub mod named;
pub mod scope;
pub mod tenant;
pub mod webhook;
