//! Measured times of one device class, from profilers into a model profile.
//!
//! Names of operators are matched to layers: by the map that the caller gives, by the member
//! `operator` of a layer, or by the layer's id. An operator of several layers, or a kernel that fuses
//! several operators, becomes a group with a time of its own.

mod csv;
mod estimate;
mod fused;
mod kernel;
mod matched;
mod onnxruntime;
pub(crate) mod profile;
mod report;
mod tensorrt;
mod tflite;
mod units;
mod write;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cursor::is_id;
use crate::fault::{Faults, ImportError};
use crate::input::{InputFile, MAX_SECONDS};
use crate::report::{Imported, Report, Warning};

use profile::Profile;
use units::Units;

pub use report::{NamedTime, TimingReport};

/// What wrote a file of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimingFormat {
    /// The profile of an onnxruntime session.
    OnnxRuntime,
    /// `trtexec --exportProfile`.
    TensorRt,
    /// `benchmark_model --enable_op_profiling --profiling_output_csv_file`.
    TfLite,
    /// Lines of `layer_id,device_class,seconds`.
    Csv,
}

impl TimingFormat {
    /// All formats with their names.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("onnxruntime", Self::OnnxRuntime),
        ("tensorrt", Self::TensorRt),
        ("tflite", Self::TfLite),
        ("csv", Self::Csv),
    ];

    /// Returns the name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::TensorRt => "tensorrt",
            Self::TfLite => "tflite",
            Self::Csv => "csv",
        }
    }

    /// Returns the format that a file seems to have, by its first bytes.
    pub fn detect(content: &[u8]) -> Option<Self> {
        const LOOKED_AT: usize = 4096;
        let start = String::from_utf8_lossy(&content[..content.len().min(LOOKED_AT)]);
        let start = start.trim_start_matches('\u{feff}').trim_start();
        if start.starts_with(['[', '{']) {
            return Some(if start.contains("\"cat\"") { Self::OnnxRuntime } else { Self::TensorRt });
        }
        if start.starts_with("layer_id") {
            return Some(Self::Csv);
        }
        start.to_lowercase().contains("node type").then_some(Self::TfLite)
    }
}

/// How times are matched and scaled.
#[derive(Debug, Clone, Default)]
pub struct TimingOptions<'a> {
    /// What wrote the file; looked up in the file where it is not given.
    pub format: Option<TimingFormat>,
    /// The class of the device that was measured. A CSV file names its classes itself, and then only
    /// rows of this class count.
    pub device_class: &'a str,
    /// Mean seconds of a whole session without the profiler, for `batch_size` inputs. All times are
    /// scaled so that they sum to it.
    pub session_s: Option<f64>,
    /// The layers that each operator makes.
    pub operators: BTreeMap<String, Vec<String>>,
}

/// Puts measured times into a profile.
///
/// Every layer that works gets a time: layers that no name matches get one from the measured seconds
/// per operation of their kind, so that the device class is known. Earlier times of the class are replaced.
///
/// # Errors
/// Returns every fault of the file and the profile. That no name matches is one.
pub fn apply(document: &Value, file: &InputFile<'_>, options: &TimingOptions<'_>) -> Result<Imported, ImportError> {
    let mut faults = Faults::default();
    check(options, &mut faults);
    let profile = Profile::read(document, &options.operators, &mut faults);
    let Some(format) = options.format.or_else(|| TimingFormat::detect(file.content)) else {
        faults.record(
            file.name,
            "",
            "the format of these times is not known",
            "Say it: onnxruntime, tensorrt, tflite or csv",
        );
        return Err(faults.into_error());
    };
    let kernels = match format {
        TimingFormat::OnnxRuntime => onnxruntime::read(file, &mut faults),
        TimingFormat::TensorRt => tensorrt::read(file, &mut faults),
        TimingFormat::TfLite => tflite::read(file, &mut faults),
        TimingFormat::Csv => csv::read(file, options.device_class, &mut faults),
    };
    let (Some(profile), Some(kernels)) = (profile, kernels) else { return Err(faults.into_error()) };
    kernel::check(&kernels, file, &mut faults);
    let matched = matched::find(&profile, &kernels);
    let mut units = Units::new(&profile, &matched);
    if units.seconds() < kernel::LEAST_SECONDS && faults.is_empty() {
        matched::none(&profile, &kernels, file, &mut faults);
    }
    let estimated = estimate::fill(&profile, &mut units);
    let scale = options.session_s.map(|session_s| session_s / units.seconds());
    units.scale(scale.unwrap_or(1.0));
    if units.seconds() > MAX_SECONDS {
        let detail = format!("all layers together take {:e} s, estimated ones among them", units.seconds());
        faults.record(file.name, "", detail, "Give times of more layers, so that fewer are estimated");
    }
    faults.finish()?;
    let mut warnings = Vec::new();
    let origin = write::Origin { class: options.device_class, tool: format.name(), file: file.name, scale };
    let (document, sources) = write::document(document, &profile, &units, &origin, &mut warnings);
    let report =
        report::of(&profile, &kernels, &matched, &units, (options.device_class, format), (options.session_s, scale));
    warn(&report, &estimated, &mut warnings);
    let report = Report { sources, warnings, timings: Some(report), ..Report::default() };
    Ok(Imported { document, report })
}

fn check(options: &TimingOptions<'_>, faults: &mut Faults) {
    if !is_id(options.device_class) {
        let action = "Name the class of the measured device in 1 to 256 characters";
        faults.record("--device-class", "", "the device class is empty or too long", action);
    }
    if let Some(session_s) = options.session_s.filter(|session_s| !(1e-9..=MAX_SECONDS).contains(session_s)) {
        let detail = format!("a session of {session_s} s is not allowed");
        faults.record("--session-s", "", detail, "Give the mean seconds of one run, from 1e-9 to 1e7");
    }
}

/// The least share of the time that should be matched.
const GOOD_SHARE: f64 = 0.98;

fn warn(report: &TimingReport, estimated: &estimate::Estimated, warnings: &mut Vec<Warning>) {
    if report.matched_share < GOOD_SHARE {
        let detail = format!("{:.1} % of the measured time was matched to layers", 100.0 * report.matched_share);
        let action =
            "Import the model that was profiled, such as the one of optimized_model_filepath, so that names match";
        let about = report.unmatched.iter().map(|kernel| kernel.name.clone());
        warnings.push(Warning::new("times_unmatched", detail, action).about(about));
    }
    if report.session_s.is_none() {
        let detail = "the times are those of a profiler, which adds to them";
        let action = "Give the mean time of a whole session without it: --session-s";
        warnings.push(Warning::new("times_not_scaled", detail, action));
    }
    if !report.estimated.is_empty() {
        let detail = format!("{} layers have estimated times", report.estimated.len());
        let action = "Nothing, if a kernel ran them together with others; their share of the time is estimated_s";
        warnings
            .push(Warning::new("times_estimated", detail, action).about(report.estimated.iter().take(100).cloned()));
    }
    if !estimated.impossible.is_empty() {
        let detail = "these layers work, but neither times nor operations of them are known";
        let action = "Give flops in the profile, or times in a CSV file: layer_id,device_class,seconds";
        warnings
            .push(Warning::new("times_missing", detail, action).about(estimated.impossible.iter().take(100).cloned()));
    }
}
