//! Column generation: prices from the linear relaxation, new columns that are worth more than their price, and bounds.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::cheapest::Cheapest;
use super::classes::{Class, ClassStages, Classes};
use super::column::Column;
use super::prices::{Level, Prices};
use super::relaxation::Relaxation;
use super::sweep::{Periods, Precision, Swept, sweep};
use crate::cost::{Assignment, ROUNDING};
use crate::domain::options::Objective;
use crate::pipelines::Packings;
use crate::stopped::Stopped;

/// The most limits for pipelines with small periods.
const MOST_LEVELS: usize = 24;

/// A limit is added if a solution exceeds it by this many pipelines.
const LEAST_EXCESS: f64 = 0.02;

/// A column is worth more than its price if it is so by this part of its rate.
const LEAST_GAIN: f64 = 1e-7;

/// The share of the latest prices in those that are asked for.
const SHARE_OF_LATEST: f64 = 0.4;

/// The state of a search: the columns found so far.
pub struct Master<'m, 'p> {
    /// The packings.
    pub packings: &'m Packings<'p>,
    /// The classes of hosts.
    pub classes: &'m Classes,
    /// Finds cheap pipelines.
    pub cheapest: &'m mut dyn Cheapest,
    /// The columns.
    pub pool: Vec<Column>,
    /// The fastest column that shares nothing for some hosts.
    fastest: BTreeMap<Vec<(Class, usize)>, usize>,
    /// No pipeline has a smaller period, in seconds.
    pub least_s: f64,
    /// The values that periods can have, ascending; empty if there are too many.
    pub values_s: Vec<f64>,
    /// The prices of the best bound of all sets, and that bound, per second.
    pub centre: Option<(Prices, f64)>,
    /// Draws random numbers.
    pub rng: Pcg64Mcg,
}

/// How column generation on a space ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounded {
    /// No set of pipelines on the space has a larger sum of rates, per second.
    pub most_per_s: f64,
    /// The prices that prove it.
    pub prices: Option<Prices>,
    /// Whether no column that gains is left, or the bound is as near as the precision allows.
    pub is_settled: bool,
}

impl<'m, 'p> Master<'m, 'p> {
    /// Creates a state without columns.
    pub fn new(
        packings: &'m Packings<'p>,
        classes: &'m Classes,
        cheapest: &'m mut dyn Cheapest,
        (least_s, values_s): (f64, Vec<f64>),
    ) -> Self {
        let rng = Pcg64Mcg::seed_from_u64(packings.env.seed);
        Self {
            packings,
            classes,
            cheapest,
            pool: Vec::new(),
            fastest: BTreeMap::new(),
            least_s,
            values_s,
            centre: None,
            rng,
        }
    }

    /// Adds a pipeline. Returns its column, or `None` if it breaks a limit or is no better than a known one.
    pub fn add(&mut self, assignment: &Assignment) -> Option<usize> {
        let column = Column::new(self.packings.instance, self.classes, assignment)?;
        if !column.rate_per_s.is_finite() {
            return None;
        }
        let id = self.pool.len();
        if column.loads.is_empty() {
            let known = self.fastest.get(&column.uses);
            if known.is_some_and(|&known| self.pool[known].rate_per_s >= column.rate_per_s) {
                return None;
            }
            self.fastest.insert(column.uses.clone(), id);
        } else if self.pool.iter().any(|other| other.uses == column.uses && other.dominates(&column)) {
            return None;
        }
        self.pool.push(column);
        Some(id)
    }

    /// Adds stages on classes.
    pub fn add_stages(&mut self, stages: &ClassStages) -> Option<usize> {
        let assignment = self.classes.on_hosts(stages, &mut vec![0; self.classes.count()])?;
        self.add(&assignment)
    }

    /// Returns the id of the column of an assignment that is known, or adds it.
    pub fn id_of(&mut self, assignment: &Assignment) -> Option<usize> {
        let added = self.add(assignment);
        if added.is_some() {
            return added;
        }
        let column = Column::new(self.packings.instance, self.classes, assignment)?;
        if let Some(&known) = self.fastest.get(&column.uses) {
            return Some(known);
        }
        self.pool.iter().position(|other| other.uses == column.uses && other.dominates(&column))
    }

    /// Offers columns as a packing. Returns their sum of rates.
    pub fn offer(&self, chosen: &[usize]) -> f64 {
        super::offer(self.packings, self.classes, &self.pool, chosen)
    }

