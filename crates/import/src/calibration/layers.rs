//! Corrected times of layers: what each stage took, shared out among its layers as the profile has them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::fault::Faults;
use crate::input::MAX_SECONDS;
use crate::report::Warning;
use crate::source::{self, Origin, Source};
use crate::timings::profile::Profile;

/// A stage that was measured.
#[derive(Debug)]
pub(super) struct TimedStage<'a> {
    pub(super) layers: BTreeSet<usize>,
    /// The class of its node.
    pub(super) class: &'a str,
    /// What the inventory says of its node.
    pub(super) flops_per_s: Option<f64>,
    /// Mean seconds of compute.
    pub(super) compute_s: f64,
}

/// What has a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Group(usize),
    Layer(usize),
}

/// New times of one class.
#[derive(Debug, Default)]
struct Times {
    measured: BTreeMap<Unit, f64>,
    estimated: BTreeMap<Unit, f64>,
}

/// Writes times into a profile, for each class that ran a stage.
///
/// The time of a stage is shared out in proportion to what its layers take by the profile on that class, or by their
/// operations; equally, where all of that is 0. Layers that ran on other classes are multiplied, too. Where operations are
/// all that was known of the class, operations were wrong, and the factor is that of the stage which ran the layer; where
/// the profile had times of it, the devices are not what was profiled, and it is that of all stages of the class.
pub(super) fn corrected(
    document: &Value,
    profile: &Profile,
    stages: &[TimedStage<'_>],
    files: &[String],
    warnings: &mut Vec<Warning>,
    faults: &mut Faults,
) -> (Value, Vec<Source>) {
    let mut document = document.clone();
    let mut sources = Vec::new();
    let classes: BTreeSet<&str> = stages.iter().map(|stage| stage.class).collect();
    for class in classes {
        let shares = Shares::new(profile, class, stages);
        let elsewhere = |stage: &TimedStage<'_>| {
            let own = Shares::new(profile, stage.class, stages);
            let known = shares.are_of_stated_operations && own.are_of_stated_operations;
            known.then(|| stage.compute_s / own.sum(&stage.layers)).filter(|factor| factor.is_finite())
        };
        let times = shares.times(stages, elsewhere, warnings);
        let all = times.measured.iter().chain(&times.estimated);
        let total: f64 = all.clone().map(|(_, seconds)| seconds).sum();
        if total > MAX_SECONDS {
            let detail = format!("all layers together would take {total:e} s on {class:?}");
            faults.record("profile", "", detail, "Check the operations and times of the profile");
        }
        for (&unit, &seconds) in all {
            let (list, index) = match unit {
                Unit::Group(index) => ("groups", index),
                Unit::Layer(index) => ("layers", index),
            };
            insert(&mut document[list][index], class, seconds);
        }
        sources.extend(times.sources(profile, class, files));
    }
    if let Some(map) = document.as_object_mut() {
        let before = map.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = source::joined(before, &source::description(&sources));
        map.insert("description".to_owned(), Value::String(description));
    }
    (document, sources)
}

fn insert(owner: &mut Value, class: &str, seconds: f64) {
    if let Some(map) = owner.as_object_mut() {
        let times = map.entry("time_s").or_insert_with(|| Value::Object(Map::new()));
        times[class] = json!(seconds);
    }
}

/// What units take on a class, as far as their proportions go.
struct Shares<'a> {
    profile: &'a Profile,
    class: &'a str,
    seconds_per_flop: f64,
    /// Whether the inventory's operations per second are all that is known.
    are_of_stated_operations: bool,
}

