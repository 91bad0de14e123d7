//! Times of layers that no kernel names, from the measured seconds per operation of their kind.

use std::collections::BTreeMap;

use super::profile::Profile;
use super::units::{Unit, Units};

/// What was not measured.
#[derive(Debug, Default)]
pub(super) struct Estimated {
    /// Layers that work, but have no operations to estimate a time from.
    pub(super) impossible: Vec<String>,
}

/// Seconds and operations of measured units.
#[derive(Debug, Default, Clone, Copy)]
struct Measured {
    seconds: f64,
    flops: f64,
}

impl Measured {
    fn rate(self) -> Option<f64> {
        (self.flops > 0.0).then(|| self.seconds / self.flops)
    }
}

/// Gives each unit that works and was not measured a time: its operations times the measured seconds
/// per operation of its kind, or of all kinds where nothing of its kind was measured.
pub(super) fn fill(profile: &Profile, units: &mut Units) -> Estimated {
    let mut of_kinds: BTreeMap<&str, Measured> = BTreeMap::new();
    let mut of_all = Measured::default();
    for unit in &units.all {
        let (Some(seconds), flops) = (unit.seconds, flops(profile, unit)) else { continue };
        if flops > 0.0 {
            let kind = of_kinds.entry(kind(profile, unit)).or_default();
            for sum in [kind, &mut of_all] {
                sum.seconds += seconds;
                sum.flops += flops;
            }
        }
    }
    let mut estimated = Estimated::default();
    for unit in &mut units.all {
        if unit.seconds.is_some() || unit.is_constant || !works(profile, unit) {
            continue;
        }
        let operations = flops(profile, unit);
        let rate = of_kinds.get(kind(profile, unit)).and_then(|measured| measured.rate()).or_else(|| of_all.rate());
        match rate.filter(|_| operations > 0.0) {
            Some(rate) => {
                unit.seconds = Some(rate * operations);
                unit.is_estimated = true;
            }
            None => estimated.impossible.extend(unit.layers.iter().map(|&layer| profile.layers[layer].id.clone())),
        }
    }
    estimated
}

fn works(profile: &Profile, unit: &Unit) -> bool {
    let by_group = profile
        .groups
        .iter()
        .any(|group| group.layers.is_subset(&unit.layers) && group.time_s.values().any(|&seconds| seconds > 0.0));
    by_group || unit.layers.iter().any(|&layer| profile.layers[layer].works())
}

fn flops(profile: &Profile, unit: &Unit) -> f64 {
    unit.layers.iter().map(|&layer| profile.layers[layer].flops).sum()
}

/// Returns the kind of a unit: that of its layer with the most operations.
fn kind<'p>(profile: &'p Profile, unit: &Unit) -> &'p str {
    let layers = unit.layers.iter().map(|&layer| &profile.layers[layer]);
    layers.max_by(|a, b| a.flops.total_cmp(&b.flops)).map_or("", |layer| &layer.op)
}