    /// Generates columns on a space for at most a number of rounds, until the bound is within `precision.step` of the
    /// value of the relaxation. With `proves` the space is that of all sets with at most so many hosts, so that what is
    /// proven is recorded.
    pub fn generate(
        &mut self,
        relaxation: &mut Relaxation,
        precision: Precision,
        (rounds, proves): (usize, bool),
        stop: &dyn Fn() -> bool,
    ) -> Result<Bounded, Stopped> {
        // The first prices of the relaxation are wild. They are moved towards even ones.
        let even = relaxation.even_prices();
        let mut best = Bounded { most_per_s: f64::INFINITY, prices: even, is_settled: false };
        if proves && let Some((prices, most_per_s)) = self.centre.take() {
            best = Bounded { prices: Some(prices), most_per_s, ..best };
        }
        let most_stages = self.packings.instance.most_stages;
        let mut uses_latest = false;
        for _ in 0..rounds {
            relaxation.extend(&self.pool);
            relaxation.solve();
            let space = relaxation.space.clone();
            let limits = (space.most, space.most_nodes);
            let latest = relaxation.prices();
            let asked = match &best.prices {
                Some(prices) if !uses_latest => prices.towards(&latest, SHARE_OF_LATEST),
                _ => latest.clone(),
            };
            let levels = relaxation.levels.clone();
            let periods = Periods { least_s: self.least_s, values_s: &self.values_s };
            let swept = sweep(self.cheapest, &asked, (&space, &levels, most_stages), periods, precision, stop)?;
            let bound = asked.of_all(&space.room, limits, &levels) * swept.quotient.max(1.0);
            if proves {
                self.prove(&asked, &swept, relaxation);
            }
            if bound < best.most_per_s {
                best = Bounded { most_per_s: bound, prices: Some(asked.clone()), is_settled: false };
            }
            let mut gained = false;
            for stages in &swept.found {
                if let Some(id) = self.add_stages(stages) {
                    let column = &self.pool[id];
                    gained |= relaxation.gain(column, &latest) > LEAST_GAIN * column.rate_per_s;
                }
            }
            let value = latest.of_all(&space.room, limits, &levels);
            let has_new_level = self.add_levels(relaxation, &asked, &swept);
            if !gained && !has_new_level {
                if uses_latest || best.most_per_s <= value * (1.0 + 1.5 * precision.step) {
                    best.is_settled = true;
                    break;
                }
                uses_latest = true;
            } else {
                uses_latest = false;
            }
        }
        relaxation.extend(&self.pool);
        relaxation.solve();
        if proves {
            self.centre = best.prices.clone().map(|prices| (prices, best.most_per_s));
        }
        Ok(best)
    }

    /// Records what prices prove about all sets, or about those with at most as many hosts as the space allows.
    fn prove(&self, prices: &Prices, swept: &Swept, relaxation: &Relaxation) {
        if !self.packings.considers_all_cuts() || !swept.quotient.is_finite() {
            return;
        }
        let (space, quotient) = (&relaxation.space, swept.quotient.max(1.0) * (1.0 + ROUNDING));
        let limits = (space.most, space.most_nodes);
        let bound_per_s = prices.of_all(&space.room, limits, &relaxation.levels) * quotient;
        if !matches!(self.packings.instance.objective, Objective::MinNodes { .. }) {
            self.packings.prove_most(bound_per_s);
            return;
        }
        let needed_per_s = self.packings.needed_rate_per_s();
        let fixed_per_s = bound_per_s - prices.of_host * space.most_nodes as f64 * quotient;
        let per_host = prices.of_host * quotient;
        if bound_per_s < needed_per_s {
            let all = space.most_nodes >= self.packings.most_hosts();
            self.packings.prove_fewest_nodes(if all { usize::MAX } else { space.most_nodes + 1 });
        } else if per_host > 0.0 {
            let fewest = ((needed_per_s - fixed_per_s) / per_host * (1.0 - 1e-9)).ceil().max(1.0) as usize;
            self.packings.prove_fewest_nodes(fewest.min(space.most_nodes));
        }
    }

    /// Adds limits for pipelines with small periods that the solution exceeds. All hosts together cost P and each pipeline
    /// within a period at least p, so that there are at most P / p of them, rounded down (Chvátal 1973 and Gomory 1958).
    fn add_levels(&self, relaxation: &mut Relaxation, prices: &Prices, swept: &Swept) -> bool {
        let space = &relaxation.space;
        let all = prices.of_hosts(&space.room, space.most_nodes.min(space.hosts()));
        let solution = relaxation.solution();
        let mut worst: Option<(f64, Level)> = None;
        for &(period_s, least) in &swept.least {
            if least <= 0.0 || relaxation.levels.len() >= MOST_LEVELS {
                continue;
            }
            let most = ((all / least) * (1.0 + 1e-9) + 1e-9).floor() as usize;
            let within = |id: usize| 1.0 / self.pool[id].rate_per_s <= period_s;
            let used: f64 = solution.iter().filter(|&&(id, _)| within(id)).map(|&(_, part)| part).sum();
            let excess = used - most as f64;
            if excess > LEAST_EXCESS && worst.is_none_or(|(most, _)| excess > most) {
                worst = Some((excess, Level { period_s, most }));
            }
        }
        let Some((_, level)) = worst else { return false };
        relaxation.add_level(level, &self.pool);
        true
    }
}