impl<'a> Shares<'a> {
    fn new(profile: &'a Profile, class: &'a str, stages: &[TimedStage<'_>]) -> Self {
        let stated = stages.iter().filter(|stage| stage.class == class).find_map(|stage| stage.flops_per_s);
        let timed = profile.layers.iter().filter_map(|layer| Some((layer.flops, *layer.time_s.get(class)?)));
        let (flops, seconds) = timed.filter(|it| it.0 > 0.0).fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        let measured = Some(seconds / flops).filter(|per_flop| per_flop.is_finite() && *per_flop > 0.0);
        // With neither, operations alone tell the proportions.
        let seconds_per_flop = stated.map(|flops_per_s| 1.0 / flops_per_s).or(measured).unwrap_or(1.0);
        let groups = profile.groups.iter().map(|group| &group.time_s);
        let mut all = profile.layers.iter().map(|layer| &layer.time_s).chain(groups);
        let are_of_stated_operations = stated.is_some() && !all.any(|times| times.contains_key(class));
        Self { profile, class, seconds_per_flop, are_of_stated_operations }
    }

    /// Returns what layers take together.
    fn sum(&self, layers: &BTreeSet<usize>) -> f64 {
        self.units(layers).iter().map(|(_, share)| share).sum()
    }

    /// Returns the groups with a time, and the layers that are in none of them.
    fn units(&self, layers: &BTreeSet<usize>) -> Vec<(Unit, f64)> {
        let groups = self.profile.groups.iter().enumerate().filter_map(|(index, group)| {
            let seconds = *group.time_s.get(self.class)?;
            group.layers.iter().any(|layer| layers.contains(layer)).then_some((index, group, seconds))
        });
        let groups: Vec<_> = groups.collect();
        let grouped: BTreeSet<usize> = groups.iter().flat_map(|(_, group, _)| &group.layers).copied().collect();
        let alone = layers.iter().filter(|layer| !grouped.contains(layer)).map(|&index| {
            let layer = &self.profile.layers[index];
            let seconds = layer.time_s.get(self.class).copied();
            (Unit::Layer(index), seconds.unwrap_or(layer.flops * self.seconds_per_flop))
        });
        groups.iter().map(|&(index, _, seconds)| (Unit::Group(index), seconds)).chain(alone).collect()
    }

    /// `elsewhere` gives the factor of a stage on another class, where that is better than the one of this class.
    fn times(
        &self,
        stages: &[TimedStage<'_>],
        elsewhere: impl Fn(&TimedStage<'_>) -> Option<f64>,
        warnings: &mut Vec<Warning>,
    ) -> Times {
        let mut times = Times::default();
        let (mut took_s, mut expected) = (0.0, 0.0);
        for stage in stages.iter().filter(|stage| stage.class == self.class) {
            let units = self.units(&stage.layers);
            let sum: f64 = units.iter().map(|(_, share)| share).sum();
            if sum > 0.0 {
                let factor = stage.compute_s / sum;
                times.measured.extend(worth(&units).map(|(unit, share)| (unit, share * factor)));
                took_s += stage.compute_s;
                expected += sum;
            } else {
                times.measured.extend(self.equal(&units, stage.compute_s, warnings));
            }
        }
        let ran_elsewhere = stages.iter().filter(|stage| stage.class != self.class && expected > 0.0);
        for stage in ran_elsewhere {
            let units = self.units(&stage.layers);
            let factor = elsewhere(stage).unwrap_or(took_s / expected);
            times.estimated.extend(worth(&units).map(|(unit, share)| (unit, share * factor)));
        }
        times
    }

    /// Shares a time out among layers of which nothing is known. Inputs, which no layer precedes, take none.
    fn equal(&self, units: &[(Unit, f64)], compute_s: f64, warnings: &mut Vec<Warning>) -> Vec<(Unit, f64)> {
        let follows = |unit: &Unit| match *unit {
            Unit::Group(_) => true,
            Unit::Layer(index) => self.profile.has_maker(index),
        };
        let working: Vec<Unit> = units.iter().map(|(unit, _)| *unit).filter(follows).collect();
        let first = units.iter().find_map(|(unit, _)| match *unit {
            Unit::Layer(index) => Some(self.profile.layers[index].id.clone()),
            Unit::Group(_) => None,
        });
        let detail = if working.is_empty() {
            "the time of a stage is in no layer, as it has inputs alone"
        } else {
            "neither times nor operations are known of a stage, so its time is shared out equally"
        };
        let action = "Give flops or times of its layers in the profile; this stage begins with the layer named";
        warnings.push(Warning::new("stage_without_work", detail, action).about(first));
        let share = compute_s / working.len() as f64;
        working.into_iter().map(|unit| (unit, share)).collect()
    }
}

/// Returns the units that take time.
fn worth(units: &[(Unit, f64)]) -> impl Iterator<Item = (Unit, f64)> + '_ {
    units.iter().copied().filter(|(_, share)| *share > 0.0)
}

impl Times {
    fn sources(&self, profile: &Profile, class: &str, files: &[String]) -> Vec<Source> {
        let ids = |times: &BTreeMap<Unit, f64>| {
            let layers = times.keys().flat_map(|unit| match *unit {
                Unit::Group(index) => profile.groups[index].layers.iter().copied().collect(),
                Unit::Layer(index) => vec![index],
            });
            layers.map(|index| profile.layers[index].id.clone()).collect::<Vec<_>>()
        };
        let figure = format!("time_s/{class}");
        let source = |origin, ids, note| {
            Source { files: files.to_vec(), ..Source::new(&figure, origin).because(note) }
                .with_tool("cutpoint-runner")
                .of_all(ids)
        };
        let measured = source(
            Origin::Measured,
            ids(&self.measured),
            "the mean time of their stage, in proportion to what the profile had",
        );
        let estimated = source(
            Origin::Estimated,
            ids(&self.estimated),
            "what the profile had, times what their stage or the whole class took over what the profile had of it",
        );
        [measured, estimated].into_iter().filter(|source| !source.of.is_empty()).collect()
    }
}
