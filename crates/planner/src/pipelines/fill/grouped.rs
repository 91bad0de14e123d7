//! A bound of all sets of pipelines by groups of hosts: as if the best link between any two groups joined all of their hosts.
//!
//! Hosts of a group have the same memory and speed. Without their places in the network they are counted, and the best set of pipelines is
//! found exactly. What is lost are differences between links: the bound is near where computing takes the time.

use super::by_class::ByClass;
use super::by_counts::{Limits, best_set};
use super::classes::ClassStages;
use super::column::{Column, uses_of};
use super::counts::Counts;
use super::fastest_by_count::FastestByCount;
use super::prices::Prices;
use super::relaxation::{Relaxation, Space};
use super::{INSTANT_PER_S, MOST_COUNTS};
use crate::index::Index;
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The best set of pipelines where only groups count.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouped {
    /// No set of pipelines on hosts has a larger sum of rates, per second; with `min_nodes` none that suffices has fewer hosts.
    pub rate_per_s: f64,
    /// The number of hosts.
    pub nodes: usize,
    /// For each pipeline the groups of its hosts, in order.
    pub orders: Vec<Vec<usize>>,
    /// Prices of the groups' hosts at which no pipeline is worth more than it costs.
    pub prices: Prices,
}

/// Returns the number of ways to count the hosts of each group.
pub fn counts_of(instance: &Instance) -> usize {
    sizes(instance).iter().map(|size| size + 1).fold(1, usize::saturating_mul)
}

fn sizes(instance: &Instance) -> Vec<usize> {
    let mut sizes = vec![0; instance.groups.len()];
    instance.group_of.iter().for_each(|group| sizes[group.number()] += 1);
    sizes
}

/// Returns the best set of pipelines, where none has a period below `least_s` seconds. Returns `None` if there are too many groups and hosts, or if pipelines with a period of 0 may exist.
pub fn best(
    instance: &Instance,
    limits: &Limits,
    least_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Grouped>, Stopped> {
    let sizes = sizes(instance);
    let Some(counts) = Counts::new(&sizes, MOST_COUNTS) else { return Ok(None) };
    let costs = ByClass::of_groups(instance);
    let Some(fastest) = FastestByCount::new(&costs, &counts, stop)? else { return Ok(None) };
    let column = |(stages, period_s): (ClassStages, f64)| Column {
        uses: uses_of(&stages),
        nodes: stages.len(),
        stages,
        rate_per_s: 1.0 / period_s.max(least_s),
        loads: Vec::new(),
        bytes: 0.0,
    };
    let columns: Vec<Column> = fastest.pipelines(stop)?.into_iter().map(column).collect();
    if columns.iter().any(|column| column.rate_per_s > INSTANT_PER_S) {
        return Ok(None);
    }
    let Some(best) = best_set(&columns, &counts, limits, stop)? else { return Ok(None) };
    let prices = prices(&columns, Space { room: sizes, most: limits.most, most_nodes: limits.most_nodes });
    let best: Vec<&Column> = best.iter().map(|&column| &columns[column]).collect();
    Ok(Some(Grouped {
        rate_per_s: best.iter().map(|column| column.rate_per_s).sum(),
        nodes: best.iter().map(|column| column.nodes).sum(),
        orders: best.iter().map(|column| column.stages.iter().map(|&(_, group)| group).collect()).collect(),
        prices,
    }))
}

/// Returns the prices of a space where all pipelines are known.
fn prices(columns: &[Column], space: Space) -> Prices {
    let mut relaxation = Relaxation::new(space, Vec::new(), columns);
    relaxation.solve();
    relaxation.prices()
}
