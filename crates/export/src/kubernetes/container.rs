//! The container of a process.

use serde::Serialize;

use super::pod::files_folder;
use crate::deployment::{Paths, Pipelines, Process, STAGES, TOKEN};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    name: &'static str,
    image: String,
    args: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<Variable>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<Port>,
    resources: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    readiness_probe: Option<Probe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    liveness_probe: Option<Probe>,
    security_context: Security,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volume_mounts: Vec<VolumeMount>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_from: Option<VariableSource>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VariableSource {
    field_ref: FieldRef,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldRef {
    field_path: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    name: &'static str,
    container_port: u16,
}

#[derive(Debug, Serialize)]
struct Resources {
    requests: Memory,
    limits: Memory,
}

#[derive(Debug, Clone, Serialize)]
struct Memory {
    memory: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    http_get: HttpGet,
    period_seconds: u32,
    timeout_seconds: u32,
    failure_threshold: u32,
}

#[derive(Debug, Serialize)]
struct HttpGet {
    path: &'static str,
    port: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Security {
    allow_privilege_escalation: bool,
    read_only_root_filesystem: bool,
    capabilities: Capabilities,
}

#[derive(Debug, Serialize)]
struct Capabilities {
    drop: [&'static str; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VolumeMount {
    pub(super) name: &'static str,
    pub(super) mount_path: String,
    pub(super) read_only: bool,
}

impl Container {
    pub(super) fn new(pipelines: &Pipelines<'_>, process: &Process<'_>, volume_mounts: Vec<VolumeMount>) -> Self {
        let folder = files_folder(pipelines);
        let memory = Memory { memory: format!("{}Mi", process.memory_bytes >> 20) };
        let listens = process.listen.as_ref().map(|listen| (listen.port(), process.health_port));
        Self {
            name: "runner",
            image: pipelines.image.to_owned(),
            args: pipelines.arguments(process, &Paths { folder: &folder, stages: STAGES, token: TOKEN }),
            env: listens.map(|(port, health_port)| addresses(port, health_port)).unwrap_or_default(),
            ports: listens.map(|(port, health_port)| ports(port, health_port)).unwrap_or_default(),
            resources: Resources { requests: memory.clone(), limits: memory },
            readiness_probe: listens.map(|_| probe("/readyz")),
            liveness_probe: listens.map(|_| probe("/healthz")),
            security_context: Security {
                allow_privilege_escalation: false,
                read_only_root_filesystem: true,
                capabilities: Capabilities { drop: ["ALL"] },
            },
            volume_mounts,
        }
    }
}

/// Variables that make the runner listen at the address of its pod alone: the plan's address is that of the service.
fn addresses(port: u16, health_port: u16) -> Vec<Variable> {
    let pod_ip = VariableSource { field_ref: FieldRef { field_path: "status.podIP" } };
    let variable = |name, value| Variable { name, value: Some(value), value_from: None };
    vec![
        Variable { name: "POD_IP", value: None, value_from: Some(pod_ip) },
        variable("CUTPOINT_RUNNER_LISTEN", format!("$(POD_IP):{port}")),
        variable("CUTPOINT_RUNNER_HEALTH", format!("$(POD_IP):{health_port}")),
    ]
}

fn ports(port: u16, health_port: u16) -> Vec<Port> {
    vec![Port { name: "pipeline", container_port: port }, Port { name: "health", container_port: health_port }]
}

/// A probe that has patience with a board that computes on all of its cores.
fn probe(path: &'static str) -> Probe {
    let http_get = HttpGet { path, port: "health" };
    Probe { http_get, period_seconds: 10, timeout_seconds: 5, failure_threshold: 6 }
}
