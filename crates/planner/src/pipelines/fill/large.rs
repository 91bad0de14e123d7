//! The search where not all pipelines can be listed.

use rand::RngExt;

use super::by_counts::Limits;
use super::cheapest::Search;
use super::classes::Classes;
use super::grouped::Grouped;
use super::master::Master;
use super::relaxation::{Relaxation, Space};
use super::sweep::Precision;
use super::within::Network;
use super::{every_cut, grouped, limits, prove};
use crate::bits::for_width;
use crate::bounds;
use crate::cost::ROUNDING;
use crate::domain::options::Objective;
use crate::exact::candidates::{Listed, candidates};
use crate::index::Index;
use crate::instance::Instance;
use crate::pipelines::{Packings, greedy};
use crate::stopped::Stopped;

/// The most values of periods that are listed.
const MOST_LISTED: usize = 1_000_000;

/// The precisions of the bound, one after the other.
pub const PRECISIONS: [Precision; 5] = [
    Precision { step: 0.08, labels: 400, rounds: 1, wanted: 2 },
    Precision { step: 0.025, labels: 1_500, rounds: 1, wanted: 2 },
    Precision { step: 0.008, labels: 10_000, rounds: 4, wanted: 2 },
    Precision { step: 0.002, labels: 40_000, rounds: 6, wanted: 1 },
    Precision { step: 1e-11, labels: 200_000, rounds: 8, wanted: 1 },
];

/// Nodes of a tree over the known columns.
const NODES_OF_KNOWN: usize = 60;

/// The most exchanges between two attempts to prove more, and the fewer the longer the pipelines are.
const EXCHANGES: usize = 8;
const EXCHANGED_NODES: usize = 24;

/// Rounds between two dives.
const ROUNDS_PER_DIVE: usize = 6;

/// How often pipelines are annealed, each time with twice as many steps.
const ANNEALINGS: usize = 7;

/// Exchanges for one number of hosts.
const EXCHANGES_PER_SIZE: usize = 20;

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds of column generation between two attempts to find better sets.
    pub rounds: usize,
    /// Exchanges in a row without gain after which the search ends.
    pub most_failed: usize,
}

impl Effort {
    /// The effort of a request.
    pub const ALL: Self = Self { rounds: 3, most_failed: 1_000 };
}

/// Searches by column generation.
pub fn search(packings: &Packings<'_>, classes: &Classes, effort: Effort) -> Result<(), Stopped> {
    for_width!(few packings.instance.blocks() + 1, W => search_on::<W>(packings, classes, effort), else {
        greedy::search(packings);
        Ok(())
    })
}

fn search_on<const W: usize>(packings: &Packings<'_>, classes: &Classes, effort: Effort) -> Result<(), Stopped> {
    let stop = || packings.must_end();
    let least_s = bounds::of(packings.instance).least_period(&stop)?;
    let counts_nodes = matches!(packings.instance.objective, Objective::MinNodes { .. });
    let mut single_s = 0.0;
    if least_s <= 0.0 || !counts_nodes {
        // A pipeline with a period of 0 is the answer alone.
        single_s = greedy::search(packings) * (1.0 - ROUNDING);
        if packings.must_end() {
            return Ok(());
        }
    }
    if !packings.considers_all_cuts() {
        every_cut::prove(packings, &stop)?;
    }
    let network = Network::<W>::new(packings.instance, classes, &stop)?;
    let mut cheapest = Search::new(network, &classes.sizes());
    let values_s = values_of(packings.instance, least_s, &stop)?;
    let mut master = Master::new(packings, classes, &mut cheapest, (least_s, values_s));
    let mut whole = Space { room: classes.sizes(), most: packings.most_pipelines(), most_nodes: packings.most_hosts() };
    let fewest = master.fewest_hosts(&whole, &stop)?;
    whole.most = whole.most.min(whole.most_nodes / fewest);
    if counts_nodes {
        by_groups(packings, &whole, least_s, &stop)?;
        return fewest_nodes(&mut master, &whole, effort, &stop);
    }
    master.least_s = master.least_s.max(single_s);
    let mut chosen = Vec::new();
    adopt(&mut master, &mut chosen);
    let guide = by_groups_with_prices(&mut master, &whole, &stop)?;
    keep_better(&mut master, &mut chosen, |master, _| master.within_periods(&whole, &stop))?;
    keep_better(&mut master, &mut chosen, |master, chosen| Ok(master.anneal(&whole, chosen, (&guide, 0), &stop)))?;
    close(&mut master, &whole, (&guide, chosen), effort, &stop)
}

