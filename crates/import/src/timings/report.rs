//! How much of the measured times was matched.

use serde::Serialize;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::TimingFormat;
use super::kernel::Kernel;
use super::matched::Matched;
use super::profile::Profile;
use super::units::Units;

/// The most names of kernels that a report lists.
const MAX_NAMES: usize = 100;

/// How much of the measured times was matched, and what was not, on either side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimingReport {
    /// The class that the times are under.
    pub device_class: String,
    /// What wrote the file.
    pub tool: &'static str,
    /// Kernels of the file.
    pub kernels: usize,
    /// Seconds of all kernels in one pass, as measured.
    pub measured_s: f64,
    /// Seconds of those that were matched to layers.
    pub matched_s: f64,
    /// `matched_s` / `measured_s`.
    pub matched_share: f64,
    /// How many kernels were not matched.
    pub unmatched_kernels: usize,
    /// Those that took longest, at most 100.
    pub unmatched: Vec<NamedTime>,
    /// Layers whose time, alone or in a group, was measured.
    pub measured_layers: usize,
    /// Layers whose time was estimated.
    pub estimated: Vec<String>,
    /// Seconds of the estimated times, in the profile.
    pub estimated_s: f64,
    /// Groups that have a measured time.
    pub timed_groups: usize,
    /// Mean seconds of a whole session, where it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_s: Option<f64>,
    /// What all times were multiplied by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Seconds of all layers and groups of the class in the profile.
    pub profile_s: f64,
}

/// A kernel of a profiler.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema), schema(as = KernelTime))]
pub struct NamedTime {
    /// Its name in the file.
    pub name: String,
    /// Seconds in a pass, as measured.
    pub seconds: f64,
}

pub(super) fn of(
    profile: &Profile,
    kernels: &[Kernel],
    matched: &Matched,
    units: &Units,
    (device_class, format): (&str, TimingFormat),
    (session_s, scale): (Option<f64>, Option<f64>),
) -> TimingReport {
    let unmatched = kernels.iter().zip(&matched.layers).filter(|(_, layers)| layers.is_empty());
    let mut unmatched: Vec<NamedTime> =
        unmatched.map(|(kernel, _)| NamedTime { name: kernel.name.clone(), seconds: kernel.seconds }).collect();
    let unmatched_kernels = unmatched.len();
    unmatched.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    unmatched.truncate(MAX_NAMES);
    let measured_s: f64 = kernels.iter().map(|kernel| kernel.seconds).sum();
    let measured = || units.all.iter().filter(|unit| unit.seconds.is_some() && !unit.is_estimated);
    let estimated = || units.all.iter().filter(|unit| unit.is_estimated);
    let ids = estimated().flat_map(|unit| unit.layers.iter().map(|&layer| profile.layers[layer].id.clone()));
    TimingReport {
        device_class: device_class.to_owned(),
        tool: format.name(),
        kernels: kernels.len(),
        measured_s,
        matched_s: matched.seconds(),
        matched_share: if measured_s > 0.0 { matched.seconds() / measured_s } else { 0.0 },
        unmatched_kernels,
        unmatched,
        measured_layers: measured().map(|unit| unit.layers.len()).sum(),
        estimated: ids.collect(),
        // The sum of nothing is -0.0.
        estimated_s: estimated().filter_map(|unit| unit.seconds).sum::<f64>() + 0.0,
        timed_groups: measured().filter(|unit| unit.layers.len() > 1).count(),
        session_s,
        scale,
        profile_s: units.seconds(),
    }
}
