//! The linear relaxation over the columns that are known so far.

use std::collections::BTreeMap;

use super::column::Column;
use super::prices::{Level, Prices};
use super::simplex::{Programme, Variable};
use crate::pipelines::shared_loads::SharedResource;

/// What sets of pipelines may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// For each class, the number of hosts.
    pub room: Vec<usize>,
    /// The most pipelines.
    pub most: usize,
    /// The most hosts of all pipelines together.
    pub most_nodes: usize,
}

impl Space {
    /// Returns `true` if there is room for a column.
    pub fn holds(&self, column: &Column) -> bool {
        self.most > 0 && column.nodes <= self.most_nodes && column.fits(&self.room)
    }

    /// Takes what a column needs.
    pub fn take(&mut self, column: &Column) {
        column.take(&mut self.room);
        self.most -= 1;
        self.most_nodes -= column.nodes;
    }

    /// Returns the number of hosts.
    pub fn hosts(&self) -> usize {
        self.room.iter().sum()
    }
}

/// The relaxation of a space.
pub struct Relaxation {
    /// The space.
    pub space: Space,
    /// Limits for pipelines with small periods.
    pub levels: Vec<Level>,
    resources: BTreeMap<SharedResource, usize>,
    programme: Programme,
    /// For each variable its column.
    columns: Vec<usize>,
    /// How many columns of the pool are considered.
    seen: usize,
}

impl Relaxation {
    /// Returns the relaxation of a space with the columns of a pool.
    pub fn new(space: Space, levels: Vec<Level>, pool: &[Column]) -> Self {
        let used = pool.iter().flat_map(|column| &column.loads).map(|&(resource, _)| (resource, 0));
        let mut resources: BTreeMap<SharedResource, usize> = used.collect();
        resources.values_mut().enumerate().for_each(|(number, row)| *row = number);
        let mut limits: Vec<f64> = space.room.iter().map(|&room| room as f64).collect();
        limits.extend([space.most as f64, space.most_nodes as f64]);
        limits.extend(levels.iter().map(|level| level.most as f64));
        limits.extend(std::iter::repeat_n(1.0, resources.len()));
        let programme = Programme::new(limits);
        let mut relaxation = Self { space, levels, resources, programme, columns: Vec::new(), seen: 0 };
        relaxation.extend(pool);
        relaxation
    }

    /// Adds the columns that are new in the pool.
    pub fn extend(&mut self, pool: &[Column]) {
        let is_new = |column: &Column| column.loads.iter().any(|(resource, _)| !self.resources.contains_key(resource));
        if pool[self.seen..].iter().any(is_new) {
            *self = Self::new(self.space.clone(), std::mem::take(&mut self.levels), pool);
            return;
        }
        for (id, column) in pool.iter().enumerate().skip(self.seen) {
            if self.space.holds(column) {
                self.programme.add(Variable { value: column.rate_per_s, entries: self.entries(column) });
                self.columns.push(id);
            }
        }
        self.seen = pool.len();
    }

    /// Adds a level. The relaxation begins anew.
    pub fn add_level(&mut self, level: Level, pool: &[Column]) {
        let mut levels = std::mem::take(&mut self.levels);
        levels.push(level);
        *self = Self::new(self.space.clone(), levels, pool);
    }

    fn entries(&self, column: &Column) -> Vec<(usize, f64)> {
        let classes = self.space.room.len();
        let mut entries: Vec<(usize, f64)> = column.uses.iter().map(|&(class, count)| (class, count as f64)).collect();
        entries.extend([(classes, 1.0), (classes + 1, column.nodes as f64)]);
        let period_s = 1.0 / column.rate_per_s;
        let within = self.levels.iter().enumerate().filter(|(_, level)| period_s <= level.period_s);
        entries.extend(within.map(|(row, _)| (classes + 2 + row, 1.0)));
        let first = classes + 2 + self.levels.len();
        let load = |&(resource, seconds): &(SharedResource, f64)| {
            (first + self.resources[&resource], seconds * column.rate_per_s)
        };
        entries.extend(column.loads.iter().map(load));
        entries
    }

    /// Solves the relaxation. Returns `true` if it is solved.
    pub fn solve(&mut self) -> bool {
        self.programme.solve(200 * (self.programme.limits().len() + 50))
    }

    /// Returns the prices of the last solution.
    pub fn prices(&self) -> Prices {
        let duals = self.programme.duals();
        let classes = self.space.room.len();
        let levels = self.levels.len();
        Prices {
            of_class: duals[..classes].to_vec(),
            of_pipeline: duals[classes],
            of_host: duals[classes + 1],
            of_level: duals[classes + 2..classes + 2 + levels].to_vec(),
            of_resource: duals[classes + 2 + levels..].to_vec(),
        }
    }

    /// Returns what a column is worth beyond its price.
    pub fn gain(&self, column: &Column, prices: &Prices) -> f64 {
        let hosts: f64 = column.uses.iter().map(|&(class, count)| prices.of_class[class] * count as f64).sum();
        let shared = column.loads.iter().filter_map(|(resource, seconds)| {
            Some(prices.of_resource.get(*self.resources.get(resource)?)? * seconds * column.rate_per_s)
        });
        let period_s = 1.0 / column.rate_per_s;
        let others = prices.of_host * column.nodes as f64 + prices.of_period(period_s, &self.levels);
        column.rate_per_s - hosts - others - shared.sum::<f64>()
    }

    /// Returns the sum of rates of the last solution, with what each column has of it.
    pub fn solution(&self) -> Vec<(usize, f64)> {
        self.programme.solution().into_iter().map(|(variable, part)| (self.columns[variable], part)).collect()
    }

    /// Returns the shared resources, in the order of their prices.
    pub fn resources(&self) -> impl Iterator<Item = SharedResource> + '_ {
        self.resources.keys().copied()
    }

    /// Returns the same price for each host, which together are worth the last solution. `None` without hosts.
    pub fn even_prices(&mut self) -> Option<Prices> {
        self.solve();
        let prices = self.prices();
        let value = prices.of_all(&self.space.room, (self.space.most, self.space.most_nodes), &self.levels);
        let hosts = self.space.hosts();
        let even = value / hosts as f64;
        (hosts > 0 && even > 0.0).then(|| Prices {
            of_class: vec![even; self.space.room.len()],
            of_host: 0.0,
            of_pipeline: 0.0,
            of_level: vec![0.0; prices.of_level.len()],
            of_resource: vec![0.0; prices.of_resource.len()],
        })
    }
}
