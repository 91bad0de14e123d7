//! A beam search for a placement within a period. Each layer extends partial placements by one
//! stage and keeps the best.
//!
//! If nearly every host is needed, dives do not recover from a wrong first choice, and relaxed
//! walks learn one cycle after another. A beam keeps the whole set of used hosts and follows
//! thousands of beginnings at once. Beginnings with the same hosts and the same last host are
//! merged, with all their starts. A beam that drops none and finds no placement proves that there
//! is none. It takes O(b k n) steps for a width of b and k stages.
//!
//! Source: Lowerre 1976 (beam search). The state is that of Held and Karp 1962 (doi
//! 10.1137/0110015).

use std::cmp::Reverse;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use rustc_hash::FxHashMap;

use super::at_period::AtPeriod;
use super::capacity::Capacity;
use super::prices::ToGo;
use super::weighted_capacity::Remaining;
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::index::{Host, Position};
use crate::stopped::Stopped;

/// The words of a set of hosts.
const WORDS: usize = 4;
/// The most hosts of an instance that a beam can search.
pub const MOST_HOSTS: usize = WORDS * 64;

/// The most candidates for a layer, which are ranked between two calls of the stop hook. Wider
/// beams are narrowed to this.
const MOST_CANDIDATES: usize = 400_000;
/// The most bytes of all layers together. Wider beams are narrowed to this.
const MOST_BYTES: usize = 256 << 20;

/// The largest relative error that a randomised beam adds to costs.
const NOISE: f64 = 0.02;

/// The result of a beam search.
#[derive(Debug)]
pub enum BeamOutcome {
    /// A placement within the period.
    Placement(Assignment),
    /// No placement exists: none was found and no beginning was dropped.
    Infeasible,
    /// No placement was found, but beginnings were dropped.
    Unknown,
}

struct Beginning<const W: usize> {
    host: Host,
    used: Bits<WORDS, Host>,
    starts: Bits<W>,
}

/// Searches for a placement within the period of `tables`, with at most `width` beginnings of each
/// length. `rng`, if given, randomises their costs.
pub fn search<const W: usize>(
    tables: &AtPeriod<'_, W>,
    capacity: Option<&Capacity<W>>,
    to_go: &ToGo<'_>,
    width: usize,
    mut rng: Option<&mut Pcg64Mcg>,
    stop: &dyn Fn() -> bool,
) -> Result<BeamOutcome, Stopped> {
    let instance = tables.instance;
    let affordable = MOST_BYTES / (instance.most_stages.max(1) * size_of::<Beginning<W>>());
    let width = width.min(MOST_CANDIDATES / instance.hosts.len().max(1)).min(affordable).max(1);
    let begin = |host| Beginning { host, used: Bits::single(host), starts: Bits::single(Position::FIRST) };
    let mut layers: Vec<Vec<Beginning<W>>> = vec![tables.first_hosts().map(begin).collect()];
    let mut remaining = Remaining::all(instance);
    let mut dropped = false;
    loop {
        let stages = layers.len();
        let layer = &layers[stages - 1];
        if let Some(last) = layer.iter().find(|last| tables.finishing(last.host, 1).meets(&last.starts)) {
            return Ok(assignment(tables, &layers, last).map_or(BeamOutcome::Unknown, BeamOutcome::Placement));
        }
        if layer.is_empty() || stages == instance.most_stages {
            return Ok(if dropped { BeamOutcome::Unknown } else { BeamOutcome::Infeasible });
        }
        remaining.stages = instance.most_stages - stages - 1;
        let mut next = extend(tables, layer, instance.most_stages - stages, stop)?;
        if let Some(capacity) = capacity {
            cut_by(capacity, tables, &mut remaining, &mut next);
        }
        if next.len() > width {
            dropped = true;
            next = best(tables, to_go, next, width, rng.as_deref_mut(), stop)?;
        }
        layers.push(next);
    }
}

