//! Prices of hosts: a period is refuted if the cheapest walk costs more than all hosts together.
//!
//! Every placement uses each host at most once, so it costs at most the sum of all prices. A walk
//! may use a host again. The cheapest walk is found by a dynamic programme over positions.
//! Multiplicative updates raise the prices of the hosts that the cheapest walk uses often, so that
//! the cheapest walk becomes as expensive as possible. Prices account for links, memory and compute
//! at once, where memories of walks learn one cycle at a time. Each update takes O(n (p + m log
//! n)), with p stages of each host within the period.
//!
//! Sources: Held and Karp 1971 (prices of visits, doi 10.1007/BF01584070); Christofides, Mingozzi
//! and Toth 1981 (the relaxation by walks, doi 10.1002/net.3230110207); Plotkin, Shmoys and Tardos
//! 1995 (the updates, doi 10.1287/moor.20.2.257).

use super::at_period::AtPeriod;
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::index::{Grid, GroupIndex, Host, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Prices are sums of doubles: a walk must cost more than all hosts by at least this relative
/// error.
const ROUNDING: f64 = 1e-9;

/// The most cells of a walk's tables, by host and position. No period is judged if there are more.
const MOST_CELLS: usize = 1 << 23;

/// The positions between two calls of the stop hook.
const POSITIONS_PER_STOP: usize = 64;

/// No price falls below this part of all prices, so that each can rise again.
const LEAST_PRICE: f64 = 1e-9;

/// The result of a search for prices that refute a period.
#[derive(Debug)]
pub enum Priced {
    /// No placement exists: there is no walk, or every walk costs more than all hosts.
    Infeasible,
    /// The cheapest walk is a placement.
    Placement(Assignment),
    /// Neither was found.
    Unknown,
}

/// Prices of hosts and, if fewer stages than hosts are allowed, of stages. They sum to 1. The
/// prices of one period are a good start for the next.
#[derive(Debug, Clone)]
pub struct Prices {
    of_hosts: IndexVec<Host, f64>,
    /// The price of all allowed stages together.
    of_stages: f64,
}

/// The least cost to the end of the model, by host and the position at which its stage starts. It
/// includes that stage.
pub struct ToGo<'p> {
    prices: &'p Prices,
    costs: Grid<Host, Position, f64>,
}

impl ToGo<'_> {
    /// Returns the least cost of a placement that begins with some hosts. The stage of the last of
    /// them may start at any of some positions.
    pub fn least<const W: usize>(&self, used: impl Iterator<Item = Host>, last: Host, starts: &Bits<W>) -> f64 {
        let costs = self.costs.row(last);
        let to_go = starts.iter().map(|start| costs[start]).fold(f64::INFINITY, f64::min);
        let before: f64 = used.map(|host| self.prices.of_hosts[host]).sum();
        before - self.prices.of_hosts[last] + to_go
    }
}

/// The stages within a period, and the walks over them.
struct Walks<'t, const W: usize> {
    tables: &'t AtPeriod<'t, W>,
    /// For each group and start, the ends of its stages.
    ends: Grid<GroupIndex, Position, Vec<Position>>,
    first_hosts: Vec<Host>,
    /// For each host, the starts from which the end can be reached.
    finishing: IndexVec<Host, Bits<W>>,
}

/// The stages of a walk and their cost.
struct Walk {
    cost: f64,
    assignment: Assignment,
}

/// How much a walk uses of each host and of the allowed stages. A placement uses at most 1 of each.
struct Used {
    of_hosts: IndexVec<Host, f64>,
    of_stages: f64,
}

/// The weighted sum of what some walks use.
struct Mixture {
    used: Used,
    weight: f64,
}

impl Used {
    fn by(walk: &Assignment, instance: &Instance) -> Self {
        let mut of_hosts = instance.by_host(0.0);
        walk.stages.iter().for_each(|&(_, host)| of_hosts[host] += 1.0);
        Self { of_hosts, of_stages: walk.stages.len() as f64 / instance.most_stages as f64 }
    }
}

impl Mixture {
    fn new(prices: &Prices) -> Self {
        Self { used: Used { of_hosts: IndexVec::filled(0.0, prices.of_hosts.len()), of_stages: 0.0 }, weight: 0.0 }
    }

