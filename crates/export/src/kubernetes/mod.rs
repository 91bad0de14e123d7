//! Objects of Kubernetes: for each stage a Deployment, a headless Service and a ConfigMap; a Secret for the token; a sink and a
//! Job that feeds. They are written as documents of YAML, which is what people keep in repositories and `kubectl` reads.

mod container;
mod objects;
mod pod;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::deployment::{Pipelines, Process, Role};
use crate::error::ExportError;
use crate::file::{Export, File};
use crate::yaml;
use objects::{
    Data, DeploymentSpec, JobSpec, Labels, Metadata, Object, SecretData, Selector, ServicePort, ServiceSpec, Spec,
    Strategy, Template,
};
use pod::PodSpec;

/// Writes the objects: the token, the pipelines, and the feeder in files of their own.
pub(crate) fn export(pipelines: &Pipelines<'_>) -> Result<Export, ExportError> {
    let mut files = Vec::new();
    if let Some(token) = &pipelines.token {
        files.push(File::private("token.yaml", yaml::document(&secret(pipelines, token))?));
    }
    let (feeders, running): (Vec<_>, Vec<_>) =
        pipelines.processes.iter().partition(|process| process.role == Role::Feed);
    let mut text = String::new();
    for process in running {
        text += &objects_of(pipelines, process)?;
    }
    files.push(File::new("pipeline.yaml", text));
    let mut text = String::new();
    for process in feeders {
        // A feeder of one pipeline reads the ConfigMap of its first stage.
        if process.entries.len() > 1 {
            text += &config(pipelines, process)?;
        }
        text += &yaml::document(&job(pipelines, process)?)?;
    }
    if !text.is_empty() {
        files.push(File::new("feed.yaml", text));
    }
    Ok(Export { files, warnings: pipelines.warnings.clone(), can_be_joined: true })
}

/// Returns the documents of a process that listens.
fn objects_of(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Result<String, ExportError> {
    // A sink reads the ConfigMap of the last stage.
    let mut text = if process.role == Role::Stage { config(pipelines, process)? } else { String::new() };
    text += &yaml::document(&object(pipelines, process, "v1", "Service", Spec { spec: service(pipelines, process) }))?;
    let spec = DeploymentSpec {
        replicas: 1,
        // Two pods of a stage would not fit into the memory of its node.
        strategy: Strategy { r#type: "Recreate" },
        selector: Selector { match_labels: selector(pipelines, process) },
        template: template(pipelines, process)?,
    };
    text += &yaml::document(&object(pipelines, process, "apps/v1", "Deployment", Spec { spec }))?;
    Ok(text)
}

/// Returns the ConfigMap with the `stages.json` of a process, if it has one.
fn config(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Result<String, ExportError> {
    let Some(stages) = stages_text(pipelines, process)? else { return Ok(String::new()) };
    let data = BTreeMap::from([("stages.json", serde_saphyr::LitString(stages))]);
    yaml::document(&object(pipelines, process, "v1", "ConfigMap", Data { data }))
}

fn service(pipelines: &Pipelines<'_>, process: &Process<'_>) -> ServiceSpec {
    let port = process.listen.as_ref().map_or(0, crate::Endpoint::port);
    ServiceSpec {
        cluster_ip: "None",
        selector: selector(pipelines, process),
        ports: vec![ServicePort { name: "pipeline", port, target_port: "pipeline" }],
    }
}

fn job(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Result<Object<Spec<JobSpec>>, ExportError> {
    // Inputs that were sent are not sent again.
    let spec = JobSpec { backoff_limit: 0, template: template(pipelines, process)? };
    Ok(object(pipelines, process, "batch/v1", "Job", Spec { spec }))
}

fn secret(pipelines: &Pipelines<'_>, token: &str) -> Object<SecretData> {
    Object {
        api_version: "v1",
        kind: "Secret",
        metadata: Metadata {
            name: Some(secret_name(pipelines)),
            namespace: pipelines.namespace.clone(),
            labels: shared_labels(pipelines),
            annotations: BTreeMap::new(),
        },
        body: SecretData { r#type: "Opaque", data: BTreeMap::from([("token", STANDARD.encode(token))]) },
    }
}

fn secret_name(pipelines: &Pipelines<'_>) -> String {
    format!("{}-token", pipelines.name)
}

fn template(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Result<Template, ExportError> {
    let config = format!("{}-{}", pipelines.name, owner_of_config(pipelines, process));
    // A pod does not read its stages.json again; another hash has Kubernetes start another pod.
    let hash = stages_text(pipelines, process)?.map(|text| {
        let hash = Sha256::digest(text.as_bytes());
        ("cutpoint/stages-sha256", hash.iter().map(|byte| format!("{byte:02x}")).collect())
    });
    let metadata = Metadata {
        name: None,
        namespace: None,
        labels: labels(pipelines, process),
        annotations: hash.into_iter().collect(),
    };
    Ok(Template { metadata, spec: PodSpec::new(pipelines, process, &config, &secret_name(pipelines)) })
}

/// Returns the name of the process whose ConfigMap a process reads.
fn owner_of_config<'a>(pipelines: &'a Pipelines<'_>, process: &'a Process<'_>) -> &'a str {
    if process.entries.len() > 1 {
        return &process.name;
    }
    let is_it = |it: &&Process<'_>| (it.role, it.pipeline, it.stage) == (Role::Stage, process.pipeline, process.stage);
    pipelines.processes.iter().find(is_it).map_or("", |stage| stage.name.as_str())
}

fn stages_text(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Result<Option<String>, ExportError> {
    pipelines.stages_file(&[process]).map(|file| file.text()).transpose()
}

fn object<B: serde::Serialize>(
    pipelines: &Pipelines<'_>,
    process: &Process<'_>,
    api_version: &'static str,
    kind: &'static str,
    body: B,
) -> Object<B> {
    let node = ("cutpoint/node-id", process.node_id.to_owned());
    let model = pipelines.model().map(|model| ("cutpoint/model", model.to_owned()));
    let metadata = Metadata {
        name: Some(pipelines.full_name(process)),
        namespace: pipelines.namespace.clone(),
        labels: labels(pipelines, process),
        annotations: model.into_iter().chain([node]).collect(),
    };
    Object { api_version, kind, metadata, body }
}

fn shared_labels(pipelines: &Pipelines<'_>) -> Labels {
    Labels::from([
        ("app.kubernetes.io/name", "cutpoint-runner".to_owned()),
        ("app.kubernetes.io/instance", pipelines.name.clone()),
        ("app.kubernetes.io/managed-by", "cutpoint".to_owned()),
    ])
}

fn labels(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Labels {
    let mut labels = shared_labels(pipelines);
    labels.insert("app.kubernetes.io/component", process.name.clone());
    labels
}

fn selector(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Labels {
    Labels::from([
        ("app.kubernetes.io/instance", pipelines.name.clone()),
        ("app.kubernetes.io/component", process.name.clone()),
    ])
}
