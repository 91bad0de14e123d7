//! Flags of `cutpoint export`.

use std::path::PathBuf;

use clap::Args;
use cutpoint_export::{Endpoint, Format, Headroom, Options, StageFiles};

use crate::cli::{count, finite};

const AFTER_LONG_HELP: &str = "\
Formats:
  kubernetes  pipeline.yaml with a Deployment, a headless Service and a ConfigMap for each stage; token.yaml with a Secret
  nomad       job.json for the API, and token.json, a variable with the token
  compose     a folder for each node, with compose.yaml, stages.json and token
  svg, dot    a drawing: for pages that are light or dark, or for Graphviz
  cuts        JSON with the names of the tensors at each cut

The first three start cutpoint-runner from --image. With --stages each runner gets its own part of what cutpoint cut wrote, with the \
addresses of its neighbours filled in. Without it, the runners read the stages.json that is beside their ONNX files. \
docs/deploy.md goes from a placement to a running pipeline with each of them.

Runners get --memory-scale times the planned memory and --memory-overhead-bytes. If you planned with what you measured, give \
--memory-scale 1 --memory-overhead-bytes 0. Sinks and feeders, which no plan counts, get 3.3 times their tensors and 128 MiB at \
the least.

The output depends on the given files and flags alone. The token is that of stages.json or of --token-file. Files that an earlier \
export to the folder left behind are named, and removed with --prune.

Exit codes:
  0  exported; with --diff: nothing differs
  1  a failure that the caller did not cause; with --diff: something differs
  2  some input cannot be used; with --diff also: something cannot be read

Examples:
  cutpoint export --placement placement.json --format svg --output pipeline.svg
      Draw a placement into a file. With the name of a folder, the file is pipeline.svg in it.
  cutpoint export --placement placement.json --stages out/stages.json --format kubernetes \\
      --image registry.local/yolo-stages:1 --output deploy
      Write the objects of a pipeline whose image has the files of out in /stage. Then: kubectl apply -f deploy
  cutpoint export --placement placement.json --stages out/stages.json --format kubernetes \\
      --image registry.local/yolo-stages:2 --diff deploy
      Show what would change.
  cutpoint export --placement placement.json --stages out/stages.json --format compose --image cutpoint-runner:1 \\
      --address pi-1=10.0.0.2:7101 --address pi-2=10.0.0.3:7101 --output deploy
      Write a folder for each node. Copy each node's ONNX file into its folder, and the folder to the node.
  cutpoint plan --model m.json --cluster c.json --output json | cutpoint export --placement - --format dot --output - | dot -Tpng
      Draw a plan with Graphviz.";

/// Writes a placement as files of an orchestrator, or draws it.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct ExportArguments {
    /// The placement: what `cutpoint plan --output json` prints, or one of the service; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) placement: PathBuf,
    /// What to write: kubernetes, nomad, compose, dot, svg or cuts.
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub(super) format: Format,
    /// Folder to write, made if it is not there; for dot, svg and cuts also a file; - is standard output.
    #[arg(long, short, value_name = "DIR", required_unless_present = "diff", conflicts_with = "diff")]
    pub(super) output: Option<PathBuf>,
    /// Write nothing, and show how the export differs from the one in this folder.
    #[arg(long, value_name = "DIR")]
    pub(super) diff: Option<PathBuf>,
    /// Remove files that an earlier export wrote to the folder and this one does not have.
    #[arg(long, conflicts_with = "diff")]
    pub(super) prune: bool,
    /// The stages.json that `cutpoint cut` wrote for the placement.
    #[arg(long, value_name = "FILE")]
    pub(super) stages: Option<PathBuf>,
    /// The cluster: addresses of nodes, and their memory where the placement does not say it.
    #[arg(long, value_name = "FILE")]
    pub(super) cluster: Option<PathBuf>,
    #[command(flatten)]
    containers: ContainerFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Containers (kubernetes, nomad, compose)")]
