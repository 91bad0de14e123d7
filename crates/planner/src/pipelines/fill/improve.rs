//! Sets of pipelines for large instances: with the fewest hosts within a period, by rounding the relaxation, and by exchanging some of them.

use rand::RngExt;

use super::anneal::{Most, anneal, drawn_hosts};
use super::branch::Branching;
use super::by_counts::Limits;
use super::cheapest::Question;
use super::classes::Class;
use super::master::Master;
use super::prices::Level;
use super::relaxation::{Relaxation, Space};
use super::sweep::Precision;
use crate::index::Index;
use crate::stopped::Stopped;

/// Labels of a question for a single pipeline.
const SINGLE_LABELS: usize = 600;

/// The precision of a search on a part of the hosts.
const ROUGH: Precision = Precision { step: 0.08, labels: 400, rounds: 1, wanted: 2 };

/// Parts of columns from here on are taken at once.
const NEARLY_WHOLE: f64 = 0.9;

/// Rounds of column generation on a part of the hosts.
const ROUNDS_ON_PART: usize = 3;

/// Nodes of a tree on a part of the hosts.
const NODES_ON_PART: usize = 60;

/// Hosts from which on no third pipeline is dissolved.
const MOST_DISSOLVED: usize = 14;

/// The most columns of a tree.
const MOST_BRANCHED: usize = 500;

/// Periods for which the most pipelines are counted at first, and the factor between two of them.
const FIRST_LEVELS: usize = 12;
const LEVEL_STEP: f64 = 1.16;

/// The most limits that come of this.
const MOST_FIRST_LEVELS: usize = 10;

/// An exchange on more than this part of all hosts would repeat the whole search.
const LARGEST_PART: f64 = 0.7;

/// Multiples of the least period within which sets are packed first.
const FACTORS: [f64; 10] = [1.0, 1.1, 1.25, 1.4, 1.6, 1.8, 2.1, 2.5, 3.0, 4.0];

/// Stages that a first annealing looks at, and its most steps.
const ANNEALED_STAGES: usize = 200_000_000;
const MOST_STEPS: usize = 10_000;

impl Master<'_, '_> {
    /// Returns a number of hosts below which no pipeline exists, at least 1.
    pub fn fewest_hosts(&mut self, space: &Space, stop: &dyn Fn() -> bool) -> Result<usize, Stopped> {
        let question = Question {
            period_s: f64::MAX,
            prices: &vec![1.0; space.room.len()],
            room: &space.room,
            most_stages: self.packings.instance.most_stages,
            labels: SINGLE_LABELS,
            rounds: 2,
            limit: f64::INFINITY,
            wanted: 1,
        };
        let least = self.cheapest.ask(&question, stop)?.least;
        Ok(if least.is_finite() { (least - 1e-9).ceil().max(1.0) as usize } else { 1 })
    }

    /// Returns limits of the numbers of pipelines within some periods: all hosts divided by the fewest that one needs there.
    pub fn first_levels(&mut self, space: &Space, stop: &dyn Fn() -> bool) -> Result<Vec<Level>, Stopped> {
        let hosts = space.hosts().min(space.most_nodes);
        let mut levels: Vec<Level> = Vec::new();
        let mut period_s = self.least_s;
        for _ in 0..FIRST_LEVELS {
            let question = Question {
                period_s,
                prices: &vec![1.0; space.room.len()],
                room: &space.room,
                most_stages: self.packings.instance.most_stages,
                labels: SINGLE_LABELS,
                rounds: 1,
                limit: hosts as f64,
                wanted: 1,
            };
            let fewest = (self.cheapest.ask(&question, stop)?.least - 1e-9).ceil().max(1.0);
            let most = (hosts as f64 / fewest) as usize;
            if most >= space.most {
                break;
            }
            match levels.last_mut() {
                Some(level) if level.most == most => level.period_s = period_s,
                _ => levels.push(Level { period_s, most }),
            }
            period_s *= LEVEL_STEP;
        }
        levels.truncate(MOST_FIRST_LEVELS);
        Ok(levels)
    }

