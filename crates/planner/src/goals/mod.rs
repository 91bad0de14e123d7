//! The objectives: an oracle for each, and the searches for secondary goals.

pub mod bytes;
pub mod front;
pub mod latency;
pub mod least_sum;
pub mod nodes;
pub mod period;
pub mod period_of_sums;
pub mod ties;

use self::period::Rounds;
use super::baselines;
use super::bits::for_width;
use super::env::{Env, NoProgress};
use super::incumbent::Incumbent;
use crate::domain::options::{Objective, Overlap};
use crate::search::Gap;
use crate::stopped::Stopped;

/// Closes the gap between the incumbent's bound and its objective until the stop hook ends the
/// search or the effort is spent.
pub fn search(incumbent: &Incumbent<'_>) {
    let instance = incumbent.instance;
    let sets_suffice = instance.objective.minimises_period()
        && instance.overlap == Overlap::Full
        && instance.max_latency_s == f64::INFINITY;
    match &instance.shared_media {
        None if sets_suffice => return period::search(incumbent, Rounds::All),
        // Where media carry few transfers, the placement often keeps to it.
        Some(media) if sets_suffice && media.carries_few() => search_without_media(incumbent, Rounds::All),
        Some(_) if sets_suffice => search_without_media(incumbent, Rounds::First),
        _ => {}
    }
    if incumbent.has_ended() {
        return;
    }
    baselines::offer_cheap(incumbent);
    let _: Result<(), Stopped> = for_width!(few instance.blocks() + 1, W => search_on::<W>(incumbent), else Ok(()));
}

/// Looks for the least period as if no two transfers shared a medium: a bound, and a placement to begin with.
fn search_without_media(incumbent: &Incumbent<'_>, rounds: Rounds) {
    let unshared = incumbent.instance.without_shared_media();
    let env = Env { progress: &NoProgress, ..*incumbent.env };
    let relaxed = incumbent.on(&unshared, &env);
    period::search(&relaxed, rounds);
    incumbent.raise(relaxed.bound());
    if let Some(found) = relaxed.best() {
        incumbent.offer(found);
    }
}

fn search_on<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    match incumbent.instance.objective {
        Objective::MaxThroughput | Objective::Tradeoff => period_of_sums::search::<W>(incumbent),
        Objective::MinLatency => latency::search::<W>(incumbent),
        Objective::MinNodes { target_period_s } => nodes::search::<W>(incumbent, target_period_s),
    }
}

/// Searches for secondary goals after the search for the objective: the least latency among least
/// periods, the rest of the front, or the fewest bytes shipped. If it is told to stop, the
/// incumbent keeps what was found.
pub fn refine(incumbent: &Incumbent<'_>) {
    if incumbent.best().is_some() {
        let _: Result<(), Stopped> =
            for_width!(few incumbent.instance.blocks() + 1, W => refine_on::<W>(incumbent), else Ok(()));
    }
}

fn refine_on<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    if incumbent.request.options.base.is_some() {
        return bytes::search::<W>(incumbent);
    }
    let proven = incumbent.bound() == incumbent.objective();
    match incumbent.instance.objective {
        Objective::MaxThroughput if proven => ties::least_latency_at::<W>(incumbent),
        Objective::Tradeoff => front::points::<W>(incumbent),
        _ => Ok(()),
    }
}
