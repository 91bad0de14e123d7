//! Corrected documents from what a running pipeline was measured at: times of layers, rates and latencies of links,
//! and what a runtime takes of memory.
//!
//! Logs of `cutpoint-runner` become [`Measurements`], which its command `summarize` prints, too. [`compare`] puts them
//! beside the placement that ran, and [`calibrate`] corrects the profile and the cluster, so that the next plan predicts
//! what was measured.

mod comparison;
mod hosts;
mod inference;
mod layers;
mod links;
mod logs;
mod measurements;
mod memory;
mod paired;
mod plan;
mod read;
mod runs;
mod site;
mod summary;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::fault::{Faults, ImportError};
use crate::input::InputFile;
use crate::report::Warning;
use crate::source::Source;
use crate::timings::profile::Profile;

use layers::TimedStage;
use paired::PairedStage;
use plan::Plan;
use site::Site;

pub use comparison::{Compared, Comparison, PipelineComparison, StageComparison, TransferComparison};
pub use logs::MAX_LOG_BYTES;
pub use measurements::{
    AloneStage, LatencyOf, MeasuredHop, MeasuredLatency, MeasuredMemory, MeasuredPipeline, MeasuredStage, Measurements,
    Transfers,
};
pub use memory::{MemoryFit, PlannedCosts};
pub use paired::MEASURED;

/// The inferences at the start of each run that do not count, unless somebody says otherwise: allocators, clocks and
/// connections settle in them.
pub const DEFAULT_WARM_UP: u64 = 14;

/// Reads the logs of all processes of a placement, without the first `warm_up` inferences of each run.
///
/// # Errors
/// Returns every fault of the logs. That they are of several models is one.
pub fn measurements(files: &[InputFile<'_>], warm_up: u64) -> Result<(Measurements, Vec<Warning>), ImportError> {
    let (mut faults, mut warnings) = (Faults::default(), Vec::new());
    let logs = logs::read(files, &mut warnings, &mut faults);
    let models: BTreeSet<&str> = logs.iter().map(|log| log.model.as_str()).collect();
    let mut models = models.into_iter();
    let model = models.next().unwrap_or_default().to_owned();
    if let Some(other) = models.next() {
        let of_other = logs.iter().find(|log| log.model == other).map_or("", |log| &log.file);
        let action = "Give logs of one model, in a folder of their own";
        faults.record(of_other, "", format!("the log is of model {other:?}, others are of {model:?}"), action);
    }
    if logs.is_empty() && faults.is_empty() {
        faults.record("--measured", "", "there are no logs", "Give the folders that runners wrote with --log-dir");
    }
    faults.finish()?;
    let pipelines = summary::pipelines(&logs, warm_up);
    Ok((Measurements { version: 1, model, warm_up_inferences: warm_up, pipelines }, warnings))
}

/// Puts measurements beside what a placement document says.
///
/// # Errors
/// Returns every fault: of the placement, and where the measurements are of other stages, nodes or tensors.
pub fn compare(placement: &Value, measurements: &Measurements) -> Result<Comparison, ImportError> {
    let mut faults = Faults::default();
    let plans = Plan::read(placement, &mut faults);
    let paired = paired::pair(&plans, measurements, &mut faults);
    faults.finish()?;
    Ok(comparison::of(&paired))
}

/// What is calibrated, and with what.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationInput<'a> {
    /// The model profile that the placement is of.
    pub profile: &'a Value,
    /// The placement that ran.
    pub placement: &'a Value,
    /// What was measured.
    pub measurements: &'a Measurements,
    /// The cluster that it ran on.
    pub cluster: Option<&'a Value>,
    /// Device classes of nodes, which win over those of the cluster.
    pub device_classes: &'a BTreeMap<String, String>,
    /// The class of nodes that have none otherwise.
    pub device_class: Option<&'a str>,
    /// What the plan took for each byte.
    pub costs: PlannedCosts,
    /// The files that the measurements are from, as sources name them.
    pub files: &'a [String],
}

/// Corrected documents.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The model profile with corrected times.
    #[serde(skip)]
    pub profile: Value,
    /// The cluster with corrected links, ports and device classes.
    #[serde(skip)]
    pub cluster: Option<Value>,
    /// What was planned beside what was measured.
    pub comparison: Comparison,
    /// The members of a request's `cost_model` that fit; absent where no process logged its memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_model: Option<MemoryFit>,
    /// Where each new figure comes from.
    pub sources: Vec<Source>,
    /// What was not corrected, or what may be wrong with it.
    pub warnings: Vec<Warning>,
}

/// Corrects a profile, and a cluster if there is one, by what was measured.
///
/// # Errors
/// Returns every fault of the documents, and where they and the measurements do not fit each other.
pub fn calibrate(input: &CalibrationInput<'_>) -> Result<Calibration, ImportError> {
    let (mut faults, mut warnings) = (Faults::default(), Vec::new());
    let profile = Profile::read(input.profile, &BTreeMap::new(), &mut faults);
    let plans = Plan::read(input.placement, &mut faults);
    let mut site = input.cluster.and_then(|cluster| Site::read(cluster, &mut faults));
    let paired = paired::pair(&plans, input.measurements, &mut faults);
    let stages = || paired.iter().flat_map(|pipeline| &pipeline.stages);
    let classes = hosts::classes(input, site.as_ref(), &plans, &mut faults);
    warn(input, stages(), &mut warnings);
    let Some(profile) = profile.filter(|_| faults.is_empty()) else { return Err(faults.into_error()) };
    let timed: Vec<TimedStage<'_>> =
        stages().filter_map(|stage| hosts::timed(stage, &profile, &classes, site.as_ref(), &mut faults)).collect();
    let files = input.files;
    let (document, mut sources) = layers::corrected(input.profile, &profile, &timed, files, &mut warnings, &mut faults);
    faults.finish()?;
    if let Some(site) = &mut site {
        for (node, class) in &classes {
            site.set(node, "device_class", json!(class));
        }
        let of_links = links::correct(site, &paired, &input.costs, files, &mut warnings);
        site.describe(&of_links);
        sources.extend(of_links);
    }
    let points = stages().filter_map(|stage| {
        let peak = stage.measured.memory?.peak_bytes;
        Some(memory::Point::new(stage.plan.memory_bytes, peak, &input.costs))
    });
    Ok(Calibration {
        profile: document,
        cluster: site.map(|site| site.document),
        comparison: comparison::of(&paired),
        cost_model: memory::fit(&points.collect::<Vec<_>>(), &input.costs),
        sources,
        warnings,
    })
}

fn warn<'a>(
    input: &CalibrationInput<'_>,
    stages: impl Iterator<Item = &'a PairedStage<'a>>,
    warnings: &mut Vec<Warning>,
) {
    let model = &input.measurements.model;
    if let Some(name) = input.profile.get("name").and_then(Value::as_str).filter(|name| name != model) {
        let detail = format!("the logs name the model {model:?}, and the profile is of {name:?}");
        warnings.push(Warning::new("model_names_differ", detail, "Nothing, if one of them was renamed"));
    }
    let paced: Vec<String> =
        stages.filter(|stage| stage.measured.pace_s.is_some()).map(|stage| stage.plan.node_id.clone()).collect();
    if !paced.is_empty() {
        let detail = "these stages were paced: they slept until the planned time, and that is what was measured";
        warnings.push(Warning::new("stages_paced", detail, "Run them without --pace").about(paced));
    }
}