    fn add(&mut self, used: &Used, weight: f64) {
        self.used.of_hosts.iter_mut().zip(&used.of_hosts).for_each(|(sum, used)| *sum += weight * used);
        self.used.of_stages += weight * used.of_stages;
        self.weight += weight;
    }

    /// Returns `true` if the walks together use no more than there is. No prices refute the period
    /// then.
    fn keeps_to_hosts(&self) -> bool {
        self.used.of_hosts.iter().all(|&used| used <= self.weight) && self.used.of_stages <= self.weight
    }
}

impl Prices {
    /// Creates the same price for each host.
    pub fn new(hosts: usize) -> Self {
        Self { of_hosts: IndexVec::filled(1.0 / hosts as f64, hosts), of_stages: 0.0 }
    }

    /// Searches for prices that refute a period with at most `updates` updates.
    pub fn judge<const W: usize>(
        &mut self,
        tables: &AtPeriod<'_, W>,
        updates: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Priced, Stopped> {
        let instance = tables.instance;
        if instance.hosts.len() * (instance.blocks() + 1) > MOST_CELLS {
            return Ok(Priced::Unknown);
        }
        if instance.most_stages < instance.hosts.len() && self.of_stages == 0.0 {
            self.of_stages = 1.0 / (instance.hosts.len() + 1) as f64;
            self.scale();
        }
        let walks = Walks::new(tables);
        let (mut best, mut dearest) = (self.clone(), 0.0);
        let mut mixed = Mixture::new(self);
        for update in 0..updates {
            let Some(walk) = walks.cheapest(self, stop)? else { return Ok(Priced::Infeasible) };
            if walk.cost > 1.0 + ROUNDING {
                return Ok(Priced::Infeasible);
            }
            if !walk.assignment.has_cycle() && walk.assignment.stages.len() <= instance.most_stages {
                return Ok(Priced::Placement(walk.assignment));
            }
            if walk.cost > dearest {
                dearest = walk.cost;
                best.clone_from(self);
            }
            let rate = 1.0 / (1.0 + update as f64).sqrt();
            let used = Used::by(&walk.assignment, instance);
            mixed.add(&used, rate);
            if mixed.keeps_to_hosts() {
                break;
            }
            self.raise(&used, rate);
        }
        *self = best;
        Ok(Priced::Unknown)
    }

    /// Raises the prices of what a walk uses.
    fn raise(&mut self, used: &Used, rate: f64) {
        let most = used.of_hosts.iter().copied().fold(used.of_stages, f64::max);
        for (price, used) in self.of_hosts.iter_mut().zip(&used.of_hosts) {
            *price = (*price * (rate * used / most).exp()).max(LEAST_PRICE);
        }
        self.of_stages *= (rate * used.of_stages / most).exp();
        self.scale();
    }

    /// Returns the least cost from each host and start to the end.
    pub fn to_go<const W: usize>(&self, tables: &AtPeriod<'_, W>) -> ToGo<'_> {
        ToGo { prices: self, costs: Walks::new(tables).costs_to_go(self) }
    }

    fn scale(&mut self) {
        let sum = self.of_hosts.iter().sum::<f64>() + self.of_stages;
        self.of_hosts.iter_mut().for_each(|price| *price /= sum);
        self.of_stages /= sum;
    }
}

impl<'t, const W: usize> Walks<'t, W> {
    fn new(tables: &'t AtPeriod<'t, W>) -> Self {
        let instance = tables.instance;
        let finishing = instance.hosts.indices().map(|host| tables.finishing(host, instance.most_stages)).collect();
        let mut useful: Bits<W> = Bits::EMPTY;
        tables.useful_cuts().into_iter().for_each(|position| useful.insert(position));
        let ends_from = |(group, start): (GroupIndex, Position)| {
            if !useful.contains(start) {
                return Vec::new();
            }
            let ends = tables.ends_of_group(group, &Bits::single(start)).and(&useful);
            ends.iter().collect()
        };
        let stages = instance.groups.indices().flat_map(|group| instance.starts().map(move |start| (group, start)));
        let ends = Grid::of_cells(stages.map(ends_from).collect(), instance.blocks());
        Self { tables, ends, first_hosts: tables.first_hosts().collect(), finishing }
    }

    /// Returns the cheapest walk, or `None` if none reaches the end.
    fn cheapest(&self, prices: &Prices, stop: &dyn Fn() -> bool) -> Result<Option<Walk>, Stopped> {
        let instance = self.tables.instance;
        let (hosts, blocks) = (instance.hosts.len(), instance.blocks());
        let of_stage = prices.of_stages / instance.most_stages as f64;
        // By host, then position: the least cost until a stage ends there, the start of that stage,
        // and the host before a stage that starts there.
        let mut ended: Grid<Host, Position, f64> = Grid::filled(f64::INFINITY, hosts, blocks + 1);
        let mut start_of: Grid<Host, Position, Position> = Grid::filled(Position::FIRST, hosts, blocks + 1);
        let mut came_from: Grid<Host, Position, Host> = Grid::filled(Host::NOWHERE, hosts, blocks + 1);
        let mut before: Vec<(f64, Host)> = Vec::with_capacity(hosts);
        for position in instance.starts() {
            if position.number() % POSITIONS_PER_STOP == 0 && stop() {
                return Err(Stopped);
            }
            before.clear();
            before.extend(instance.hosts.indices().map(|host| (ended[(host, position)], host)));
            before.retain(|(cost, _)| cost.is_finite());
            before.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut begin = |host: Host, cost: f64| {
                let cost = cost + prices.of_hosts[host] + of_stage;
                for &end in &self.ends[(instance.group_of[host], position)] {
                    let at = (host, end);
                    if cost < ended[at] {
                        ended[at] = cost;
                        start_of[at] = position;
                    }
                }
            };
            if position == Position::FIRST {
                self.first_hosts.iter().for_each(|&host| begin(host, 0.0));
                continue;
            }
            for to in instance.hosts.indices().filter(|&to| !before.is_empty() && self.finishing[to].contains(position))
            {
                let leads = |&&(_, from): &&(f64, Host)| from != to && self.tables.carried(from, to).contains(position);
                if let Some(&(cost, from)) = before.iter().find(leads) {
                    came_from[(to, position)] = from;
                    begin(to, cost);
                }
            }
        }
        let last = instance.hosts.indices().filter(|&host| !self.tables.finishing(host, 1).is_empty());
        let cost_of = |host: Host| ended[(host, instance.last())];
        let cheapest = last.filter(|&host| cost_of(host).is_finite());
        let Some(mut host) = cheapest.min_by(|&a, &b| cost_of(a).total_cmp(&cost_of(b))) else { return Ok(None) };
        let cost = cost_of(host);
        let (mut stages, mut end) = (Vec::new(), instance.last());
        while end > Position::FIRST {
            stages.push((end, host));
            end = start_of[(host, end)];
            host = came_from[(host, end)];
        }
        stages.reverse();
        Ok(Some(Walk { cost, assignment: Assignment { stages } }))
    }

    /// Returns, by host and start, the least cost of a stage that starts there and of all stages
    /// after it. It is infinite if the end is not reached.
    fn costs_to_go(&self, prices: &Prices) -> Grid<Host, Position, f64> {
        let instance = self.tables.instance;
        let (hosts, blocks) = (instance.hosts.len(), instance.blocks());
        let of_stage = prices.of_stages / instance.most_stages as f64;
        let mut costs: Grid<Host, Position, f64> = Grid::filled(f64::INFINITY, hosts, blocks + 1);
        // By host and end of a stage on it: the least cost of all stages after it.
        let mut behind = costs.clone();
        for host in instance.hosts.indices().filter(|&host| !self.tables.finishing(host, 1).is_empty()) {
            behind[(host, instance.last())] = 0.0;
        }
        let mut after: Vec<(f64, Host)> = Vec::with_capacity(hosts);
        for position in instance.starts().rev() {
            after.clear();
            for host in instance.hosts.indices().filter(|&host| self.finishing[host].contains(position)) {
                let ends = &self.ends[(instance.group_of[host], position)];
                let least = ends.iter().map(|&end| behind[(host, end)]).fold(f64::INFINITY, f64::min);
                if least.is_finite() {
                    let cost = least + prices.of_hosts[host] + of_stage;
                    costs[(host, position)] = cost;
                    after.push((cost, host));
                }
            }
            after.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for from in instance.hosts.indices().filter(|_| position > Position::FIRST) {
                let follows = |&&(_, to): &&(f64, Host)| from != to && self.tables.carried(from, to).contains(position);
                if let Some(&(cost, _)) = after.iter().find(follows) {
                    behind[(from, position)] = cost;
                }
            }
        }
        costs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::costs;
    use crate::domain::request::PlanRequest;
    use crate::exact::beam::{BeamOutcome, search};
    use crate::exact::stage_ends::StageEnds;

    const INSTANCES: [&str; 4] = [
        include_str!("../../tests/instances/paper_tight_n16_0.json"),
        include_str!("../../tests/instances/paper_tight_n20_0.json"),
        include_str!("../../tests/instances/hetero_types_n16_0.json"),
        include_str!("../../tests/instances/asym_n12_0.json"),
    ];

    const NEVER: &dyn Fn() -> bool = &|| false;

    /// Calls `visit` with the tables of each instance at a part of its least period.
    fn at(part: f64, mut visit: impl FnMut(&AtPeriod<'_, 16>)) {
        for text in INSTANCES {
            let certified: serde_json::Value = serde_json::from_str(text).unwrap();
            let request = PlanRequest::from_json(&certified["request"]).unwrap();
            let least_s = certified["expected"]["period_s"].as_f64().unwrap();
            let instance = Instance::new(&request, NEVER).unwrap();
            let stage_ends = StageEnds::<16>::new(&instance, NEVER).unwrap();
            visit(&AtPeriod::new(&instance, &stage_ends, least_s * part, NEVER).unwrap());
        }
    }

    #[test]
    fn no_reachable_period_is_refuted_and_what_is_found_keeps_to_it() {
        for part in [1.0, 1.1, 1.5, 3.0] {
            at(part, |tables| {
                let mut prices = Prices::new(tables.instance.hosts.len());
                match prices.judge(tables, 300, NEVER).unwrap() {
                    Priced::Infeasible => panic!("a placement within the period exists"),
                    Priced::Placement(found) => assert!(costs(tables.instance, &found).period_s <= tables.period_s),
                    Priced::Unknown => {}
                }
            });
        }
    }

    #[test]
    fn periods_are_refuted_that_walks_reach() {
        let mut refuted = 0;
        for part in [0.7, 0.8, 0.9, 0.95] {
            at(part, |tables| {
                let mut prices = Prices::new(tables.instance.hosts.len());
                let has_walk = tables.fewest_stages_in_all().is_some();
                let judged = prices.judge(tables, 300, NEVER).unwrap();
                assert!(!matches!(judged, Priced::Placement(_)));
                refuted += usize::from(has_walk && matches!(judged, Priced::Infeasible));
            });
        }
        assert!(refuted > 3, "{refuted}");
    }

    #[test]
    fn what_is_to_go_is_no_more_than_a_placement_costs() {
        at(1.0, |tables| {
            let instance = tables.instance;
            let mut prices = Prices::new(instance.hosts.len());
            let Ok(BeamOutcome::Placement(best)) = search(tables, None, &prices.to_go(tables), 1 << 14, None, NEVER)
            else {
                panic!("the certified period is not reached");
            };
            for updates in [0, 5, 50] {
                prices.judge(tables, updates, NEVER).unwrap();
                let to_go = prices.to_go(tables);
                let cost: f64 = best.hosts().iter().map(|&host| prices.of_hosts[host]).sum::<f64>()
                    + prices.of_stages * best.stages.len() as f64 / instance.most_stages as f64;
                assert!(cost <= 1.0 + ROUNDING);
                for (index, (start, _, host)) in best.spans().enumerate() {
                    let used = best.hosts().into_iter().take(index + 1);
                    let least = to_go.least(used, host, &Bits::<16>::single(start));
                    assert!(least <= cost + ROUNDING, "{least} of {cost}");
                }
            }
        });
    }
}
