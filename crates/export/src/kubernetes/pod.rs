//! The pod of a process.

use serde::Serialize;

use super::container::{Container, VolumeMount};
use crate::deployment::{FOLDER, Pipelines, Process, Role, STAGES, TOKEN};
use crate::escape::for_kubernetes;
use crate::options::StageFiles;

/// The user of the runner's image.
const USER: u32 = 10001;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    affinity: Affinity,
    automount_service_account_token: bool,
    enable_service_links: bool,
    restart_policy: &'static str,
    security_context: PodSecurity,
    /// More than the runner takes to finish what it holds.
    termination_grace_period_seconds: u32,
    containers: Vec<Container>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<Volume>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Affinity {
    node_affinity: NodeAffinity,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeAffinity {
    required_during_scheduling_ignored_during_execution: NodeSelector,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeSelector {
    node_selector_terms: Vec<Term>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Serialize)]
struct Expression {
    key: &'static str,
    operator: &'static str,
    values: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PodSecurity {
    run_as_non_root: bool,
    run_as_user: u32,
    run_as_group: u32,
    fs_group: u32,
    seccomp_profile: Seccomp,
}

#[derive(Debug, Serialize)]
struct Seccomp {
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    name: &'static str,
    #[serde(flatten)]
    source: VolumeSource,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum VolumeSource {
    ConfigMap {
        name: String,
        /// `false`; podman 4 crashes where it is absent.
        optional: bool,
    },
    #[serde(rename_all = "camelCase")]
    Secret {
        secret_name: String,
        default_mode: u32,
        /// As of a ConfigMap.
        optional: bool,
    },
    HostPath {
        path: String,
        r#type: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    PersistentVolumeClaim {
        claim_name: String,
        read_only: bool,
    },
}

impl PodSpec {
    /// Returns the pod of a process. `config` is the name of the ConfigMap with its `stages.json`, `secret` that of the Secret.
    pub(super) fn new(pipelines: &Pipelines<'_>, process: &Process<'_>, config: &str, secret: &str) -> Self {
        let (volumes, mounts): (Vec<_>, Vec<_>) = volumes(pipelines, process, config, secret).into_iter().unzip();
        let expression =
            Expression { key: "kubernetes.io/hostname", operator: "In", values: vec![process.node_name.to_owned()] };
        let terms = vec![Term { match_expressions: vec![expression] }];
        Self {
            affinity: Affinity {
                node_affinity: NodeAffinity {
                    required_during_scheduling_ignored_during_execution: NodeSelector { node_selector_terms: terms },
                },
            },
            automount_service_account_token: false,
            enable_service_links: false,
            restart_policy: if process.role == Role::Feed { "Never" } else { "Always" },
            security_context: PodSecurity {
                run_as_non_root: true,
                run_as_user: USER,
                run_as_group: USER,
                fs_group: USER,
                seccomp_profile: Seccomp { r#type: "RuntimeDefault" },
            },
            termination_grace_period_seconds: 15,
            containers: vec![Container::new(pipelines, process, mounts)],
            volumes,
        }
    }
}

fn volumes(pipelines: &Pipelines<'_>, process: &Process<'_>, config: &str, secret: &str) -> Vec<(Volume, VolumeMount)> {
    let mut volumes = Vec::new();
    let mut add = |name, source, path: String| {
        volumes.push((Volume { name, source }, VolumeMount { name, mount_path: path, read_only: true }));
    };
    // A file is mounted by its folder, so that a change of the ConfigMap arrives.
    if !process.entries.is_empty() {
        add("stages", VolumeSource::ConfigMap { name: config.to_owned(), optional: false }, folder_of(STAGES));
    }
    if pipelines.token.is_some() {
        let source = VolumeSource::Secret { secret_name: secret.to_owned(), default_mode: 0o440, optional: false };
        add("token", source, folder_of(TOKEN));
    }
    match &pipelines.stage_files {
        StageFiles::Image(_) => {}
        StageFiles::Host(path) => {
            add("files", VolumeSource::HostPath { path: path.clone(), r#type: "Directory" }, FOLDER.to_owned());
        }
        StageFiles::Claim(name) => {
            let source = VolumeSource::PersistentVolumeClaim { claim_name: name.clone(), read_only: true };
            add("files", source, FOLDER.to_owned());
        }
    }
    volumes
}

fn folder_of(file: &str) -> String {
    file.rsplit_once('/').map_or(file, |(folder, _)| folder).to_owned()
}

/// Returns the folder in which a container sees the files of stages.
pub(super) fn files_folder(pipelines: &Pipelines<'_>) -> String {
    match &pipelines.stage_files {
        StageFiles::Image(folder) => for_kubernetes(folder),
        _ => FOLDER.to_owned(),
    }
}
