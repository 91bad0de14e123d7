//! The search where not all pipelines can be listed.

use rand::RngExt;

use super::cheapest::Search;
use super::classes::Classes;
use super::improve::ROUGH;
use super::master::Master;
use super::relaxation::{Relaxation, Space};
use super::sweep::Precision;
use super::within::Network;
use crate::bits::for_width;
use crate::bounds;
use crate::domain::options::Objective;
use crate::pipelines::{Packings, greedy};
use crate::stopped::Stopped;

/// The precisions of the bound, one after the other.
const PRECISIONS: [Precision; 4] = [
    ROUGH,
    Precision { step: 0.02, labels: 4_000, wanted: 2 },
    Precision { step: 0.008, labels: 15_000, wanted: 2 },
    Precision { step: 0.002, labels: 60_000, wanted: 1 },
];

/// The most rounds at one precision.
const MOST_ROUNDS: usize = 60;

/// Nodes of a tree over the known columns.
const NODES_OF_KNOWN: usize = 400;

/// Exchanges between two attempts to prove more.
const EXCHANGES: usize = 40;

/// Exchanges in a row without gain after which the search ends.
const MOST_FAILED: usize = 2_000;

/// Searches by column generation.
pub fn search(packings: &Packings<'_>, classes: &Classes) -> Result<(), Stopped> {
    for_width!(few packings.instance.blocks() + 1, W => search_on::<W>(packings, classes), else {
        greedy::search(packings);
        Ok(())
    })
}

fn search_on<const W: usize>(packings: &Packings<'_>, classes: &Classes) -> Result<(), Stopped> {
    let stop = || packings.must_end();
    let least_s = bounds::of(packings.instance).least_period(&stop)?;
    if least_s <= 0.0 {
        // A pipeline with a period of 0 is the answer alone.
        greedy::search(packings);
        if packings.must_end() {
            return Ok(());
        }
    }
    let network = Network::<W>::new(packings.instance, classes, &stop)?;
    let mut cheapest = Search::new(network, &classes.sizes());
    let mut master = Master::new(packings, classes, &mut cheapest, least_s);
    let whole = Space {
        room: classes.sizes(),
        most: packings.most_pipelines(),
        most_nodes: packings.most_hosts(),
    };
    if matches!(packings.instance.objective, Objective::MinNodes { .. }) {
        return fewest_nodes(&mut master, &whole, &stop);
    }
    let first = master.one_after_the_other(&whole, &stop)?;
    master.offer(&first);
    let mut relaxation = Relaxation::new(whole.clone(), Vec::new(), &master.pool);
    let mut failed = 0;
    let mut chosen = first;
    for (round, precision) in PRECISIONS.into_iter().enumerate() {
        master.generate(&mut relaxation, precision, (MOST_ROUNDS, true), &stop)?;
        keep_better(&mut master, &mut chosen, |master, chosen| {
            master.best_known(&whole, chosen, NODES_OF_KNOWN, &stop)
        })?;
        keep_better(&mut master, &mut chosen, |master, _| master.dive(&whole, &stop))?;
        if round == 0 {
            greedy::search(packings);
            adopt(&mut master, &mut chosen);
        }
        exchange(&mut master, &whole, &mut chosen, &mut failed, &stop)?;
    }
    while failed < MOST_FAILED {
        exchange(&mut master, &whole, &mut chosen, &mut failed, &stop)?;
        relaxation.extend(&master.pool);
        relaxation.solve();
        keep_better(&mut master, &mut chosen, |master, chosen| {
            master.best_known(&whole, chosen, NODES_OF_KNOWN, &stop)
        })?;
    }
    Ok(())
}

/// Exchanges some pipelines a number of times.
fn exchange(
    master: &mut Master<'_, '_>,
    whole: &Space,
    chosen: &mut Vec<usize>,
    failed: &mut usize,
    stop: &dyn Fn() -> bool,
) -> Result<(), Stopped> {
    for _ in 0..EXCHANGES {
        let count = master.rng.random_range(1..=3);
        match master.exchange(whole, chosen, count, stop)? {
            Some(better) => {
                *chosen = better;
                master.offer(chosen);
                *failed = 0;
            }
            None => *failed += 1,
        }
    }
    Ok(())
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
fn fewest_nodes(master: &mut Master<'_, '_>, whole: &Space, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
    let packings = master.packings;
    let mut largest = whole.clone();
    loop {
        // The bound is raised from below, and sets with fewer hosts are looked for at the same time.
        let most_nodes = packings.fewest_nodes().min(largest.most_nodes);
        let space = Space { most_nodes, ..largest.clone() };
        let mut relaxation = Relaxation::new(space.clone(), Vec::new(), &master.pool);
        let before = packings.fewest_nodes();
        for precision in PRECISIONS {
            master.generate(&mut relaxation, precision, (MOST_ROUNDS, true), stop)?;
            if packings.fewest_nodes() > before {
                break;
            }
            let known = master.best_known(&space, &[], NODES_OF_KNOWN, stop)?;
            master.offer(&known);
            let found = master.dive(&space, stop)?;
            master.offer(&found);
        }
        if packings.fewest_nodes() == before {
            break;
        }
    }
    for most_nodes in packings.fewest_nodes()..=whole.most_nodes {
        largest.most_nodes = most_nodes;
        let mut chosen = master.one_after_the_other(&largest, stop)?;
        keep_better(master, &mut chosen, |master, _| master.dive(&largest, stop))?;
        let mut failed = 0;
        for _ in 0..3 {
            exchange(master, &largest, &mut chosen, &mut failed, stop)?;
        }
        if packings.best().is_some() {
            return Ok(());
        }
    }
    greedy::search(packings);
    Ok(())
}

