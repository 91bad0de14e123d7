//! What an export is asked for.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde_json::Value;

use crate::endpoint::Endpoint;

/// The documents that an export reads.
#[derive(Debug, Clone, Copy)]
pub struct Documents<'a> {
    /// A placement as `cutpoint plan --output json` prints it or as the service answers it.
    pub placement: &'a Value,
    /// The `stages.json` of `cutpoint cut` for this placement. Without it the runners read the one that is beside the files of
    /// stages.
    pub stages: Option<&'a Value>,
    /// The cluster: its nodes' `addresses`, and their memory where the placement does not say it.
    pub cluster: Option<&'a Value>,
}

/// A target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Objects of Kubernetes, as documents of YAML.
    Kubernetes,
    /// A job of Nomad, as JSON.
    Nomad,
    /// A folder for each node, with a file of Compose.
    Compose,
    /// A graph for Graphviz.
    Dot,
    /// A drawing.
    Svg,
    /// The names of the tensors at each cut, as JSON.
    Cuts,
}

impl Format {
    /// All formats, in the order of their documentation.
    pub const ALL: [Self; 6] = [Self::Kubernetes, Self::Nomad, Self::Compose, Self::Dot, Self::Svg, Self::Cuts];

    /// The name in commands and requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Nomad => "nomad",
            Self::Compose => "compose",
            Self::Dot => "dot",
            Self::Svg => "svg",
            Self::Cuts => "cuts",
        }
    }

    /// Returns the format with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl Display for Format {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where containers have the ONNX files from. They see them at `/stage`, or in the folder of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageFiles {
    /// A folder of the image.
    Image(String),
    /// A folder of each node.
    Host(String),
    /// A claim to a persistent volume, of Kubernetes.
    Claim(String),
}

impl FromStr for StageFiles {
    type Err = String;

    /// Reads `image:DIR`, `host:DIR` or `claim:NAME`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, place) = text.split_once(':').unwrap_or((text, ""));
        let is_absolute = place.starts_with('/');
        match kind {
            _ if place.contains(char::is_control) => Err("it holds control characters".to_owned()),
            "image" if is_absolute => Ok(Self::Image(place.to_owned())),
            "host" if is_absolute || place == "." => Ok(Self::Host(place.to_owned())),
            "claim" if !place.is_empty() => Ok(Self::Claim(place.to_owned())),
            _ => Err("it is written as image:/stage, host:/var/lib/cutpoint or claim:stages".to_owned()),
        }
    }
}

/// The options. Those that a format does not need are ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The image of the runner; orchestrators need it.
    pub image: Option<String>,
    /// The name of the pipeline in its target. If absent, it is made of the model's name in `stages.json`, and is `cutpoint`
    /// without that file.
    pub name: Option<String>,
    /// The namespace of the objects; that of whoever applies them if absent.
    pub namespace: Option<String>,
    /// The first port that runners listen on.
    pub port: u16,
    /// The first port that runners answer probes on.
    pub health_port: u16,
    /// Where the ONNX files are: if absent, `/stage` of the image, and with Compose the folder of the node.
    pub stage_files: Option<StageFiles>,
    /// The memory of a runner for each planned byte, at least 1. If absent, 1 where the plan counts what runners take, and
    /// else 3.3.
    pub memory_scale: Option<f64>,
    /// The memory of a runner in addition, bytes. If absent, 0 where the plan counts what runners take, and else 128 MiB.
    pub memory_overhead_bytes: Option<u64>,
    /// Where nodes are reached, and on which first port, by their ids. For targets without a network of their own.
    pub addresses: BTreeMap<String, Endpoint>,
    /// The names of nodes in the target, by their ids; their ids if absent.
    pub node_names: BTreeMap<String, String>,
    /// Where a sink listens that is not part of the export. If absent, each pipeline has one.
    pub sink: Option<Endpoint>,
    /// How many inferences a feeder sends; there is none if absent.
    pub feed: Option<u64>,
    /// The token, where it is not in `stages.json`.
    pub token: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            image: None,
            name: None,
            namespace: None,
            port: 7101,
            health_port: 7201,
            stage_files: None,
            memory_scale: None,
            memory_overhead_bytes: None,
            addresses: BTreeMap::new(),
            node_names: BTreeMap::new(),
            sink: None,
            feed: None,
            token: None,
        }
    }
}
