//! `cutpoint profile`: makes a model profile from an ONNX file or a file of another planner, and puts
//! measured times into it.

mod onnx;
mod peers;
mod times;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cutpoint_import::timings::TimingFormat;
use cutpoint_import::{ImportError, Imported};
use serde::Serialize;
use serde_json::Value;

use super::complain;
use super::exit::Exit;
use super::files::{FileReader, is_standard, say, say_warnings, write_json};
use super::onnx_flags::OnnxFlags;

/// Makes a model profile from an ONNX file, without loading its weights.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A profile lists every tensor of the model with its bytes, and every operator with its operations; cutpoint plan reads \
it. Weights pass by and are not kept, so a model may be larger than the memory. Standard error says how many layers \
there are and what was guessed. docs/onnx.md says how sizes and operations are computed.

Dimensions that the file only names must be set: each by its name, or all of an input by its shape. The batch is 1 \
if nothing sets it. Data in other files must be below the folder of the model.

--timings puts the times that a profiler measured on a device into the profile. The model must be the one that was \
profiled, so that names match. docs/profiling.md goes from a device to a profile.

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
      Read standard input, and write where each figure comes from.
  cutpoint profile optimized.onnx --timings profile.json --device-class pi-4 --session-s 0.0841 --output pi-4.json
      Put in the times that onnxruntime measured on a device, scaled to the time of a whole session.
  cutpoint profile pi-4.json --timings trt.json --device-class orin --output both.json
      Add the times of another class of devices to a profile.
  cutpoint profile models.yml --device-types device_types.yml --model google/vit-base-patch16-224
      Take a model of PipeEdge with its measured times.")]
pub struct ProfileArguments {
    /// The ONNX file, or one of another --format; - is standard input.
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    /// What the file is. If absent, its ending decides: .json is a profile, .yml and .yaml are PipeEdge's, all else is
    /// ONNX.
    #[arg(long, value_enum)]
    format: Option<ModelFormat>,
    #[command(flatten)]
    onnx: OnnxFlags,
    /// Inputs that one pass takes at once; guessed from the dimensions if absent. Of PipeEdge's models, which profile.
    #[arg(long, value_name = "N", value_parser = super::whole(1..=u64::from(u32::MAX)), allow_negative_numbers = true)]
    batch_size: Option<u64>,
    /// Name of the profile; that of the graph if absent.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// device_types.yml of PipeEdge, with the times of its models.
    #[arg(long, value_name = "FILE")]
    device_types: Option<PathBuf>,
    /// Which model of PipeEdge's models.yml; must be given if the file has several.
    #[arg(long = "model", value_name = "NAME")]
    wanted: Option<String>,
    /// Which type of numbers of PipeEdge's profiles, such as torch.float32.
    #[arg(long, value_name = "TYPE")]
    dtype: Option<String>,
    /// Times that a profiler measured: of onnxruntime, TensorRT or TFLite, or CSV.
    #[arg(long, value_name = "FILE", requires = "device_class")]
    timings: Option<PathBuf>,
    /// What wrote the times; looked up in the file if absent.
    #[arg(long, value_parser = timing_format, value_name = "onnxruntime|tensorrt|tflite|csv", requires = "timings")]
    timings_format: Option<TimingFormat>,
    /// The class of the device that was measured, as in the inventory.
    #[arg(long, value_name = "CLASS", requires = "timings")]
    device_class: Option<String>,
    /// Mean seconds of a whole run without the profiler; all times are scaled to sum to it.
    #[arg(long, value_name = "SECONDS", value_parser = super::finite, requires = "timings", allow_negative_numbers = true)]
    session_s: Option<f64>,
    /// File to write; - is standard output.
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// File for the report, in JSON: where each figure comes from, and what was left out.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModelFormat {
    /// An ONNX file.
    Onnx,
    /// A profile of Cutpoint, to put times in.
    Profile,
    /// models.yml of PipeEdge.
    Pipeedge,
    /// A graph of dnn-partitioning.
    DnnPartitioning,
}

impl ProfileArguments {
    fn format(&self) -> ModelFormat {
        self.format.unwrap_or_else(|| match self.model.extension().and_then(|ending| ending.to_str()) {
            Some("json") => ModelFormat::Profile,
            Some("yml" | "yaml") => ModelFormat::Pipeedge,
            _ => ModelFormat::Onnx,
        })
    }

