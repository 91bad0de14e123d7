//! Writes times into a profile document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::profile::Profile;
use super::units::{Unit, Units};
use crate::report::Warning;
use crate::source::{self, Source};

/// Where the times come from.
pub(super) struct Origin<'a> {
    pub(super) class: &'a str,
    pub(super) tool: &'a str,
    pub(super) file: &'a str,
    pub(super) scale: Option<f64>,
}

/// Returns the document with the times of the units, and where they come from.
pub(super) fn document(
    document: &Value,
    profile: &Profile,
    units: &Units,
    origin: &Origin<'_>,
    warnings: &mut Vec<Warning>,
) -> (Value, Vec<Source>) {
    let mut document = document.clone();
    let sources = sources(profile, units, origin);
    forget(&mut document, origin.class, warnings);
    for unit in units.all.iter().filter(|unit| unit.layers.len() == 1) {
        if let (Some(seconds), Some(&layer)) = (unit.seconds, unit.layers.first()) {
            insert_time(&mut document["layers"][layer], origin.class, seconds);
        }
    }
    let groups = groups(profile, units, origin.class, warnings);
    if let Some(map) = document.as_object_mut() {
        if groups.is_empty() {
            map.remove("groups");
        } else {
            map.insert("groups".to_owned(), Value::Array(groups));
        }
        let before = map.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = source::describe(before, &sources);
        map.insert("description".to_owned(), Value::String(description));
    }
    (document, sources)
}

/// Removes earlier times of the class from layers.
fn forget(document: &mut Value, class: &str, warnings: &mut Vec<Warning>) {
    let mut replaced = 0;
    for layer in document.get_mut("layers").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(map) = layer.as_object_mut() else { continue };
        if let Some(times) = map.get_mut("time_s").and_then(Value::as_object_mut) {
            replaced += usize::from(times.remove(class).is_some());
            if times.is_empty() {
                map.remove("time_s");
            }
        }
    }
    if replaced > 0 {
        let detail = format!("{replaced} earlier times of {class:?} were replaced");
        warnings.push(Warning::new("times_replaced", detail, "Nothing; to keep both, give the new ones another class"));
    }
}

fn insert_time(owner: &mut Value, class: &str, seconds: f64) {
    if let Some(map) = owner.as_object_mut() {
        let times = map.entry("time_s").or_insert_with(|| Value::Object(Map::new()));
        times[class] = json!(seconds);
    }
}

/// Returns the groups of the document: the units of several layers.
fn groups(profile: &Profile, units: &Units, class: &str, warnings: &mut Vec<Warning>) -> Vec<Value> {
    let mut lost = BTreeSet::new();
    let mut groups = Vec::new();
    let single = profile.groups.iter().filter(|group| group.layers.len() == 1).map(|group| &group.layers);
    let single: BTreeSet<&BTreeSet<usize>> = single.collect();
    for unit in units.all.iter().filter(|unit| unit.layers.len() > 1 || single.contains(&unit.layers)) {
        let ids: Vec<&str> = unit.layers.iter().map(|&layer| profile.layers[layer].id.as_str()).collect();
        let mut group = json!({ "layer_ids": ids });
        for (other, seconds) in other_times(profile, unit, class, &mut lost) {
            insert_time(&mut group, &other, seconds);
        }
        if let Some(seconds) = unit.seconds.filter(|_| unit.layers.len() > 1) {
            insert_time(&mut group, class, seconds);
        }
        groups.push(group);
    }
    if !lost.is_empty() {
        let detail = "groups were joined, and these classes do not have times of all that was joined";
        let action = "Measure these classes with the same fusion, or use the times of their layers";
        warnings.push(Warning::new("group_times_dropped", detail, action).about(lost));
    }
    groups
}

/// Returns the times of other classes: the sums of the times of the groups of a unit, and of its layers
/// that are in no group. A class that times only some of the groups' layers is lost.
fn other_times(profile: &Profile, unit: &Unit, class: &str, lost: &mut BTreeSet<String>) -> BTreeMap<String, f64> {
    let parts: Vec<_> = profile.groups.iter().filter(|group| group.layers.is_subset(&unit.layers)).collect();
    let classes = parts.iter().flat_map(|group| group.time_s.keys()).filter(|other| *other != class);
    let mut sums = BTreeMap::new();
    for other in classes.collect::<BTreeSet<_>>() {
        let grouped: Option<f64> = parts.iter().map(|group| group.time_s.get(other)).sum();
        let is_alone = |layer: &&usize| !parts.iter().any(|group| group.layers.contains(layer));
        let alone = unit.layers.iter().filter(is_alone).map(|&layer| &profile.layers[layer]);
        let alone: Option<f64> = alone.filter(|layer| layer.works()).map(|layer| layer.time_s.get(other)).sum();
        match grouped.zip(alone) {
            Some((grouped, alone)) => {
                sums.insert(other.clone(), grouped + alone);
            }
            None => {
                lost.insert(other.clone());
            }
        }
    }
    sums
}

fn sources(profile: &Profile, units: &Units, origin: &Origin<'_>) -> Vec<Source> {
    let ids = |is_estimated: bool| {
        let timed = units.all.iter().filter(move |unit| unit.seconds.is_some() && unit.is_estimated == is_estimated);
        timed.flat_map(|unit| unit.layers.iter().map(|&layer| profile.layers[layer].id.clone())).collect::<Vec<_>>()
    };
    let figure = format!("time_s/{}", origin.class);
    let measured = Source::new(&figure, source::Origin::Measured).by(origin.tool, origin.file).of_all(ids(false));
    let measured = match origin.scale {
        Some(scale) => measured.because(format!("scaled by {scale:.4} to the time of a whole session")),
        None => measured,
    };
    let estimated = Source::new(&figure, source::Origin::Estimated).by(origin.tool, origin.file).of_all(ids(true));
    let estimated = estimated.because("its operations times the measured seconds per operation of its kind");
    [measured, estimated].into_iter().filter(|source| !source.of.is_empty()).collect()
}
