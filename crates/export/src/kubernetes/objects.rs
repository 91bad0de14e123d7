//! The objects of Kubernetes that an export consists of, with the members that it sets.

use std::collections::BTreeMap;

use serde::Serialize;

pub(super) type Labels = BTreeMap<&'static str, String>;

/// An object at the top of a document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object<B: Serialize> {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) metadata: Metadata,
    #[serde(flatten)]
    pub(super) body: B,
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) labels: Labels,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<&'static str, String>,
}

/// The body of most objects.
#[derive(Debug, Serialize)]
pub(super) struct Spec<S: Serialize> {
    pub(super) spec: S,
}

/// The body of a ConfigMap.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    pub(super) data: BTreeMap<&'static str, serde_saphyr::LitString>,
}

/// The body of a Secret, in Base64: podman does not read `stringData`.
#[derive(Debug, Serialize)]
pub(super) struct SecretData {
    pub(super) r#type: &'static str,
    pub(super) data: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceSpec {
    #[serde(rename = "clusterIP")]
    pub(super) cluster_ip: &'static str,
    pub(super) selector: Labels,
    pub(super) ports: Vec<ServicePort>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServicePort {
    pub(super) name: &'static str,
    pub(super) port: u16,
    pub(super) target_port: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct DeploymentSpec {
    pub(super) replicas: u32,
    pub(super) strategy: Strategy,
    pub(super) selector: Selector,
    pub(super) template: Template,
}

#[derive(Debug, Serialize)]
pub(super) struct Strategy {
    pub(super) r#type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selector {
    pub(super) match_labels: Labels,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobSpec {
    pub(super) backoff_limit: u32,
    pub(super) template: Template,
}

#[derive(Debug, Serialize)]
pub(super) struct Template {
    pub(super) metadata: Metadata,
    pub(super) spec: super::pod::PodSpec,
}
