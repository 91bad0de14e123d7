//! The members of a file of Compose that an export sets.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Project {
    pub(super) services: BTreeMap<String, Service>,
}

#[derive(Debug, Serialize)]
pub(super) struct Service {
    pub(super) image: String,
    pub(super) command: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) environment: BTreeMap<&'static str, String>,
    pub(super) network_mode: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) volumes: Vec<Volume>,
    pub(super) restart: &'static str,
    pub(super) stop_grace_period: &'static str,
    /// Bytes.
    pub(super) mem_limit: u64,
    pub(super) user: &'static str,
    pub(super) read_only: bool,
    pub(super) cap_drop: [&'static str; 1],
    pub(super) security_opt: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) healthcheck: Option<HealthCheck>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) profiles: Vec<&'static str>,
    pub(super) labels: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Volume {
    pub(super) r#type: &'static str,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) read_only: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct HealthCheck {
    pub(super) test: [&'static str; 3],
    pub(super) interval: &'static str,
    pub(super) timeout: &'static str,
    pub(super) start_period: &'static str,
    pub(super) retries: u32,
}
