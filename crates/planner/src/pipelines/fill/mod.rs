//! The search for the best set of pipelines.
//!
//! Hosts that nothing distinguishes are counted in [`classes`]. Where all pipelines that can matter can be listed
//! ([`every_column`]), the best set of them is found by a dynamic programme ([`by_counts`]) or by branch and bound
//! ([`branch`]). Otherwise columns are generated ([`large`]): groups of hosts give a first bound, prices and a guide
//! ([`grouped`]), and pipelines are annealed together ([`anneal`]).

mod anneal;
mod branch;
mod by_class;
mod by_counts;
mod cheapest;
mod classes;
mod column;
mod completion;
mod counts;
mod every_column;
mod every_cut;
mod fastest_by_count;
mod grouped;
mod improve;
mod large;
mod line;
mod master;
mod prices;
mod relaxation;
mod replan;
mod simplex;
mod sweep;
#[cfg(test)]
mod tests;
mod within;
mod worth;

use self::branch::Branching;
use self::by_counts::{Limits, best_set};
use self::classes::Classes;
use self::column::Column;
use self::counts::Counts;
use self::every_column::every_column;
use self::large::Effort;
pub use self::replan::replan;
pub use self::worth::Worth;
use super::Packings;
use crate::cost::Assignment;
use crate::domain::options::Objective;
use crate::stopped::Stopped;

/// The most counts of hosts for which tables are filled.
const MOST_COUNTS: usize = 1 << 13;

/// The most cells of such a table, each a count, a class and a position.
const MOST_CELLS: usize = 6_000_000;

/// The most nodes of a tree over all columns.
const MOST_NODES: usize = 200_000;

/// The rate that stands for a period of 0, per second.
const INSTANT_PER_S: f64 = 1e200;

/// Searches for the best pipelines until the packings say that the search must end, or nothing is left to try.
pub fn search(packings: &Packings<'_>) {
    let _: Result<(), Stopped> = search_all(packings);
}

fn search_all(packings: &Packings<'_>) -> Result<(), Stopped> {
    let stop = || packings.must_end();
    let classes = Classes::new(packings.instance, &stop)?;
    let counts = Counts::new(&classes.sizes(), MOST_COUNTS);
    if let Some(columns) = every_column(packings.instance, &classes, counts.as_ref(), &stop)? {
        return among_all(packings, &classes, counts.as_ref(), columns);
    }
    large::search(packings, &classes, Effort::ALL)
}

/// Finds the best set among all columns that can matter.
fn among_all(
    packings: &Packings<'_>,
    classes: &Classes,
    counts: Option<&Counts>,
    mut columns: Vec<Column>,
) -> Result<(), Stopped> {
    let stop = || packings.must_end();
    let limits = limits(packings);
    for column in columns.iter_mut().filter(|column| !column.rate_per_s.is_finite()) {
        column.rate_per_s = INSTANT_PER_S;
        column.loads.clear();
    }
    if columns.iter().any(|column| column.rate_per_s == INSTANT_PER_S) && limits.needed_rate_per_s.is_none() {
        // The fewest nodes with a period of 0 are the answer alone.
        columns.retain(|column| column.rate_per_s == INSTANT_PER_S && column.nodes <= limits.most_nodes);
        columns.sort_by(|a, b| a.nodes.cmp(&b.nodes).then_with(|| a.stages.cmp(&b.stages)));
        columns.truncate(1);
        offer(packings, classes, &columns, &[0]);
        return Ok(());
    }
    let share_nothing = columns.iter().all(|column| column.loads.is_empty());
    let found = match counts.filter(|_| share_nothing) {
        Some(counts) => best_set(&columns, counts, &limits, &stop)?,
        None => None,
    };
    if let Some(found) = found {
        let reached = offer(packings, classes, &columns, &found);
        prove(packings, &limits, reached, found.iter().map(|&column| columns[column].nodes).sum());
        return Ok(());
    }
    let sizes = classes.sizes();
    let Some(needed_per_s) = limits.needed_rate_per_s else {
        let outcome = Branching::new(&columns, limits, MOST_NODES).search(&sizes, Vec::new(), &stop)?;
        let reached = offer(packings, classes, &columns, &outcome.best.columns);
        if outcome.is_proven {
            prove(packings, &limits, reached, outcome.best.nodes);
        }
        return Ok(());
    };
    for most_nodes in packings.fewest_nodes().max(1)..=limits.most_nodes {
        let of_size = Limits { most_nodes, ..limits };
        let outcome = Branching::new(&columns, of_size, MOST_NODES).search(&sizes, Vec::new(), &stop)?;
        if outcome.best.rate_per_s >= needed_per_s {
            // As many nodes with the largest sum.
            let largest = Limits { needed_rate_per_s: None, ..of_size };
            let known = outcome.best.columns.clone();
            offer(packings, classes, &columns, &known);
            // The number of nodes is proven by now, so that the packings call for an end.
            let stop = || packings.env.stop.reason().is_some();
            let better = Branching::new(&columns, largest, MOST_NODES).search(&sizes, known, &stop)?;
            offer(packings, classes, &columns, &better.best.columns);
            return Ok(());
        }
        if !outcome.is_proven {
            return Ok(());
        }
        packings.prove_fewest_nodes(if most_nodes == limits.most_nodes { usize::MAX } else { most_nodes + 1 });
    }
    Ok(())
}

fn limits(packings: &Packings<'_>) -> Limits {
    let needed = packings.needed_rate_per_s().min(INSTANT_PER_S);
    Limits {
        most: packings.most_pipelines(),
        most_nodes: packings.most_hosts(),
        needed_rate_per_s: matches!(packings.instance.objective, Objective::MinNodes { .. }).then_some(needed),
    }
}

/// Offers a set of columns. Returns its sum of rates, or 0 if it is none.
fn offer(packings: &Packings<'_>, classes: &Classes, columns: &[Column], chosen: &[usize]) -> f64 {
    let mut next = vec![0; classes.count()];
    let on_hosts = chosen.iter().map(|&column| classes.on_hosts(&columns[column].stages, &mut next));
    let Some(pipelines) = on_hosts.collect::<Option<Vec<Assignment>>>() else { return 0.0 };
    let rate_per_s = packings.packing_of_any_sum(pipelines.clone()).map_or(0.0, |packing| packing.rate_per_s);
    packings.offer(pipelines);
    rate_per_s
}

/// Records that a set is the best.
fn prove(packings: &Packings<'_>, limits: &Limits, rate_per_s: f64, nodes: usize) {
    if !packings.considers_all_cuts() {
        return;
    }
    match limits.needed_rate_per_s {
        Some(needed) => packings.prove_fewest_nodes(if rate_per_s >= needed { nodes } else { usize::MAX }),
        None => packings.prove_most(rate_per_s),
    }
}
