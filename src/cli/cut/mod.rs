//! `cutpoint cut`: writes one ONNX file for each stage of a placement, and `stages.json`.

mod placement;
mod stages;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use cutpoint_export::Endpoint;
use cutpoint_onnx::cut::{Cut, CutError, PlannedStage, Settings, cut_file};
use cutpoint_onnx::{Error, Options};
use indicatif::{ProgressBar, ProgressStyle};

use super::complain;
use super::exit::Exit;
use super::onnx_flags::OnnxFlags;
use placement::Placement;
use stages::{Addresses, Stages};

/// The file that says what each stage runs.
const STAGES: &str = "stages.json";

/// Cuts an ONNX file into one file for each stage of a placement.
#[derive(Debug, Args)]
#[command(after_long_help = "\
The output folder gets stage-0.onnx, stage-1.onnx, … and stages.json, which cutpoint-runner reads: for each stage its \
node, its file, the tensors that arrive and leave, its neighbours and the planned times. Running the stages in turn gives \
what the whole model gives. docs/cut.md describes the files.

Give the same --dim, --input and --value as to cutpoint profile: the placement must list the layers and sizes that the \
model has with them.

Weights of more than --most-inline-bytes go into weights.bin, which all stages point into; each node needs its own \
stage's file and weights.bin. With --copy-weights each stage has its own weights, and a node needs no others.

Examples:
  cutpoint profile yolov8n.onnx --input images=1x3x640x640 --output yolov8n.json
  cutpoint plan --model yolov8n.json --cluster cluster.json --output json > placement.json
  cutpoint cut yolov8n.onnx --input images=1x3x640x640 --placement placement.json --output out
      Profile, plan and cut a model.
  cutpoint cut llm.onnx --dim batch=1 --dim sequence=128 --placement placement.json --output out --copy-weights
      Give each stage a file with its own weights.
  cutpoint cut small.onnx --placement placement.json --output out --address pi-1=10.0.0.2:7101 \\
      --address pi-2=10.0.0.3:7101 --sink-address 10.0.0.9:7102
      Write the addresses that the stages listen at into stages.json.")]
pub struct CutArguments {
    /// The ONNX file.
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    /// The placement: what `cutpoint plan --output json` prints, or one of the service; - is standard input.
    #[arg(long, value_name = "FILE")]
    placement: PathBuf,
    /// Folder to write; made if it is not there.
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    onnx: OnnxFlags,
    /// Name of the model in stages.json; that of the graph if absent.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Give each stage weights of its own, however large they are.
    #[arg(long)]
    copy_weights: bool,
    /// Bytes of weights that are put into the files of stages; more go into files beside them.
    #[arg(long, value_name = "BYTES", default_value_t = Settings::default().most_inline_bytes, value_parser = super::count, allow_negative_numbers = true)]
    most_inline_bytes: u64,
    /// Where the stage on a node listens; may be given several times.
    #[arg(long = "address", value_name = "NODE=HOST:PORT", value_parser = node_address)]
    addresses: Vec<(String, String)>,
    /// Where the sink listens; the --address of its node if absent.
    #[arg(long, value_name = "HOST:PORT", value_parser = plain_address)]
    sink_address: Option<String>,
    /// Where the source listens for the answers of the sink.
    #[arg(long, value_name = "HOST:PORT", value_parser = plain_address)]
    feedback: Option<String>,
    /// Whether stages compute while they send and receive, as in the cost model of the plan.
    #[arg(long, value_parser = ["full", "none"], default_value = "full")]
    overlap: String,
}

pub(super) fn run(arguments: &CutArguments) -> Exit {
    let placement = match Placement::read(&arguments.placement) {
        Ok(placement) => placement,
        Err(error) => {
            complain(&error);
            return Exit::BadInput;
        }
    };
    if let Some(node) = unknown_node(arguments, &placement) {
        eprintln!(
            "cutpoint: --address {node}=…: the placement does not use a node {node:?}. Give the id of one of its nodes"
        );
        return Exit::BadInput;
    }
    let cut = match cut(arguments, &placement) {
        Ok(cut) => cut,
        Err(error) => {
            eprintln!("cutpoint: {}: {error}{}", arguments.model.display(), flags_for(&error));
            return exit_of(&error);
        }
    };
    match write_stages(arguments, &placement, &cut) {
        Ok(()) => {
            eprint!("{}", summary(arguments, &placement, &cut));
            Exit::Success
        }
        Err(error) => complain(&error),
    }
}

