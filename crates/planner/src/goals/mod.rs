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
use super::cost::stage_times;
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
        None => baselines::offer_cheap(incumbent),
        Some(media) => {
            baselines::offer_cheap(incumbent);
            let rounds = if media.carries_few() { Rounds::All } else { Rounds::First };
            if sets_suffice && !media_decide(incumbent) {
                search_without_media(incumbent, rounds);
            }
            if incumbent.has_ended() {
                return;
            }
        }
    }
    let _: Result<(), Stopped> = for_width!(few instance.blocks() + 1, W => search_on::<W>(incumbent), else Ok(()));
}

/// Returns `true` if a medium takes the best placement far longer than anything else does: what the period is without media
/// says little then.
fn media_decide(incumbent: &Incumbent<'_>) -> bool {
    const FAR: f64 = 2.0;
    let instance = incumbent.instance;
    let Some(best) = incumbent.best() else { return false };
    let times = stage_times(instance, &best).flatten();
    incumbent.objective() > FAR * times.fold(0.0, f64::max)
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

/// Searches for secondary goals after the search for the objective: the least latency within the
/// tolerance of the period, the rest of the front, or the fewest bytes shipped. If it is told to
/// stop, the incumbent keeps what was found.
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
        Objective::MaxThroughput if proven || incumbent.request.options.period_tolerance() > 0.0 => {
            ties::choose::<W>(incumbent)
        }
        Objective::Tradeoff => front::points::<W>(incumbent),
        _ => Ok(()),
    }
}
