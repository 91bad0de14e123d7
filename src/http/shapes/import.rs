//! What an import says of the document that it made.

use std::collections::BTreeMap;

use cutpoint_import::timings::{NamedTime, TimingReport};
use cutpoint_import::{Origin, Report};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The most names that a list has.
const MOST_NAMED: usize = 100;

/// What an import says of the document that it made.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportReport {
    /// Where the figures of the document come from, with one entry for each kind of figure and source.
    pub sources: Vec<ImportSource>,
    /// What the document lacks, or what may be wrong with it.
    pub warnings: Vec<ImportWarning>,
    /// The `cost_model` of a request that counts as the other planner does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub cost_model: Option<Value>,
    /// The `constraints` of a request that keeps the rules of the other planner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub constraints: Option<Value>,
    /// How much of measured times was matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub timings: Option<ImportTimings>,
}

/// Where figures of one kind come from.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportSource {
    /// The member of the document, such as `memory_bytes` or `time_s/pi-4`.
    pub figure: String,
    /// How much the figures are worth.
    pub origin: Origin,
    /// The program whose file it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tool: Option<String>,
    /// The files, at most 100.
    pub files: Vec<String>,
    /// What was done to the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<String>,
    /// How many nodes, layers or links have such a figure.
    #[schema(maximum = 9007199254740991_i64)]
    pub count: u64,
    /// Ids of nodes or layers, or links as `a -> b`, at most 100.
    pub of: Vec<String>,
}

/// What an imported document lacks, or what may be wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportWarning {
    /// The kind of warning.
    pub code: String,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub action: String,
    /// The nodes, links, layers or files that it is about, at most 100.
    pub about: Vec<String>,
}

/// How much of measured times was matched, and what was not, on either side.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportTimings {
    /// The class that the times are under.
    pub device_class: String,
    /// What wrote the file.
    pub tool: String,
    /// Seconds of all kernels in one pass, as measured.
    pub measured_s: f64,
    /// Seconds of those that were matched to layers.
    pub matched_s: f64,
    /// `matched_s` / `measured_s`.
    pub matched_share: f64,
    /// How many kernels were not matched.
    #[schema(maximum = 9007199254740991_i64)]
    pub unmatched_count: u64,
    /// The kernels that were not matched and took longest, at most 100.
    pub unmatched: Vec<NamedTime>,
    /// Layers whose time, alone or in a group, was measured.
    #[schema(maximum = 9007199254740991_i64)]
    pub measured_count: u64,
    /// Layers whose time was estimated.
    #[schema(maximum = 9007199254740991_i64)]
    pub estimated_count: u64,
    /// Those layers, at most 100.
    pub estimated: Vec<String>,
    /// Seconds of the estimated times.
    pub estimated_s: f64,
    /// What all times were multiplied by, if a session's time was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub scale: Option<f64>,
    /// Seconds of all layers and groups of the class in the profile.
    pub profile_s: f64,
}

impl From<Report> for ImportReport {
    fn from(report: Report) -> Self {
        Self {
            sources: grouped(&report),
            warnings: report
                .warnings
                .into_iter()
                .map(|warning| ImportWarning {
                    code: warning.code.to_owned(),
                    detail: warning.detail,
                    action: warning.action,
                    about: first(warning.about),
                })
                .collect(),
            cost_model: report.cost_model,
            constraints: report.constraints,
            timings: report.timings.map(ImportTimings::from),
        }
    }
}

impl From<TimingReport> for ImportTimings {
    fn from(times: TimingReport) -> Self {
        Self {
            device_class: times.device_class,
            tool: times.tool.to_owned(),
            measured_s: times.measured_s,
            matched_s: times.matched_s,
            matched_share: times.matched_share,
            unmatched_count: times.unmatched_kernels as u64,
            unmatched: times.unmatched.into_iter().take(MOST_NAMED).collect(),
            measured_count: times.measured_layers as u64,
            estimated_count: times.estimated.len() as u64,
            estimated: first(times.estimated),
            estimated_s: times.estimated_s,
            scale: times.scale,
            profile_s: times.profile_s,
        }
    }
}

/// Joins the sources of equal figures, origins, tools and notes, in the order in which they came.
fn grouped(report: &Report) -> Vec<ImportSource> {
    let mut places = BTreeMap::new();
    let mut sources: Vec<ImportSource> = Vec::new();
    for source in &report.sources {
        let key = (&source.figure, source.origin, &source.tool, &source.note);
        let place = *places.entry(key).or_insert_with(|| {
            sources.push(ImportSource {
                figure: source.figure.clone(),
                origin: source.origin,
                tool: source.tool.clone(),
                files: Vec::new(),
                note: source.note.clone(),
                count: 0,
                of: Vec::new(),
            });
            sources.len() - 1
        });
        let joined = &mut sources[place];
        joined.count += source.of.len() as u64;
        for (list, more) in [(&mut joined.of, &source.of), (&mut joined.files, &source.files)] {
            for name in more {
                if list.len() < MOST_NAMED && !list.contains(name) {
                    list.push(name.clone());
                }
            }
        }
    }
    sources
}

fn first(mut names: Vec<String>) -> Vec<String> {
    names.truncate(MOST_NAMED);
    names
}
