//! The times that device types have of one model: which profiles are wanted, and one time for each
//! layer.

use std::collections::{BTreeMap, BTreeSet};

use super::device_types::{DeviceType, Profile};
use super::models::Choice;
use crate::cursor::{Cursor, is_id};
use crate::fault::Faults;
use crate::input::MAX_SECONDS;

/// Returns the profiles of the wanted batch and numbers, one for each type that has one. Records a
/// fault if several batches or types of numbers are left.
pub(super) fn profiles<'a, 't>(
    name: &str,
    cursor: &Cursor<'_>,
    types: &'t [DeviceType<'a>],
    choice: &Choice<'_>,
    faults: &mut Faults,
) -> Option<Vec<(&'t str, Profile<'a>)>> {
    let all = types.iter().flat_map(|known| {
        let profiles = known.profiles(name, faults);
        profiles.into_iter().map(|profile| (known.name, profile)).collect::<Vec<_>>()
    });
    let all: Vec<(&str, Profile<'_>)> = all.collect();
    let kinds = |profiles: &[(&str, Profile<'_>)]| {
        let kinds = profiles.iter().map(|(_, profile)| (profile.batch_size, profile.dtype.to_owned()));
        kinds.collect::<BTreeSet<_>>()
    };
    let listed = kinds(&all).iter().map(|(batch, dtype)| format!("{batch} of {dtype}")).collect::<Vec<_>>().join(", ");
    let is_wanted = |profile: &Profile<'_>| {
        choice.batch_size.is_none_or(|wanted| wanted == profile.batch_size)
            && choice.dtype.is_none_or(|wanted| wanted == profile.dtype)
    };
    let had_profiles = !all.is_empty();
    let wanted: Vec<(&str, Profile<'_>)> = all.into_iter().filter(|(_, profile)| is_wanted(profile)).collect();
    let several = kinds(&wanted).len() > 1;
    if several || (had_profiles && wanted.is_empty()) {
        let found =
            if several { "several batches or types of numbers" } else { "no profile of the wanted batch and numbers" };
        let action = format!("Choose one of the batches: {listed}");
        cursor.fault(faults, format!("the device types have {found} of {name}"), action);
        return None;
    }
    Some(wanted)
}

/// Returns the seconds of each layer by device type.
pub(super) fn times<'a, 't>(
    profiles: &[(&'t str, Profile<'a>)],
    layers: u64,
    faults: &mut Faults,
) -> Option<BTreeMap<&'t str, (Cursor<'a>, Vec<f64>)>> {
    let mut times = BTreeMap::new();
    let mut are_right = true;
    for (class, profile) in profiles {
        let seconds: Vec<f64> = profile.time_s.items(faults).iter().filter_map(|time| time.amount(faults)).collect();
        if seconds.len() as u64 != layers || !is_id(class) {
            let detail = format!("{} times of {layers} layers", seconds.len());
            profile.time_s.fault(faults, detail, "Give one time for each layer, under a type of 1 to 256 characters");
            are_right = false;
        }
        if seconds.iter().sum::<f64>() > MAX_SECONDS {
            let action = format!("Keep their sum at or below {MAX_SECONDS:e} s");
            profile.time_s.fault(faults, "all times together are too large", action);
            are_right = false;
        }
        if times.insert(*class, (profile.time_s.clone(), seconds)).is_some() {
            profile.time_s.fault(faults, "these are the second times of one batch", "Keep one profile of each batch");
            are_right = false;
        }
    }
    are_right.then_some(times)
}