    /// Adds one pipeline of the fewest hosts after the other, all within a period. Does this for several periods, and returns
    /// the best set.
    pub fn within_periods(&mut self, space: &Space, stop: &dyn Fn() -> bool) -> Result<Vec<usize>, Stopped> {
        let mut best = (0.0, Vec::new());
        for factor in FACTORS {
            let (mut left, mut chosen) = (space.clone(), Vec::new());
            while left.most > 0 && left.most_nodes > 0 {
                let question = Question {
                    period_s: self.least_s * factor,
                    prices: &vec![1.0; left.room.len()],
                    room: &left.room,
                    most_stages: self.packings.instance.most_stages.min(left.most_nodes),
                    labels: SINGLE_LABELS,
                    rounds: 1,
                    limit: f64::INFINITY,
                    wanted: 1,
                };
                let Some(stages) = self.cheapest.ask(&question, stop)?.found.into_iter().next() else { break };
                let Some(assignment) = self.classes.on_hosts(&stages, &mut vec![0; self.classes.count()]) else {
                    break;
                };
                let Some(id) = self.id_of(&assignment).filter(|&id| left.holds(&self.pool[id])) else { break };
                left.take(&self.pool[id]);
                chosen.push(id);
            }
            let rate_per_s = self.rate_of(&chosen);
            if rate_per_s > best.0 {
                best = (rate_per_s, chosen);
            }
        }
        Ok(best.1)
    }

    /// Anneals the chosen pipelines, and pipelines on hosts that are drawn for the groups of a guide. Returns the best set.
    pub fn anneal(
        &mut self,
        space: &Space,
        chosen: &[usize],
        (guide, doublings): (&[Vec<usize>], usize),
        stop: &dyn Fn() -> bool,
    ) -> Vec<usize> {
        let instance = self.packings.instance;
        let mut members = vec![Vec::new(); instance.groups.len()];
        for (host, group) in instance.group_of.iter_indexed() {
            members[group.number()].push(self.classes.of_host[host]);
        }
        let order = |&id: &usize| self.pool[id].stages.iter().map(|&(_, class)| class).collect();
        let mut starts: Vec<Vec<Vec<Class>>> = vec![chosen.iter().map(order).collect()];
        starts.extend(drawn_hosts(guide, members, &mut self.rng));
        let most = Most { nodes: space.most_nodes, stages: instance.most_stages };
        let mut best = (0.0, Vec::new());
        for pipelines in starts.into_iter().filter(|pipelines| !pipelines.is_empty() && pipelines.len() <= space.most) {
            let hosts: usize = pipelines.iter().map(Vec::len).sum();
            let of_step = 2 * self.cheapest.stages_in_memory() / instance.groups.len() * hosts / pipelines.len();
            let steps = (ANNEALED_STAGES / of_step.max(1)).min(MOST_STEPS) << doublings;
            let limits = (most, self.least_s);
            let annealed = anneal(&*self.cheapest, (&pipelines, &space.room), limits, steps, &mut self.rng, stop);
            let cuts: Vec<_> = annealed.iter().filter_map(|order| self.cheapest.best_cuts(order)).collect();
            let on_hosts = |stages| self.classes.on_hosts(stages, &mut vec![0; self.classes.count()]);
            let assignments: Vec<_> = cuts.iter().filter_map(on_hosts).collect();
            let ids: Vec<usize> = assignments.iter().filter_map(|assignment| self.id_of(assignment)).collect();
            let rate_per_s = self.rate_of(&ids);
            if rate_per_s > best.0 {
                best = (rate_per_s, ids);
            }
        }
        best.1
    }

    /// Returns the sum of rates of columns.
    fn rate_of(&self, ids: &[usize]) -> f64 {
        super::branch::rate_of(&ids.iter().map(|&id| &self.pool[id]).collect::<Vec<_>>())
    }

    /// Takes columns of the relaxation one after the other, the largest part first, and generates new ones for what is left.
    pub fn dive(&mut self, space: &Space, stop: &dyn Fn() -> bool) -> Result<Vec<usize>, Stopped> {
        let mut space = space.clone();
        let mut chosen = Vec::new();
        loop {
            let mut relaxation = Relaxation::new(space.clone(), Vec::new(), &self.pool);
            let rounds = if chosen.is_empty() { 1 } else { ROUNDS_ON_PART };
            self.generate(&mut relaxation, ROUGH, (rounds, false), stop)?;
            let mut solution = relaxation.solution();
            let value = |&(id, part): &(usize, f64)| (part.min(NEARLY_WHOLE), self.pool[id].rate_per_s);
            solution.sort_by(|a, b| {
                let ((part, rate), (other_part, other_rate)) = (value(a), value(b));
                other_part.total_cmp(&part).then(other_rate.total_cmp(&rate)).then(a.0.cmp(&b.0))
            });
            let before = chosen.len();
            for (id, part) in solution {
                while (chosen.len() == before || part > NEARLY_WHOLE) && space.holds(&self.pool[id]) {
                    space.take(&self.pool[id]);
                    chosen.push(id);
                }
            }
            if chosen.len() == before {
                return Ok(chosen);
            }
        }
    }

