//! The exact search for everything that is not a plain least period: latencies, numbers of nodes, nodes that do one
//! thing at a time, limits of latency.
//!
//! Labels carry the resources that a partial walk has consumed. They are extended stage by stage, pruned by dominance and
//! by completion bounds of the walk relaxation. They remember visited hosts; memories grow along cycles. Efforts are
//! counted in labels, never in seconds. Each file names its source.

pub mod anneal;
pub mod beam;
pub mod best_two;
pub mod capacity;
pub mod completion_bounds;
pub mod decide;
pub mod effort;
pub mod extensions;
pub mod fewest_nodes;
pub mod front;
pub mod label;
pub mod label_search;
pub mod least_latency;
pub mod least_period;
pub mod limits;
pub mod loads;
pub mod replan;
pub mod shipping;
pub mod steps;
pub mod ties;

use self::decide::Tables;
use self::effort::Effort;
use self::least_latency::{Listener, close_in};
use self::limits::{Goal, Limits};
use super::exact::neighbourhood::Neighbourhoods;
use super::exact::stage_ends::StageEnds;
use super::incumbent::Incumbent;
use crate::domain::options::Objective;
use crate::stopped::Stopped;

/// Calls a function with one of few widths of sets of positions, enough for so many: code for more would gain little.
macro_rules! for_few_widths {
    ($numbers:expr, $W:ident => $body:expr, else $too_many:expr) => {
        match $numbers {
            0..=128 => for_few_widths!(@ 2, $W, $body),
            129..=512 => for_few_widths!(@ 8, $W, $body),
            513..=2048 => for_few_widths!(@ 32, $W, $body),
            2049..=16384 => for_few_widths!(@ 256, $W, $body),
            _ => $too_many,
        }
    };
    (@ $width:literal, $W:ident, $body:expr) => {{
        const $W: usize = $width;
        $body
    }};
}

/// Closes the gap between the incumbent's bound and its objective until it is told to stop.
pub fn search(incumbent: &Incumbent<'_>) {
    let _: Result<(), Stopped> =
        for_few_widths!(incumbent.instance.blocks() + 1, W => search_on::<W>(incumbent), else Ok(()));
}

/// Looks for what is best beside the objective, once its search has ended: the least latency among least periods, the
/// rest of the front, the fewest bytes shipped. Keeps what it has found when it is told to stop.
pub fn refine(incumbent: &Incumbent<'_>) {
    if incumbent.best().is_some() {
        let _: Result<(), Stopped> =
            for_few_widths!(incumbent.instance.blocks() + 1, W => refine_on::<W>(incumbent), else Ok(()));
    }
}

fn refine_on<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    if incumbent.request.options.base.is_some() {
        return replan::fewest_bytes::<W>(incumbent);
    }
    let proven = incumbent.bound() == incumbent.objective();
    match incumbent.instance.objective {
        Objective::MaxThroughput if proven => ties::least_latency_at::<W>(incumbent),
        Objective::Tradeoff => front::points::<W>(incumbent),
        _ => Ok(()),
    }
}

fn search_on<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    match incumbent.instance.objective {
        Objective::MaxThroughput | Objective::Tradeoff => least_period::search::<W>(incumbent),
        Objective::MinLatency => least_latency_of_all::<W>(incumbent),
        Objective::MinNodes { target_period_s } => fewest_nodes::search::<W>(incumbent, target_period_s),
    }
}

fn least_latency_of_all<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.must_end();
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let tables = Tables::new(instance, &stage_ends, None, f64::MAX, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut listener = Listener {
        placement: &mut |found| incumbent.offer(found),
        bound: &mut |bound_s| incumbent.raise(bound_s),
        stop: &stop,
    };
    let wanted = (Goal::Latency, Limits::of_latency(instance.max_latency_s));
    let high_s = incumbent.objective().min(instance.max_latency_s.next_up());
    let (_, proven) =
        close_in(&tables, &mut neighbourhoods, wanted, high_s, Effort::of_proofs(incumbent), &mut listener);
    if proven && incumbent.best().is_none() {
        incumbent.raise(f64::INFINITY);
    }
    Ok(())
}
