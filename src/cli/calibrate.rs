//! `cutpoint calibrate`: corrects a profile and a cluster by what a running pipeline was measured at.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use cutpoint_import::calibration::{
    Calibration, CalibrationInput, Compared, Comparison, DEFAULT_WARM_UP, MAX_LOG_BYTES, Measurements, PlannedCosts,
    calibrate, measurements,
};
use cutpoint_import::{Fault, ImportError, InputFile, Warning};
use serde::Serialize;
use serde_json::Value;

use super::complain;
use super::exit::Exit;
use super::files::{Content, FileReader, json, say, say_warnings, write_json};
use super::table::{Side, Table, one_line};

/// Corrects a model profile and a cluster by what the stages of a placement were measured at.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Give the logs of all processes of the placement: the folders that cutpoint-runner wrote with --log-dir, or what its command \
summarize printed. Feed twice into one folder, once with --one-at-a-time: the latency and the rates of links that \
transfers share are taken from that run.

The output folder gets profile.json, with --cluster also cluster.json, and report.json: what was planned beside what was \
measured, and where each new figure comes from. Standard output has the table. docs/truth.md has the rules.

Examples:
  cutpoint-runner feed --stages out/stages.json --log-dir logs --one-at-a-time --count 30
  cutpoint-runner feed --stages out/stages.json --log-dir logs --count 200
  cutpoint calibrate --profile model.json --placement placement.json --cluster cluster.json --measured logs --output new
  cutpoint plan --model new/profile.json --cluster new/cluster.json
      Measure, correct, and plan again.
  cutpoint calibrate --profile model.json --placement placement.json --measured summary.json --output new \\
      --device-class pi-1=raspberry-pi-4 --device-class jetson
      Correct a profile alone; pi-1 has a class of its own, and all others have one.")]
pub struct CalibrateArguments {
    /// The model profile that was planned.
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// The placement that ran: what `cutpoint plan --output json` printed, or one of the service.
    #[arg(long, value_name = "FILE")]
    placement: PathBuf,
    /// Folders with the logs of all processes, single logs, or one summary (.json).
    #[arg(long, value_name = "PATH", num_args = 1.., required = true)]
    measured: Vec<PathBuf>,
    /// The cluster that it was planned on.
    #[arg(long, value_name = "FILE")]
    cluster: Option<PathBuf>,
    /// The device class of a node, or of all nodes that have none; may be repeated.
    #[arg(long, value_name = "[NODE=]CLASS")]
    device_class: Vec<String>,
    /// Inferences at the start of each run that do not count; those of a summary were chosen when it was made.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_WARM_UP, value_parser = super::count, allow_negative_numbers = true)]
    warm_up: u64,
    /// The memory_scale of the plan.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = scale, allow_negative_numbers = true)]
    memory_scale: f64,
    /// The memory_overhead_bytes of the plan.
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = super::count, allow_negative_numbers = true)]
    memory_overhead_bytes: u64,
    /// The transfer_scale of the plan.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = scale, allow_negative_numbers = true)]
    transfer_scale: f64,
    /// Folder to write; made if it is not there.
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
}

/// What report.json has.
#[derive(Debug, Serialize)]
struct Report<'a> {
    measurements: &'a Measurements,
    #[serde(flatten)]
    calibration: &'a Calibration,
}

pub(super) fn run(arguments: &CalibrateArguments) -> Exit {
    let mut faults = Vec::new();
    let done = read(arguments, &mut faults).and_then(|(read, warnings)| {
        let found = calibrate(&read.input(arguments));
        Some((read, found.map_err(|error| faults.extend(error.faults)).ok()?, warnings))
    });
    let Some((read, calibration, warnings)) = done else {
        faults.iter().for_each(|fault| say(&fault.to_string()));
        return Exit::BadInput;
    };
    say_warnings(warnings.iter().chain(&calibration.warnings));
    match write(arguments, &read.measurements, &calibration) {
        Ok(()) => {
            print!("{}", table(&calibration.comparison));
            print!("{}", next(arguments, &calibration));
            Exit::Success
        }
        Err(error) => complain(&error),
    }
}

/// All that was read.
struct Documents {
    profile: Value,
    placement: Value,
    cluster: Option<Value>,
    measurements: Measurements,
    /// The names of the files with measurements.
    files: Vec<String>,
    classes: BTreeMap<String, String>,
    class: Option<String>,
}

impl Documents {
    fn input<'a>(&'a self, arguments: &CalibrateArguments) -> CalibrationInput<'a> {
        CalibrationInput {
            profile: &self.profile,
            placement: &self.placement,
            measurements: &self.measurements,
            cluster: self.cluster.as_ref(),
            device_classes: &self.classes,
            device_class: self.class.as_deref(),
            costs: PlannedCosts {
                memory_scale: arguments.memory_scale,
                memory_overhead_bytes: arguments.memory_overhead_bytes,
                transfer_scale: arguments.transfer_scale,
            },
            files: &self.files,
        }
    }
}