/// Returns which flags do what an error asks for.
fn flags_for(error: &CutError) -> &'static str {
    match error {
        CutError::OtherModel(_) => ": the same --dim, --input and --value as to cutpoint profile",
        CutError::Model(Error::UnsetDimensions { .. }) => {
            ". Use --dim NAME=N for a dimension and --input NAME=NxNxN for a shape"
        }
        CutError::Unsized { .. } | CutError::Model(Error::Unsized { .. }) => ". Use --input NAME=NxNxN for a shape",
        CutError::Model(Error::Unsupported { operator, .. }) if operator == "If" => ". Use --value NAME=N for a value",
        _ => "",
    }
}

fn exit_of(error: &CutError) -> Exit {
    match error {
        CutError::Model(Error::Read(_)) | CutError::Read { .. } | CutError::Write { .. } => Exit::Failure,
        _ => Exit::BadInput,
    }
}

fn cut(arguments: &CutArguments, placement: &Placement) -> Result<Cut, CutError> {
    let options = Options { name: arguments.name.clone(), ..arguments.onnx.options() };
    let settings = Settings { copy_weights: arguments.copy_weights, most_inline_bytes: arguments.most_inline_bytes };
    let planned = |stages: &&[placement::Stage]| stages.iter().map(placement::Stage::planned).collect();
    let pipelines: Vec<Vec<PlannedStage>> = placement.pipelines().iter().map(planned).collect();
    let bar = progress_bar();
    let cut = cut_file(&arguments.model, &options, &pipelines, settings, &arguments.output, &mut |written| {
        bar.set_position(written);
    });
    bar.finish_and_clear();
    cut
}

/// Returns a progress bar on standard error. It stays hidden if standard error is not a terminal.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    match ProgressStyle::with_template("{spinner} {bytes} written {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Returns a node with an address that is neither that of a stage nor that of the sink.
fn unknown_node<'a>(arguments: &'a CutArguments, placement: &Placement) -> Option<&'a str> {
    let pipelines = placement.pipelines();
    let stages = || pipelines.iter().copied().flatten();
    let sinks = || stages().filter_map(|stage| stage.send.as_ref()?.to.as_deref());
    let is_known = |node: &str| stages().any(|stage| stage.node_id == node) || sinks().any(|sink| sink == node);
    arguments.addresses.iter().map(|(node, _)| node.as_str()).find(|node| !is_known(node))
}

fn write_stages(arguments: &CutArguments, placement: &Placement, cut: &Cut) -> anyhow::Result<()> {
    let nodes: BTreeMap<&str, &str> =
        arguments.addresses.iter().map(|(node, address)| (node.as_str(), address.as_str())).collect();
    let addresses =
        Addresses { nodes: &nodes, sink: arguments.sink_address.as_deref(), feedback: arguments.feedback.as_deref() };
    let token = token()?;
    let pipelines = placement.pipelines();
    let stages = Stages::new(cut, &pipelines, &placement.rates_per_s(), addresses, &token, &arguments.overlap);
    let file = arguments.output.join(STAGES);
    let mut text = serde_json::to_vec_pretty(&stages)?;
    text.push(b'\n');
    std::fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// Returns a token that keeps strangers out of the pipeline: 128 random bits in hexadecimal digits.
fn token() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Returns what the cut wrote, for a person.
fn summary(arguments: &CutArguments, placement: &Placement, cut: &Cut) -> String {
    let mut lines = Vec::new();
    for (stages, placed) in cut.pipelines.iter().zip(placement.pipelines()) {
        for (stage, place) in stages.iter().zip(placed) {
            let weights = stage.weights_file.as_deref().map_or(String::new(), |file| format!(" and {file}"));
            let sent: u64 = stage.outputs.iter().map(|tensor| tensor.bytes).sum();
            lines.push(format!(
                "  {}{weights} for {}: {} nodes, {} bytes; sends {} tensors, {sent} bytes",
                stage.file,
                place.node_id,
                stage.nodes,
                stage.file_bytes,
                stage.outputs.len(),
            ));
        }
    }
    lines.extend(cut.warnings.iter().map(|warning| format!("  {warning}")));
    let count: usize = cut.pipelines.iter().map(Vec::len).sum();
    let stages = if count == 1 { "stage" } else { "stages" };
    format!("{}: {count} {stages} and {STAGES}\n{}\n", arguments.output.display(), lines.join("\n"))
}

fn node_address(text: &str) -> Result<(String, String), String> {
    Endpoint::of_node(text).map(|(node, endpoint)| (node, endpoint.to_string()))
}

fn plain_address(text: &str) -> Result<String, String> {
    text.parse::<Endpoint>().map(|endpoint| endpoint.to_string())
}
