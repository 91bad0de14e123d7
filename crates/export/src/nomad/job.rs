//! What Nomad's API takes as a job, with the members that an export sets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The body of `POST /v1/jobs`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(rename = "Job")]
    pub(super) job: Job,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Job {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) r#type: String,
    pub(super) datacenters: Vec<String>,
    pub(super) task_groups: Vec<TaskGroup>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TaskGroup {
    pub(super) name: String,
    pub(super) count: u32,
    pub(super) constraints: Vec<Constraint>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) networks: Vec<Network>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) services: Vec<Service>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restart_policy: Option<RestartPolicy>,
    pub(super) tasks: Vec<Task>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Constraint {
    #[serde(rename = "LTarget")]
    pub(super) left: String,
    #[serde(rename = "RTarget")]
    pub(super) right: String,
    #[serde(rename = "Operand")]
    pub(super) operand: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Network {
    pub(super) mode: String,
    pub(super) reserved_ports: Vec<Port>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Port {
    pub(super) label: String,
    pub(super) value: u16,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) port_label: String,
    pub(super) provider: String,
    pub(super) checks: Vec<Check>,
}

/// Durations are in nanoseconds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Check {
    pub(super) r#type: String,
    pub(super) path: String,
    pub(super) port_label: String,
    pub(super) interval: u64,
    pub(super) timeout: u64,
}

/// Durations are in nanoseconds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RestartPolicy {
    pub(super) attempts: u32,
    pub(super) interval: u64,
    pub(super) delay: u64,
    pub(super) mode: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) config: Docker,
    /// Nanoseconds.
    pub(super) kill_timeout: u64,
    pub(super) resources: Resources,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) templates: Vec<Template>,
}

/// The settings of the driver for Docker, which are named as in its documentation.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Docker {
    pub(super) image: String,
    pub(super) args: Vec<String>,
    pub(super) network_mode: String,
    pub(super) readonly_rootfs: bool,
    pub(super) cap_drop: Vec<String>,
    pub(super) security_opt: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) mount: Vec<Mount>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mount {
    pub(super) r#type: String,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) readonly: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resources {
    #[serde(rename = "MemoryMB")]
    pub(super) memory_mb: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Template {
    pub(super) embedded_tmpl: String,
    pub(super) dest_path: String,
    pub(super) change_mode: String,
    pub(super) perms: String,
}

/// What `nomad var put -in=json` takes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Variable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) path: String,
    pub(super) items: BTreeMap<String, String>,
}