/// Extends beginnings by one stage on each unused host. The results are merged by host and used
/// hosts, and are in the order in which they were found.
fn extend<const W: usize>(
    tables: &AtPeriod<'_, W>,
    layer: &[Beginning<W>],
    stages_left: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Beginning<W>>, Stopped> {
    let mut next: Vec<Beginning<W>> = Vec::new();
    let mut at: FxHashMap<(Host, Bits<WORDS, Host>), usize> = FxHashMap::default();
    for (done, beginning) in layer.iter().enumerate() {
        if done % 16 == 0 && stop() {
            return Err(Stopped);
        }
        let ends = tables.ends(beginning.host, &beginning.starts);
        for host in tables.instance.hosts.indices().filter(|&host| !beginning.used.contains(host)) {
            let starts = ends.and(tables.carried(beginning.host, host)).and(&tables.finishing(host, stages_left));
            if starts.is_empty() {
                continue;
            }
            let mut used = beginning.used;
            used.insert(host);
            let place = *at.entry((host, used)).or_insert(next.len());
            match next.get_mut(place) {
                Some(known) => known.starts = known.starts.or(&starts),
                None => next.push(Beginning { host, used, starts }),
            }
        }
    }
    Ok(next)
}

/// Removes the starts from which the remaining hosts cannot cover the rest of the model.
fn cut_by<const W: usize>(
    capacity: &Capacity<W>,
    tables: &AtPeriod<'_, W>,
    remaining: &mut Remaining,
    beginnings: &mut Vec<Beginning<W>>,
) {
    let instance = tables.instance;
    beginnings.retain_mut(|beginning| {
        for used in beginning.used.iter() {
            remaining.by_group[instance.group_of[used]] -= 1;
        }
        beginning.starts = capacity.admitted(instance.group_of[beginning.host], beginning.starts, remaining);
        for used in beginning.used.iter() {
            remaining.by_group[instance.group_of[used]] += 1;
        }
        !beginning.starts.is_empty()
    });
}

/// Keeps the best beginnings: a quarter by the fewest stages needed and the furthest position, the
/// others by the cost of a whole placement.
fn best<const W: usize>(
    tables: &AtPeriod<'_, W>,
    to_go: &ToGo<'_>,
    mut beginnings: Vec<Beginning<W>>,
    width: usize,
    mut rng: Option<&mut Pcg64Mcg>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Beginning<W>>, Stopped> {
    let mut ranked = Vec::with_capacity(beginnings.len());
    for (place, beginning) in beginnings.iter().enumerate() {
        if place % 1024 == 0 && stop() {
            return Err(Stopped);
        }
        let fewest_stages = tables.fewest_stages(beginning.host, &beginning.starts).unwrap_or(usize::MAX);
        let behind = Reverse(beginning.starts.last());
        let cost = to_go.least(beginning.used.iter(), beginning.host, &beginning.starts);
        let cost = rng.as_mut().map_or(cost, |rng| cost * rng.random_range(1.0..1.0 + NOISE));
        // The bit patterns of positive numbers have the order of the numbers.
        ranked.push((fewest_stages, behind, cost.max(0.0).to_bits(), place));
    }
    ranked.sort_unstable();
    let rest = &mut ranked[width / 4..];
    rest.sort_unstable_by_key(|&(_, behind, cost, place)| (cost, behind, place));
    ranked.truncate(width);
    ranked.sort_unstable_by_key(|&(.., place)| place);
    let mut kept = ranked.iter().map(|&(.., place)| place).peekable();
    let mut place = 0;
    beginnings.retain(|_| {
        place += 1;
        kept.next_if_eq(&(place - 1)).is_some()
    });
    Ok(beginnings)
}

/// Reads the placement back from its last stage. The layer before has a beginning with the same
/// hosts except the last.
fn assignment<const W: usize>(
    tables: &AtPeriod<'_, W>,
    layers: &[Vec<Beginning<W>>],
    last: &Beginning<W>,
) -> Option<Assignment> {
    let mut stages = vec![(tables.instance.last(), last.host)];
    let mut start = last.starts.and(&tables.finishing(last.host, 1)).last()?;
    let (mut host, mut used) = (last.host, last.used);
    for layer in layers[..layers.len() - 1].iter().rev() {
        let before = used.minus(&Bits::single(host));
        let (from, earlier) = layer.iter().filter(|beginning| beginning.used == before).find_map(|beginning| {
            let carried = tables.carried(beginning.host, host).contains(start);
            let ends_here = |&earlier: &Position| tables.ends(beginning.host, &Bits::single(earlier)).contains(start);
            let earlier = carried.then(|| beginning.starts.iter().find(ends_here)).flatten()?;
            Some((beginning.host, earlier))
        })?;
        stages.push((start, from));
        (host, used, start) = (from, before, earlier);
    }
    stages.reverse();
    (start == Position::FIRST).then_some(Assignment { stages })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::costs;
    use crate::domain::request::PlanRequest;
    use crate::exact::prices::Prices;
    use crate::exact::stage_ends::StageEnds;
    use crate::instance::Instance;

    const INSTANCES: [&str; 3] = [
        include_str!("../../tests/instances/paper_tight_n16_0.json"),
        include_str!("../../tests/instances/hetero_types_n16_0.json"),
        include_str!("../../tests/instances/asym_n12_0.json"),
    ];

    #[test]
    fn a_beam_that_drops_nothing_decides_and_a_narrow_one_claims_nothing() {
        for text in INSTANCES {
            let certified: serde_json::Value = serde_json::from_str(text).unwrap();
            let request = PlanRequest::from_json(&certified["request"]).unwrap();
            let least_s = certified["expected"]["period_s"].as_f64().unwrap();
            let instance = Instance::new(&request, &|| false).unwrap();
            let stage_ends = StageEnds::<16>::new(&instance, &|| false).unwrap();
            let beam = |period_s: f64, width: usize| {
                let tables = AtPeriod::new(&instance, &stage_ends, period_s, &|| false).unwrap();
                let prices = Prices::new(instance.hosts.len());
                search(&tables, None, &prices.to_go(&tables), width, None, &|| false).unwrap()
            };
            match beam(least_s, usize::MAX) {
                BeamOutcome::Placement(found) => assert!(costs(&instance, &found).period_s <= least_s),
                other => panic!("{other:?}"),
            }
            assert!(matches!(beam(least_s.next_down(), usize::MAX), BeamOutcome::Infeasible));
            assert!(!matches!(beam(least_s, 1), BeamOutcome::Infeasible));
        }
    }
}