    /// Searches for the best set among the known columns that gain most in a relaxation, with at most a number of nodes of
    /// the tree.
    pub fn best_known(
        &self,
        relaxation: &Relaxation,
        known: &[usize],
        most_nodes: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<usize>, Stopped> {
        let (space, prices) = (&relaxation.space, relaxation.prices());
        let held = (0..self.pool.len()).filter(|&id| space.holds(&self.pool[id]));
        let mut by_gain: Vec<(f64, usize)> = held.map(|id| (relaxation.gain(&self.pool[id], &prices), id)).collect();
        by_gain.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        by_gain.truncate(MOST_BRANCHED);
        let mut ids: Vec<usize> = by_gain.into_iter().map(|(_, id)| id).chain(known.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        let columns: Vec<_> = ids.iter().map(|&id| self.pool[id].clone()).collect();
        let limits = Limits { most: space.most, most_nodes: space.most_nodes, needed_rate_per_s: None };
        let known = known.iter().filter_map(|id| ids.binary_search(id).ok()).collect();
        let outcome = Branching::new(&columns, limits, most_nodes).search(&space.room, known, stop)?;
        Ok(outcome.best.columns.into_iter().map(|at| ids[at]).collect())
    }

    /// Dissolves some pipelines and plans anew on their hosts and the unused ones. Returns the better set, if there is one.
    pub fn exchange(
        &mut self,
        whole: &Space,
        chosen: &[usize],
        count: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<usize>>, Stopped> {
        let mut kept = chosen.to_vec();
        let mut dissolved = Vec::new();
        let mut hosts = 0;
        while dissolved.len() < count && !kept.is_empty() && (dissolved.len() < 2 || hosts < MOST_DISSOLVED) {
            let at = self.next_to_dissolve(&kept, &dissolved);
            hosts += self.pool[kept[at]].nodes;
            dissolved.push(kept.swap_remove(at));
        }
        let mut space = whole.clone();
        kept.iter().for_each(|&id| space.take(&self.pool[id]));
        if space.hosts() as f64 > LARGEST_PART * whole.hosts() as f64 {
            return Ok(None);
        }
        let mut relaxation = Relaxation::new(space.clone(), Vec::new(), &self.pool);
        self.generate(&mut relaxation, ROUGH, (ROUNDS_ON_PART, false), stop)?;
        let found = self.best_known(&relaxation, &dissolved, NODES_ON_PART, stop)?;
        let rate = |ids: &[usize]| self.rate_of(&ids.iter().chain(&kept).copied().collect::<Vec<_>>());
        let nodes = |ids: &[usize]| ids.iter().map(|&id| self.pool[id].nodes).sum::<usize>();
        let (new, old) = (rate(&found), rate(&dissolved));
        let is_better = new > old * (1.0 + 1e-9) || new >= old * (1.0 - 1e-12) && nodes(&found) < nodes(&dissolved);
        Ok(is_better.then(|| kept.iter().copied().chain(found.iter().copied()).collect()))
    }

    /// Draws a pipeline: at first any, then mostly one with hosts near those that are dissolved.
    fn next_to_dissolve(&mut self, kept: &[usize], dissolved: &[usize]) -> usize {
        if dissolved.is_empty() || self.rng.random_bool(0.25) {
            return self.rng.random_range(0..kept.len());
        }
        let of = |id: usize| self.pool[id].uses.iter().map(|&(class, _)| self.classes.members[class][0]);
        let instance = self.packings.instance;
        let nearness = |id: usize| {
            let pairs = dissolved.iter().flat_map(|&other| of(other)).flat_map(|from| of(id).map(move |to| (from, to)));
            let speeds = pairs.map(|(from, to)| instance.link(from, to).bandwidth_bps);
            speeds.fold(0.0, f64::max)
        };
        let nearest = (0..kept.len()).max_by(|&a, &b| nearness(kept[a]).total_cmp(&nearness(kept[b])).then(b.cmp(&a)));
        nearest.unwrap_or(0)
    }
}
