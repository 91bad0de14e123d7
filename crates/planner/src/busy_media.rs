//! Finds the shared media because of which no placement keeps to a limit of the period.

use super::baselines;
use super::cost::{Assignment, medium_loads};
use super::env::{Env, NoProgress};
use super::goals::period::{self, Rounds};
use super::incumbent::Incumbent;
use super::instance::Instance;
use super::routes::Media;
use super::shared_media::MediumLoad;
use crate::domain::options::{Objective, Overlap};
use crate::domain::request::PlanRequest;
use crate::domain::unit::seconds_text;

/// The media that are too busy for a placement that would keep to the limit if no two transfers
/// shared a medium.
#[derive(Debug)]
pub struct BusyMedia {
    /// The ids of the media, the busiest first. At least one.
    pub ids: Vec<String>,
    /// The seconds for which that placement occupies the busiest one in each period.
    pub occupied_s: f64,
}

impl BusyMedia {
    /// Searches for such a placement with a small effort. Returns `None` if the period has no limit,
    /// if no transfers share a medium, or if none is found.
    pub fn find(request: &PlanRequest, instance: &Instance, env: &Env<'_>) -> Option<Self> {
        if instance.shared_media.is_none() || instance.max_period_s == f64::INFINITY {
            return None;
        }
        let undisturbed = placement_without_sharing(request, instance, env)?;
        let mut loads: Vec<MediumLoad> = medium_loads(instance, &undisturbed);
        loads.retain(|load| load.seconds > instance.max_period_s);
        loads.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then(a.medium.cmp(&b.medium)));
        let media = Media::new(&request.cluster);
        let occupied_s = loads.first()?.seconds;
        Some(Self { ids: loads.iter().map(|load| media.id(load.medium)).collect(), occupied_s })
    }

    /// Describes them, to follow the words that no placement was found.
    pub fn text(&self) -> String {
        format!(
            "; if no two transfers shared a medium there would be a placement, but it occupies {} for {} in each period",
            self.ids[0],
            seconds_text(self.occupied_s)
        )
    }
}

/// Returns a placement within the limits as if no two transfers shared a medium.
fn placement_without_sharing(request: &PlanRequest, instance: &Instance, env: &Env<'_>) -> Option<Assignment> {
    // The shortest period is most likely to keep to the limit.
    let mut unshared = instance.without_shared_media();
    unshared.objective = Objective::MaxThroughput;
    let env = Env { progress: &NoProgress, ..*env };
    let incumbent = Incumbent::new(request, instance, &env);
    let relaxed = incumbent.on(&unshared, &env);
    baselines::offer_cheap(&relaxed);
    let sets_suffice = unshared.overlap == Overlap::Full && unshared.max_latency_s == f64::INFINITY;
    if relaxed.best().is_none() && sets_suffice {
        period::search(&relaxed, Rounds::First);
    }
    relaxed.best()
}