struct ContainerFlags {
    /// Image of the runner, required for kubernetes, nomad and compose.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Name of the pipeline: at most 40 small letters, digits and -. If absent, made of the model's name in --stages, or cutpoint without them.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Namespace of the objects or of the job.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Where the ONNX files are: image:DIR, host:DIR of each node, or claim:NAME of a volume of Kubernetes [default: image:/stage; with
    /// compose host:., the node's own folder].
    #[arg(long, value_name = "KIND:WHERE", value_parser = str::parse::<StageFiles>)]
    stage_files: Option<StageFiles>,
    /// Where a node is reached, and the first port of its runners; for nomad and compose. May be given several times.
    #[arg(long = "address", value_name = "NODE=HOST:PORT", value_parser = Endpoint::of_node)]
    addresses: Vec<(String, Endpoint)>,
    /// Name of a node in the target, where it is not its id; may be given several times.
    #[arg(long = "node", value_name = "NODE=NAME", value_parser = renamed)]
    nodes: Vec<(String, String)>,
    /// Where your own sink listens. Without it, the export has one for each pipeline, on the planned sink or the last node.
    #[arg(long, value_name = "HOST:PORT", value_parser = |text: &str| text.parse::<Endpoint>())]
    sink_address: Option<Endpoint>,
    /// Also write what feeds so many inputs that are drawn at random, to try the pipeline.
    #[arg(long, value_name = "COUNT", value_parser = crate::cli::whole(1..=1 << 40), allow_negative_numbers = true)]
    feed: Option<u64>,
    /// File with the token, where stages.json has none.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// First port that runners listen on.
    #[arg(long, value_name = "PORT", default_value_t = Options::default().port, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    port: u16,
    /// First port that runners answer probes on.
    #[arg(long, value_name = "PORT", default_value_t = Options::default().health_port, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    health_port: u16,
    /// Memory of a runner for each planned byte, at least 1.
    #[arg(long, value_name = "FACTOR", default_value_t = Headroom::default().scale, value_parser = at_least_1, allow_negative_numbers = true)]
    memory_scale: f64,
    /// Memory of a runner in addition.
    #[arg(long, value_name = "BYTES", default_value_t = Headroom::default().overhead_bytes, value_parser = count, allow_negative_numbers = true)]
    memory_overhead_bytes: u64,
}

impl ExportArguments {
    /// Returns the file with the token.
    pub(super) fn token_file(&self) -> Option<&PathBuf> {
        self.containers.token_file.as_ref()
    }

    /// Returns the options that the flags stand for.
    pub(super) fn options(&self, token: Option<String>) -> Options {
        let flags = &self.containers;
        Options {
            image: flags.image.clone(),
            name: flags.name.clone(),
            namespace: flags.namespace.clone(),
            port: flags.port,
            health_port: flags.health_port,
            stage_files: flags.stage_files.clone(),
            memory_scale: Some(flags.memory_scale),
            memory_overhead_bytes: Some(flags.memory_overhead_bytes),
            addresses: flags.addresses.iter().cloned().collect(),
            node_names: flags.nodes.iter().cloned().collect(),
            sink: flags.sink_address.clone(),
            feed: flags.feed,
            token,
        }
    }
}

fn format(text: &str) -> Result<Format, String> {
    let names = || Format::ALL.map(Format::name).join(", ");
    Format::named(text).ok_or_else(|| format!("it is none of {}", names()))
}

fn renamed(text: &str) -> Result<(String, String), String> {
    let pair = text.rsplit_once('=').filter(|(node, name)| !node.is_empty() && !name.is_empty());
    let (node, name) = pair.ok_or("the name of a node is written as camera=pi-1")?;
    Ok((node.to_owned(), name.to_owned()))
}

fn at_least_1(text: &str) -> Result<f64, String> {
    let factor = finite(text)?;
    if (1.0..=1e6).contains(&factor) { Ok(factor) } else { Err("it must be from 1 to 1000000".to_owned()) }
}
