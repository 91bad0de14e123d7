//! `cutpoint profile`: makes a model profile from an ONNX file.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use cutpoint_onnx::options::{parse_dimension, parse_shape, parse_values};
use cutpoint_onnx::{Error, ExternalData, Options, Profile, Report};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::complain;
use super::exit::Exit;

/// Makes a model profile from an ONNX file, without loading its weights.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A profile lists every tensor of the model with its bytes, and every operator with its operations; cutpoint plan reads \
it. Weights pass by and are not kept, so a model may be larger than the memory. Standard error says how many layers \
there are and what was guessed. docs/onnx.md says how sizes and operations are computed.

Dimensions that the file only names must be set: each by its name, or all of an input by its shape. The batch is 1 \
if nothing sets it. Data in other files must be below the folder of the model.

Examples:
  cutpoint profile resnet50.onnx --output resnet50.json
      Profile a model whose inputs have fixed shapes.
  cutpoint profile yolov8n.onnx --dim batch=1 --dim height=640 --dim width=640 --output yolov8n.json
      Set dimensions by the names that the file gives them.
  cutpoint profile detector.onnx --input images=1x3x640x640 --output detector.json
      Set the whole shape of an input.
  cutpoint profile vad.onnx --input input=1x576 --input state=2x1x128 --value sr=16000
      Set a value that decides a branch; the profile goes to standard output.
  cutpoint profile - --name uploaded --report report.json < model.onnx
      Read standard input, and write where each figure comes from.")]
pub struct ProfileArguments {
    /// The ONNX file; - is standard input.
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    /// Number of a dimension that the file names; may be given several times.
    #[arg(long = "dim", value_name = "NAME=N", value_parser = |text: &str| parse_dimension(text))]
    dimensions: Vec<(String, u64)>,
    /// Shape of an input, or of a tensor whose size depends on data; may be given several times.
    #[arg(long = "input", value_name = "NAME=NxNxN", value_parser = |text: &str| parse_shape(text))]
    shapes: Vec<(String, Vec<u64>)>,
    /// Integers that an input holds, where they decide a branch or a shape; may be given several times.
    #[arg(long = "value", value_name = "NAME=N,N", value_parser = |text: &str| parse_values(text))]
    values: Vec<(String, Vec<i64>)>,
    /// Inputs that one pass takes at once; guessed from the dimensions if absent.
    #[arg(long, value_name = "N", value_parser = super::whole(1..=u64::from(u32::MAX)), allow_negative_numbers = true)]
    batch_size: Option<u64>,
    /// Name of the profile; that of the graph if absent.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// File to write; - is standard output.
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// File for the report, in JSON: where each figure comes from, and what was left out.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(super) fn run(arguments: &ProfileArguments) -> Exit {
    match read(arguments) {
        Ok(profile) => match write_all(arguments, &profile) {
            Ok(()) => {
                summarise(arguments, &profile);
                Exit::Success
            }
            Err(error) => complain(&error),
        },
        Err(error) => {
            eprintln!("cutpoint: {}: {error}{}", arguments.model.display(), flags_for(&error));
            if matches!(error, Error::Read(_)) { Exit::Failure } else { Exit::BadInput }
        }
    }
}

/// Returns which flags do what an error asks for.
fn flags_for(error: &Error) -> &'static str {
    match error {
        Error::UnsetDimensions { .. } => ". Use --dim NAME=N for a dimension and --input NAME=NxNxN for a shape",
        Error::Unsized { .. } => ". Use --input NAME=NxNxN for a shape",
        Error::Unsupported { operator, .. } if operator == "If" => ". Use --value NAME=N for a value",
        _ => "",
    }
}

fn read(arguments: &ProfileArguments) -> Result<Profile, Error> {
    let mut options = Options {
        name: arguments.name.clone(),
        batch_size: arguments.batch_size,
        dimensions: arguments.dimensions.iter().cloned().collect(),
        shapes: arguments.shapes.iter().cloned().collect(),
        values: arguments.values.iter().cloned().collect(),
        external_data: ExternalData::Refuse,
    };
    if is_standard(&arguments.model) {
        return profile(std::io::stdin().lock(), None, &options);
    }
    options.external_data = ExternalData::beside(&arguments.model);
    let file = File::open(&arguments.model).map_err(Error::Read)?;
    let length = file.metadata().map_err(Error::Read)?.len();
    profile(file, Some(length), &options)
}

fn profile(source: impl Read, length: Option<u64>, options: &Options) -> Result<Profile, Error> {
    let bar = progress_bar(length);
    let profile = cutpoint_onnx::profile(bar.wrap_read(source), options);
    bar.finish_and_clear();
    profile
}

/// Returns a progress bar on standard error. It stays hidden if standard error is not a terminal.
fn progress_bar(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (ProgressBar::new(length), "{spinner} {bytes}/{total_bytes} {elapsed}"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write_all(arguments: &ProfileArguments, profile: &Profile) -> anyhow::Result<()> {
    write(&arguments.output, &profile.document)?;
    match &arguments.report {
        Some(file) => write(file, &profile.report),
        None => Ok(()),
    }
}

fn write(file: &Path, document: &impl Serialize) -> anyhow::Result<()> {
    if is_standard(file) {
        return write_to(std::io::stdout().lock(), document).context("standard output");
    }
    let written = File::create(file).map_err(anyhow::Error::from).and_then(|file| write_to(file, document));
    written.with_context(|| format!("{} cannot be written", file.display()))
}

fn write_to(target: impl Write, document: &impl Serialize) -> anyhow::Result<()> {
    let mut target = BufWriter::new(target);
    serde_json::to_writer(&mut target, document)?;
    target.write_all(b"\n")?;
    Ok(target.flush()?)
}

/// Says on standard error what the profile holds and what a person should check.
fn summarise(arguments: &ProfileArguments, Profile { document, report }: &Profile) {
    let sum = |size: fn(&cutpoint_onnx::Layer) -> u64| document.layers.iter().map(size).sum::<u64>();
    eprintln!(
        "{}: {} layers, {} bytes of parameters, {} operations a pass, batch size {}",
        arguments.model.display(),
        document.layers.len(),
        sum(|layer| layer.param_bytes),
        sum(|layer| layer.flops),
        document.batch_size,
    );
    for line in remarks(report) {
        eprintln!("  {line}");
    }
}

fn remarks(report: &Report) -> impl Iterator<Item = String> + '_ {
    let branches =
        report.branches.iter().map(|branch| format!("the {} branch of {} is always taken", branch.taken, branch.node));
    report.warnings.iter().cloned().chain(branches)
}

fn is_standard(file: &Path) -> bool {
    file == Path::new("-")
}