/// Closes the gap between the sum of rates and its bound: columns are generated with more and more precision, and better sets
/// are looked for after every few rounds.
fn close(
    master: &mut Master<'_, '_>,
    whole: &Space,
    (guide, mut chosen): (&[Vec<usize>], Vec<usize>),
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Result<(), Stopped> {
    let levels = master.first_levels(whole, stop)?;
    let mut relaxation = Relaxation::new(whole.clone(), levels, &master.pool);
    let (mut failed, mut round, mut annealings) = (0, 0, 1);
    let mut precisions = PRECISIONS.into_iter().peekable();
    while failed < effort.most_failed || precisions.peek().is_some() {
        if let Some(&precision) = precisions.peek() {
            let bounded = master.generate(&mut relaxation, precision, (effort.rounds, true), stop)?;
            if bounded.is_settled {
                precisions.next();
            }
        } else {
            relaxation.extend(&master.pool);
            relaxation.solve();
        }
        keep_better(master, &mut chosen, |master, chosen| {
            master.best_known(&relaxation, chosen, NODES_OF_KNOWN, stop)
        })?;
        if round % ROUNDS_PER_DIVE == 1 {
            keep_better(master, &mut chosen, |master, _| master.dive(whole, stop))?;
            if annealings < ANNEALINGS {
                keep_better(master, &mut chosen, |master, chosen| {
                    Ok(master.anneal(whole, chosen, (guide, annealings), stop))
                })?;
                annealings += 1;
            }
        }
        let longest = chosen.iter().map(|&id| master.pool[id].nodes).max().unwrap_or(1);
        for _ in 0..(EXCHANGED_NODES / longest).clamp(1, EXCHANGES) {
            failed = if exchange(master, whole, &mut chosen, stop)? { 0 } else { failed + 1 };
        }
        round += 1;
    }
    Ok(())
}

/// Finds the best set by groups of hosts. Column generation begins with its prices. Returns for each of its pipelines the groups of
/// the hosts, in order.
fn by_groups_with_prices(
    master: &mut Master<'_, '_>,
    whole: &Space,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Vec<usize>>, Stopped> {
    let (packings, classes) = (master.packings, master.classes);
    let Some(grouped) = by_groups(packings, whole, master.least_s, stop)? else { return Ok(Vec::new()) };
    let group = |class: usize| packings.instance.group_of[classes.members[class][0]].number();
    let prices = grouped.prices.for_classes((0..classes.count()).map(group));
    let most_per_s = prices.of_all(&whole.room, (whole.most, whole.most_nodes), &[]);
    master.centre = Some((prices, most_per_s * (1.0 + ROUNDING)));
    Ok(grouped.orders)
}

/// Finds the best set by groups of hosts, and records what it proves.
fn by_groups(
    packings: &Packings<'_>,
    whole: &Space,
    least_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Grouped>, Stopped> {
    let limits = Limits { most: whole.most, ..limits(packings) };
    let grouped = grouped::best(packings.instance, &limits, least_s, stop)?;
    if let Some(best) = &grouped
        && packings.considers_all_cuts()
    {
        prove(packings, &limits, best.rate_per_s * (1.0 + ROUNDING), best.nodes);
    }
    Ok(grouped)
}

/// Returns the values that periods from `least_s` on can have, or none if there are too many.
pub fn values_of(instance: &Instance, least_s: f64, stop: &dyn Fn() -> bool) -> Result<Vec<f64>, Stopped> {
    Ok(match candidates(instance, least_s, f64::INFINITY, MOST_LISTED, stop)? {
        Listed::All(values_s) => values_s,
        Listed::TooMany => Vec::new(),
    })
}

/// Exchanges some pipelines. Returns `true` if that makes the set better.
fn exchange(
    master: &mut Master<'_, '_>,
    whole: &Space,
    chosen: &mut Vec<usize>,
    stop: &dyn Fn() -> bool,
) -> Result<bool, Stopped> {
    let count = master.rng.random_range(1..=3);
    let better = master.exchange(whole, chosen, count, stop)?;
    let is_better = better.is_some();
    if let Some(better) = better {
        *chosen = better;
        master.offer(chosen);
    }
    Ok(is_better)
}

/// Keeps a set that is better than the chosen one.
fn keep_better(
    master: &mut Master<'_, '_>,
    chosen: &mut Vec<usize>,
    find: impl FnOnce(&mut Master<'_, '_>, &[usize]) -> Result<Vec<usize>, Stopped>,
) -> Result<(), Stopped> {
    let found = find(master, chosen)?;
    if master.offer(&found) > master.offer(chosen) {
        *chosen = found;
    }
    Ok(())
}

/// Begins from the best packing, whoever found it.
fn adopt(master: &mut Master<'_, '_>, chosen: &mut Vec<usize>) {
    let Some(best) = master.packings.best() else { return };
    let ids: Option<Vec<usize>> = best.pipelines.iter().map(|it| master.id_of(&it.assignment)).collect();
    if let Some(ids) = ids.filter(|ids| master.offer(ids) > master.offer(chosen)) {
        *chosen = ids;
    }
}

/// Searches for the fewest hosts that reach the target.
fn fewest_nodes(
    master: &mut Master<'_, '_>,
    whole: &Space,
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Result<(), Stopped> {
    let packings = master.packings;
    loop {
        // The bound rises from below, and sets with as few hosts are looked for at the same time.
        let before = packings.fewest_nodes();
        let space = Space { most_nodes: before.min(whole.most_nodes), ..whole.clone() };
        let mut relaxation = Relaxation::new(space.clone(), Vec::new(), &master.pool);
        for precision in PRECISIONS {
            master.generate(&mut relaxation, precision, (effort.rounds, true), stop)?;
            if packings.fewest_nodes() > before {
                break;
            }
            let known = master.best_known(&relaxation, &[], NODES_OF_KNOWN, stop)?;
            master.offer(&known);
            let found = master.dive(&space, stop)?;
            master.offer(&found);
        }
        if packings.fewest_nodes() == before || packings.fewest_nodes() > whole.most_nodes {
            break;
        }
    }
    for most_nodes in packings.fewest_nodes()..=whole.most_nodes {
        let space = Space { most_nodes, ..whole.clone() };
        let mut chosen = master.within_periods(&space, stop)?;
        keep_better(master, &mut chosen, |master, _| master.dive(&space, stop))?;
        for _ in 0..effort.most_failed.min(EXCHANGES_PER_SIZE) {
            exchange(master, &space, &mut chosen, stop)?;
        }
        if packings.best().is_some() {
            return Ok(());
        }
    }
    greedy::search(packings);
    Ok(())
}
