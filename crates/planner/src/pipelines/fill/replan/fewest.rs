//! The fewest bytes among given columns.
//!
//! Each decision asks for a set within some bytes whose sum of rates is large enough: a packing problem with one limit more
//! (the ε-constraint method: Haimes, Lasdon and Wismer 1971). The first one asks for less than is known, the others halve
//! the range of bytes.

use super::super::branch::{Branching, Chosen};
use super::super::by_counts::Limits;
use super::super::classes::Classes;
use super::super::column::Column;
use super::super::{INSTANT_PER_S, MOST_NODES};
use crate::cost::Assignment;
use crate::pipelines::Packings;
use crate::stopped::Stopped;

/// How much is tried, and what is claimed.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// The most nodes of a tree.
    pub nodes: usize,
    /// Whether the columns are all that can matter, so that what is proven holds for all packings.
    pub proves: bool,
}

impl Effort {
    /// The effort for all columns.
    pub const ALL: Self = Self { nodes: MOST_NODES, proves: true };
}

/// Chooses the set of columns that ships the fewest bytes, of those whose sum of rates is at least `needed_per_s`.
pub fn fewest_bytes(
    packings: &Packings<'_>,
    classes: &Classes,
    columns: &[Column],
    needed_per_s: f64,
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Result<(), Stopped> {
    let instants = columns.iter().filter(|column| !column.rate_per_s.is_finite());
    let fits = |column: &&Column| column.nodes <= packings.most_hosts();
    let instant = instants.filter(fits).min_by(|a, b| {
        let by_stages = || a.nodes.cmp(&b.nodes).then_with(|| a.stages.cmp(&b.stages));
        a.bytes.total_cmp(&b.bytes).then_with(by_stages)
    });
    if let Some(instant) = instant {
        // A pipeline with the period 0 is the answer alone.
        choose(packings, classes, [instant]);
        if effort.proves && !needed_per_s.is_finite() {
            packings.prove_fewest_bytes(instant.bytes as u64);
        }
        return Ok(());
    }
    let Some((_, mut high)) = packings.cheapest().filter(|_| needed_per_s <= INSTANT_PER_S) else { return Ok(()) };
    let limits = Limits {
        most: packings.most_pipelines(),
        most_nodes: packings.most_hosts(),
        needed_rate_per_s: Some(needed_per_s),
    };
    let sizes = classes.sizes();
    let within = |bytes: u64, limits: Limits| {
        let branching = Branching::new(columns, limits, effort.nodes).within_bytes(bytes as f64);
        branching.search(&sizes, Vec::new(), stop)
    };
    let of = |best: &Chosen| best.columns.iter().map(|&column| &columns[column]).collect::<Vec<&Column>>();
    let mut low = 0;
    let mut next = high.saturating_sub(1);
    while low < high {
        let outcome = within(next, limits)?;
        if outcome.best.rate_per_s >= needed_per_s {
            let found = of(&outcome.best);
            high = found.iter().map(|column| column.bytes).sum::<f64>() as u64;
            choose(packings, classes, found);
        } else if outcome.is_proven {
            low = next + 1;
            if effort.proves {
                packings.prove_fewest_bytes(low);
            }
        } else {
            break;
        }
        next = low + high.saturating_sub(low) / 2;
        next = next.min(high.saturating_sub(1));
    }
    // Of equal bytes, the largest sum.
    let largest = within(high, Limits { needed_rate_per_s: None, ..limits })?;
    choose(packings, classes, of(&largest.best));
    Ok(())
}

/// Chooses columns if they are better than what was chosen before.
fn choose<'c>(packings: &Packings<'_>, classes: &Classes, columns: impl IntoIterator<Item = &'c Column>) {
    let mut next = vec![0; classes.count()];
    let on_hosts = columns.into_iter().map(|column| classes.on_hosts(&column.stages, &mut next));
    if let Some(pipelines) = on_hosts.collect::<Option<Vec<Assignment>>>() {
        packings.choose(pipelines);
    }
}
