//! What an export is asked for: the parameters of `/v1/placements/{id}/export`.

use std::collections::BTreeMap;
use std::str::FromStr;

use cutpoint_export::{Endpoint, Format, Options, StageFiles};
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use utoipa::IntoParams;

use crate::domain::named::Named;
use crate::http::problem::Problem;
use crate::http::request::query::Parameters;

/// The largest factor of a planned byte.
const MOST_SCALE: f64 = 1e6;

impl Named for Format {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        Self::name(self)
    }
}

/// The parameters of an export, for the OpenAPI document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportParameters {
    /// kubernetes (documents of YAML), nomad (a job in JSON; a zip where there are several files), compose (a zip with a folder for
    /// each node), dot, svg, or cuts (the tensors at each cut, in JSON).
    #[param(pattern = "^(kubernetes|nomad|compose|dot|svg|cuts)$")]
    pub format: String,
    /// The image of the runner; kubernetes, nomad and compose need it.
    #[param(nullable = false, min_length = 1)]
    pub image: Option<String>,
    /// The name of the pipeline in its target. By default that of the model in stages.json, and `cutpoint` without that file.
    #[param(nullable = false, min_length = 1, max_length = 256)]
    pub name: Option<String>,
    /// The namespace of the objects of Kubernetes and of the job of Nomad.
    #[param(nullable = false, min_length = 1, max_length = 256)]
    pub namespace: Option<String>,
    /// Where a node is reached, for nomad and compose, as `pi-1=10.0.0.2:7101` or `pi-1=[fe80::1]:7101`.
    #[param(nullable = false)]
    pub address: Option<Vec<String>>,
    /// The name of a node in the target, where it is not its id, as `camera=pi-1`.
    #[param(nullable = false)]
    pub node: Option<Vec<String>>,
    /// Where your own sink listens, as `10.0.0.9:7102`. Without it each pipeline has one.
    #[param(nullable = false, min_length = 1)]
    pub sink_address: Option<String>,
    /// Where the ONNX files of stages are: `image:/stage`, `host:/srv/yolo` or, with kubernetes, `claim:yolo`. By default
    /// `image:/stage`, and with compose the folder of the node.
    #[param(nullable = false, min_length = 1)]
    pub stage_files: Option<String>,
    /// The folder of each node that has the files of its stages, as `host:` of `stage_files` says too.
    #[param(nullable = false, min_length = 1)]
    pub stage_folder: Option<String>,
    /// How many inferences a feeder sends. Without it there is no feeder.
    #[param(nullable = false, minimum = 1)]
    pub feed: Option<u64>,
    /// The first port that runners listen on.
    #[param(nullable = false, minimum = 1, maximum = 65535, default = 7101)]
    pub port: Option<u64>,
    /// The first port that runners answer probes on.
    #[param(nullable = false, minimum = 1, maximum = 65535, default = 7201)]
    pub health_port: Option<u64>,
    /// The memory of a runner for each planned byte. By default 1 if the cost model of the placement has a `memory_scale` or
    /// `memory_overhead_bytes`, so that the plan counts what runners take; else 3.3.
    #[param(nullable = false, minimum = 1, maximum = 1000000)]
    pub memory_scale: Option<f64>,
    /// The memory of a runner in addition. By default 0 if the plan counts what runners take; else 134217728, 128 MiB.
    #[param(nullable = false, minimum = 0)]
    pub memory_overhead_bytes: Option<u64>,
}

/// Reads the parameters.
///
/// # Errors
/// 400 with every fault.
pub fn read_export(mut query: Parameters) -> Result<(Format, Options), Problem> {
    let format = query.one_of::<Format>("format");
    let usual = Options::default();
    let options = Options {
        image: query.text("image"),
        name: query.chosen_id("name"),
        namespace: query.chosen_id("namespace"),
        addresses: addresses(&mut query),
        node_names: node_names(&mut query),
        sink: parsed(&mut query, "sink_address", "Give a host and a port, such as 10.0.0.9:7102"),
        stage_files: stage_files(&mut query),
        feed: query.integer("feed", 1, MAX_SAFE_INTEGER),
        port: port(&mut query, "port").unwrap_or(usual.port),
        health_port: port(&mut query, "health_port").unwrap_or(usual.health_port),
        memory_scale: query.number("memory_scale", 1.0, MOST_SCALE),
        memory_overhead_bytes: query.integer("memory_overhead_bytes", 0, MAX_SAFE_INTEGER),
        token: None,
    };
    query.finish()?;
    // A format that is missing is a fault, so the default is never used.
    Ok((format.unwrap_or(Format::Svg), options))
}

fn addresses(query: &mut Parameters) -> BTreeMap<String, Endpoint> {
    let mut addresses = BTreeMap::new();
    for text in query.all("address") {
        match Endpoint::of_node(&text) {
            Ok((node, endpoint)) => {
                addresses.insert(node, endpoint);
            }
            Err(reason) => {
                let action = "Give a node, a host and a port, such as pi-1=10.0.0.2:7101 or pi-1=[fe80::1]:7101";
                query.fault("address", FaultCode::UnknownValue, format!("{text:?}: {reason}"), action);
            }
        }
    }
    addresses
}

fn node_names(query: &mut Parameters) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for text in query.all("node") {
        match text.rsplit_once('=').filter(|(node, name)| !node.is_empty() && !name.is_empty()) {
            Some((node, name)) => {
                names.insert(node.to_owned(), name.to_owned());
            }
            None => {
                let action = "Give the id of a node and its name in the target, such as camera=pi-1";
                query.fault("node", FaultCode::UnknownValue, format!("{text:?} names no node"), action);
            }
        }
    }
    names
}

fn stage_files(query: &mut Parameters) -> Option<StageFiles> {
    let files = parsed(query, "stage_files", "Give image:/stage, host:/srv/yolo or claim:yolo");
    let folder = query.text("stage_folder").map(StageFiles::Host);
    if files.is_some() && folder.is_some() {
        let detail = "stage_folder does not go with stage_files";
        query.fault("stage_folder", FaultCode::Conflict, detail, "Remove one of the two");
    }
    files.or(folder)
}

fn port(query: &mut Parameters, name: &'static str) -> Option<u16> {
    query.integer(name, 1, u64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok())
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(query: &mut Parameters, name: &'static str, action: &str) -> Option<T> {
    let text = query.text(name)?;
    text.parse()
        .map_err(|reason| query.fault(name, FaultCode::UnknownValue, format!("{text:?}: {reason}"), action))
        .ok()
}
