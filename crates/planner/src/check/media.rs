//! What the transfers of a placement together take of the media that they share.

use std::collections::BTreeMap;

use super::route::Medium;
use super::transfer::Traffic;
use crate::domain::options::Transfers;
use crate::domain::placement::MediumUse;
use crate::domain::request::PlanRequest;

/// A medium that two or more transfers use.
pub(super) struct SharedMedium {
    pub(super) id: String,
    /// Seconds that all transfers of one pass occupy it, beside the occupants.
    pub(super) occupied_s: f64,
    /// The first stage that sends or receives on it.
    pub(super) first_stage: usize,
}

impl SharedMedium {
    /// Returns what documents say of it.
    pub(super) fn usage(&self) -> MediumUse {
        MediumUse { id: self.id.clone(), occupied_s: self.occupied_s }
    }
}

/// Returns the media that two or more transfers use and whose occupations are summed, the most
/// occupied first.
pub(super) fn shared_media(request: &PlanRequest, traffic: &Traffic<'_>) -> Vec<SharedMedium> {
    let mut users: BTreeMap<Medium<'_>, Vec<(usize, f64)>> = BTreeMap::new();
    for carried in &traffic.carried {
        let stage = carried.sender.or(carried.receiver).unwrap_or(0);
        for occupation in &carried.occupations {
            users.entry(occupation.medium).or_default().push((stage, occupation.shared_s));
        }
    }
    let all_are_summed = request.options.cost_model.transfers == Transfers::Streamed;
    users.retain(|medium, users| users.len() > 1 && (all_are_summed || medium.is_named()));
    let shared = |(medium, users): (Medium<'_>, Vec<(usize, f64)>)| SharedMedium {
        id: medium.id(),
        occupied_s: users.iter().map(|(_, seconds)| seconds).sum(),
        first_stage: users.iter().map(|&(stage, _)| stage).min().unwrap_or(0),
    };
    let mut media: Vec<SharedMedium> = users.into_iter().map(shared).collect();
    media.sort_by(|a, b| b.occupied_s.total_cmp(&a.occupied_s).then_with(|| a.id.cmp(&b.id)));
    media
}
