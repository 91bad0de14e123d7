//! The service's own types, which the planner does not know: ids, tenants, keys, scopes and webhooks.

pub mod deployment;
pub mod figures;
pub mod id;
pub mod key;
pub mod named;
pub mod removed_nodes;
pub mod scope;
pub mod session;
pub mod tenant;
pub mod webhook;