    /// Returns what is wrong with flags that do not go together.
    fn misplaced(&self) -> Vec<String> {
        let format = self.format();
        let onnx = self.onnx.given();
        let pipeedge = [
            ("--device-types", self.device_types.is_some()),
            ("--model", self.wanted.is_some()),
            ("--dtype", self.dtype.is_some()),
        ];
        let of_both = [("--batch-size", self.batch_size.is_some())];
        let named = [("--name", self.name.is_some())];
        let unused: Vec<(&str, bool)> = match format {
            ModelFormat::Onnx => pipeedge.to_vec(),
            ModelFormat::Pipeedge => onnx.to_vec(),
            ModelFormat::DnnPartitioning => [&onnx[..], &pipeedge, &of_both].concat(),
            ModelFormat::Profile => [&onnx[..], &pipeedge, &of_both, &named].concat(),
        };
        let what = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let unused = unused.into_iter().filter(|(_, is_given)| *is_given);
        let mut faults: Vec<String> =
            unused.map(|(flag, _)| format!("{flag} does not go with --format {what}. Leave it out")).collect();
        let files = [Some(&self.model), self.timings.as_ref(), self.device_types.as_ref()];
        if files.iter().flatten().filter(|file| is_standard(file)).count() > 1 {
            faults.push("standard input, -, can be read once only. Give the name of a file".to_owned());
        }
        faults
    }
}

fn timing_format(text: &str) -> Result<TimingFormat, String> {
    let found = TimingFormat::NAMES.iter().find(|(name, _)| *name == text).map(|(_, format)| *format);
    found.ok_or_else(|| "this is none of onnxruntime, tensorrt, tflite and csv".to_owned())
}

/// A profile that was read.
struct Profiled {
    imported: Imported,
    /// What the reader of ONNX files reports beside.
    onnx: Option<cutpoint_onnx::Report>,
}

/// What is written for `--report`.
#[derive(Serialize)]
struct ProfileReport<'a> {
    #[serde(flatten)]
    report: &'a cutpoint_import::Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    onnx: Option<&'a cutpoint_onnx::Report>,
}

/// Why there is no profile.
enum Refusal {
    /// An input cannot be used, for these reasons.
    BadInput(Vec<String>),
    /// Something failed.
    Failure(anyhow::Error),
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        Self::BadInput(error.faults.iter().map(ToString::to_string).collect())
    }
}

pub(super) fn run(arguments: &ProfileArguments) -> Exit {
    match read(arguments).and_then(|profiled| write(arguments, &profiled).map_err(Refusal::Failure)) {
        Ok(()) => Exit::Success,
        Err(Refusal::BadInput(reasons)) => {
            reasons.iter().for_each(|reason| say(reason));
            Exit::BadInput
        }
        Err(Refusal::Failure(error)) => complain(&error),
    }
}

fn read(arguments: &ProfileArguments) -> Result<Profiled, Refusal> {
    let misplaced = arguments.misplaced();
    if !misplaced.is_empty() {
        return Err(Refusal::BadInput(misplaced));
    }
    let mut reader = FileReader::default();
    let profiled = match arguments.format() {
        ModelFormat::Onnx => onnx::read(arguments)?,
        format => Profiled { imported: peers::read(arguments, format, &mut reader)?, onnx: None },
    };
    match &arguments.timings {
        Some(file) => {
            let imported = times::put_in(arguments, file, profiled.imported, &mut reader)?;
            Ok(Profiled { imported, ..profiled })
        }
        None => Ok(profiled),
    }
}

/// Writes the document and the report, and says what a person should know.
fn write(arguments: &ProfileArguments, Profiled { imported, onnx }: &Profiled) -> anyhow::Result<()> {
    write_json(&arguments.output, &imported.document)?;
    let report = &imported.report;
    if let Some(file) = &arguments.report {
        write_json(file, &ProfileReport { report, onnx: onnx.as_ref() })?;
    }
    say(&summary(arguments, &imported.document));
    say_warnings(&report.warnings);
    if let Some(times) = &report.timings {
        say(&times::summary(times));
    }
    for (what, asked) in [("cost_model", &report.cost_model), ("constraints", &report.constraints)] {
        if let Some(asked) = asked {
            say(&format!("to count as the other planner does, give in a request {what}: {asked}"));
        }
    }
    Ok(())
}

/// Returns what the profile holds, in one line.
fn summary(arguments: &ProfileArguments, document: &Value) -> String {
    let layers = document["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let sum = |figure: &str| layers.iter().filter_map(|layer| layer[figure].as_u64()).sum::<u64>();
    format!(
        "{}: {} layers, {} bytes of parameters, {} operations a pass, batch size {}",
        arguments.model.display(),
        layers.len(),
        sum("param_bytes"),
        sum("flops"),
        document["batch_size"].as_u64().unwrap_or(1),
    )
}
