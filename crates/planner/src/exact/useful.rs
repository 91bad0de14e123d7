//! The cuts that can be useful within a period.

use super::at_period::AtPeriod;
use super::stage_ends::StageEnds;
use crate::bits::{Bits, for_width};
use crate::index::{Host, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Returns the positions at which a stage of some walk within a period begins or ends, in ascending
/// order, with the first and the last. Returns `None` if there are too many positions.
pub fn useful_cuts(
    instance: &Instance,
    period_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<Position>>, Stopped> {
    for_width!(instance.blocks() + 1, W => useful_on::<W>(instance, period_s, stop).map(Some), else Ok(None))
}

fn useful_on<const W: usize>(
    instance: &Instance,
    period_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Position>, Stopped> {
    let stage_ends = StageEnds::<W>::new(instance, stop)?;
    let tables = AtPeriod::new(instance, &stage_ends, period_s, stop)?;
    let mut reached: IndexVec<Host, Bits<W>> = instance.by_host(Bits::EMPTY);
    let mut added: Vec<(Host, Bits<W>)> =
        tables.first_hosts().map(|host| (host, Bits::single(Position::FIRST))).collect();
    let mut stages = 1;
    while !added.is_empty() && stages < instance.most_stages {
        let left = instance.most_stages - stages;
        let mut next: IndexVec<Host, Bits<W>> = instance.by_host(Bits::EMPTY);
        for (from, starts) in added {
            if stop() {
                return Err(Stopped);
            }
            let ends = tables.ends(from, &starts);
            for to in instance.hosts.indices().filter(|&to| to != from) {
                let arrived = ends.and(tables.carried(from, to)).and(&tables.finishing(to, left));
                next[to] = next[to].or(&arrived.minus(&reached[to]));
            }
        }
        for (reached, new) in reached.iter_mut().zip(&next) {
            *reached = reached.or(new);
        }
        added = next.iter_indexed().map(|(host, &new)| (host, new)).filter(|(_, new)| !new.is_empty()).collect();
        stages += 1;
    }
    let inner = reached.iter().fold(Bits::EMPTY, |all: Bits<W>, starts| all.or(starts));
    Ok(std::iter::once(Position::FIRST).chain(inner.iter()).chain([instance.last()]).collect())
}