fn read(arguments: &CalibrateArguments, faults: &mut Vec<Fault>) -> Option<(Documents, Vec<Warning>)> {
    let mut reader = FileReader::default();
    let paths: Vec<PathBuf> = arguments.measured.iter().flat_map(|path| reader.list(path, "jsonl")).collect();
    let contents: Vec<Content> = paths.iter().filter_map(|path| reader.read_up_to(path, MAX_LOG_BYTES)).collect();
    let profile = reader.json(&arguments.profile);
    let placement = reader.json(&arguments.placement);
    let cluster = arguments.cluster.as_deref().map(|path| reader.json(path));
    faults.append(&mut reader.faults);
    if !faults.is_empty() {
        return None;
    }
    let measured = measured(&contents, arguments.warm_up).map_err(|error| faults.extend(error.faults));
    let (measurements, warnings) = measured.ok()?;
    let (of_nodes, of_all): (Vec<_>, Vec<_>) = arguments.device_class.iter().partition(|given| given.contains('='));
    let classes = of_nodes.into_iter().filter_map(|given| given.split_once('='));
    let read = Documents {
        profile: profile?,
        placement: placement?,
        cluster: cluster.flatten(),
        measurements,
        files: contents.into_iter().map(|content| content.name).collect(),
        classes: classes.map(|(node, class)| (node.to_owned(), class.to_owned())).collect(),
        class: of_all.last().map(|class| (*class).clone()),
    };
    Some((read, warnings))
}

/// Reads a summary, or the logs of all processes.
fn measured(contents: &[Content], warm_up: u64) -> Result<(Measurements, Vec<Warning>), ImportError> {
    match contents {
        [summary] if summary.name.ends_with(".json") => {
            let document = json(summary).map_err(|fault| ImportError { faults: vec![fault] })?;
            Ok((Measurements::from_json(&document)?, Vec::new()))
        }
        logs => {
            let files: Vec<InputFile<'_>> = logs.iter().map(Content::file).collect();
            measurements(&files, warm_up)
        }
    }
}

fn write(arguments: &CalibrateArguments, measurements: &Measurements, calibration: &Calibration) -> anyhow::Result<()> {
    let folder = &arguments.output;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    write_json(&folder.join("profile.json"), &calibration.profile)?;
    if let Some(cluster) = &calibration.cluster {
        write_json(&folder.join("cluster.json"), cluster)?;
    }
    write_json(&folder.join("report.json"), &Report { measurements, calibration })
}

/// Returns what was planned beside what was measured.
fn table(comparison: &Comparison) -> String {
    let columns = [("", Side::Left), ("planned", Side::Right), ("measured", Side::Right), ("ratio", Side::Right)];
    let mut table = Table::new(&columns);
    let mut push = |name: String, compared: Option<Compared>, write: fn(f64) -> String| {
        let [planned, measured, ratio] = match compared {
            Some(it) => {
                let ratio = it.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
                [write(it.planned), write(it.measured), ratio]
            }
            None => ["-", "not measured", "-"].map(str::to_owned),
        };
        table.push([name, planned, measured, ratio]);
    };
    for pipeline in &comparison.pipelines {
        push("period".to_owned(), pipeline.period_s, milliseconds);
        push("latency".to_owned(), pipeline.latency_s, milliseconds);
        for stage in &pipeline.stages {
            push(format!("stage {} on {}: compute", stage.index, stage.node_id), Some(stage.compute_s), milliseconds);
        }
        for it in &pipeline.transfers {
            let name = format!("{} to {}, {} bytes: transfer", it.from_node_id, it.to_node_id, it.bytes);
            push(name, it.transfer_s, milliseconds);
        }
        for stage in &pipeline.stages {
            push(format!("stage {} on {}: memory", stage.index, stage.node_id), stage.memory_bytes, mebibytes);
        }
    }
    table.to_string()
}

/// Returns how to plan with what was written.
fn next(arguments: &CalibrateArguments, calibration: &Calibration) -> String {
    let file = |name: &str| one_line(&arguments.output.join(name).display().to_string());
    let cluster = if calibration.cluster.is_some() { file("cluster.json") } else { "CLUSTER.json".to_owned() };
    let memory = calibration.cost_model.map_or_else(String::new, |fit| {
        let (scale, overhead) = (fit.memory_scale, fit.memory_overhead_bytes);
        format!(" --memory-scale {scale} --memory-overhead-bytes {overhead}")
    });
    format!("\n  cutpoint plan --model {} --cluster {cluster}{memory}\n", file("profile.json"))
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.3} ms", 1e3 * seconds)
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

/// Parses a scale as a request has it.
fn scale(text: &str) -> Result<f64, String> {
    let scale = super::finite(text)?;
    if (1e-6..=1e6).contains(&scale) { Ok(scale) } else { Err("it must be from 0.000001 to 1000000".to_owned()) }
}
