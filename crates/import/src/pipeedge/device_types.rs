//! `device_types.yml`: what devices of a type have, and their times of models.

use super::MEGA;
use crate::cursor::Cursor;
use crate::fault::Faults;

/// A type of device.
#[derive(Debug)]
pub(super) struct DeviceType<'a> {
    pub(super) name: &'a str,
    pub(super) cursor: Cursor<'a>,
}

/// Times of one model on one type.
#[derive(Debug)]
pub(super) struct Profile<'a> {
    pub(super) batch_size: u64,
    pub(super) dtype: &'a str,
    pub(super) time_s: Cursor<'a>,
}

impl<'a> DeviceType<'a> {
    pub(super) fn read_all(document: &Cursor<'a>, faults: &mut Faults) -> Vec<Self> {
        let types = document.members(faults).into_iter();
        types.map(|(name, cursor)| Self { name, cursor }).collect()
    }

    pub(super) fn memory_bytes(&self, faults: &mut Faults) -> Option<(u64, String)> {
        let memory = self.cursor.required(&["mem_MB"], faults)?;
        Some((memory.bytes(MEGA, faults)?, memory.pointer))
    }

    pub(super) fn port_bps(&self, faults: &mut Faults) -> Option<(f64, String)> {
        let rate = self.cursor.required(&["bw_Mbps"], faults)?;
        let bits = rate.positive(faults)?.min(1e90) * MEGA;
        Some((bits, rate.pointer))
    }

    /// Returns the profiles of a model.
    pub(super) fn profiles(&self, model: &str, faults: &mut Faults) -> Vec<Profile<'a>> {
        let Some(list) = self.cursor.at(&["model_profiles", model]) else { return Vec::new() };
        list.items(faults).iter().filter_map(|profile| Profile::read(profile, faults)).collect()
    }
}

impl<'a> Profile<'a> {
    fn read(profile: &Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        let batch = profile.required(&["batch_size"], faults).and_then(|size| size.bytes(1.0, faults).zip(Some(size)));
        let dtype = profile.required(&["dtype"], faults).and_then(|dtype| dtype.text(faults));
        let time_s = profile.required(&["time_s"], faults);
        let (batch_size, cursor) = batch?;
        if batch_size == 0 {
            cursor.fault(faults, "a batch of 0 inputs", "Give a batch_size of at least 1");
            return None;
        }
        Some(Self { batch_size, dtype: dtype?, time_s: time_s? })
    }
}
