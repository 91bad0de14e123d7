//! Kinds of hosts that can be exchanged for one another, and an exact decision at a period that
//! counts the used hosts of each kind.
//!
//! Exchanging two hosts of a kind in a placement changes nothing: they are in one group, take the
//! input and the output in the same time, and have the same links. So what a beginning of a
//! placement leaves is described by the number of used hosts of each kind, the links of the last
//! host, and the position. Beginnings are extended in an order in which each number comes after all
//! that use less. A position that was reached with less is not extended again. With less also means
//! with a host of a kind in place of one that can do more, if the two have the same links.
//!
//! It takes O(s (g + m) m / 64) for s combinations of used hosts and g kinds, and is built only if
//! its tables are small: for few devices of any kind, or many devices of few kinds whose links are
//! alike. Source: dominance among states of a dynamic programme (Ibaraki 1977, doi
//! 10.1145/321992.322004), with equal machines counted as in bin packing by patterns.

use super::at_period::AtPeriod;
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::index::{Grid, Host, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The most hosts.
const MOST_HOSTS: usize = 1_000;

/// The most kinds.
const MOST_KINDS: usize = 12;

/// The most words of a table by combination of used hosts and links.
const MOST_WORDS: usize = 1 << 22;

/// There are far fewer kinds than hosts if each kind has this many on average.
const HOSTS_PER_KIND: usize = 2;

/// The combinations between two calls of the stop hook.
const COMBINATIONS_PER_STOP: usize = 1_024;

/// The hosts of an instance by kind.
#[derive(Debug, Clone)]
pub struct Kinds {
    /// The hosts of each kind.
    hosts: Vec<Vec<Host>>,
    /// For each kind, its class: kinds of a class have the same links.
    class_of: Vec<usize>,
    /// For each class, one host of it, and another one if there are several.
    members: Vec<(Host, Option<Host>)>,
}

/// Hosts of a kind are used in turn: each only after the one before it. Any placement becomes such
/// a placement by exchanging hosts of a kind.
#[derive(Debug, Clone)]
pub struct InTurn {
    /// For each host, the number of its kind.
    pub kind_of: IndexVec<Host, usize>,
    /// For each host, the host of its kind that is used before it; `None` for the first.
    before: IndexVec<Host, Option<Host>>,
}

impl InTurn {
    /// Returns `true` if it is a host's turn. `is_used` tells whether another host is used.
    #[inline]
    pub fn is_next(&self, host: Host, is_used: impl FnOnce(Host) -> bool) -> bool {
        self.before[host].is_none_or(is_used)
    }
}

/// The result of a decision.
#[derive(Debug)]
pub enum ByKind {
    /// A placement within the period.
    Placement(Assignment),
    /// No placement within the period exists.
    Infeasible,
}

impl Kinds {
    /// Finds the kinds. Returns `None` if there are too many of them, or if tables with sets of
    /// `words` words would be too large.
    pub fn new(instance: &Instance, words: usize) -> Option<Self> {
        if instance.hosts.len() > MOST_HOSTS {
            return None;
        }
        let mut kinds = Self { hosts: Vec::new(), class_of: Vec::new(), members: Vec::new() };
        let is_alike = |a: Host, b: Host| {
            instance.group_of[a] == instance.group_of[b]
                && instance.input_s[a] == instance.input_s[b]
                && instance.output_s[a] == instance.output_s[b]
                && instance.input_delay_s[a] == instance.input_delay_s[b]
                && instance.output_delay_s[a] == instance.output_delay_s[b]
                && ![instance.source_host, instance.sink_host].iter().any(|&end| end == Some(a) || end == Some(b))
        };
        for host in instance.hosts.indices() {
            let class = kinds.members.iter().position(|&(member, _)| have_same_links(instance, member, host));
            let class = class.unwrap_or(kinds.members.len());
            match kinds.members.get_mut(class) {
                Some((_, other)) => *other = other.or(Some(host)),
                None => kinds.members.push((host, None)),
            }
            let of_class = kinds.hosts.iter().zip(&kinds.class_of);
            let kind = of_class.into_iter().position(|(hosts, &of)| of == class && is_alike(hosts[0], host));
            match kind {
                Some(kind) => kinds.hosts[kind].push(host),
                None => {
                    kinds.hosts.push(vec![host]);
                    kinds.class_of.push(class);
                }
            }
            if kinds.hosts.len() > MOST_KINDS
                || kinds.combinations()?.checked_mul(kinds.members.len() * words)? > MOST_WORDS
            {
                return None;
            }
        }
        Some(kinds)
    }

    /// Returns the number of combinations of used hosts. Returns `None` if it is too large.
    fn combinations(&self) -> Option<usize> {
        self.hosts.iter().try_fold(1_usize, |product, hosts| product.checked_mul(hosts.len() + 1))
    }

    /// Returns `true` if there are far fewer kinds than hosts.
    pub fn are_few(&self) -> bool {
        self.hosts.iter().map(Vec::len).sum::<usize>() >= HOSTS_PER_KIND * self.hosts.len()
    }

    /// Returns the order in which hosts of each kind are used. Returns `None` if few hosts can be exchanged.
    pub fn in_turn(&self) -> Option<InTurn> {
        if !self.are_few() {
            return None;
        }
        let hosts = self.hosts.iter().map(Vec::len).sum();
        let mut in_turn = InTurn { kind_of: IndexVec::filled(0, hosts), before: IndexVec::filled(None, hosts) };
        for (kind, hosts) in self.hosts.iter().enumerate() {
            hosts.iter().for_each(|&host| in_turn.kind_of[host] = kind);
            hosts.windows(2).for_each(|pair| in_turn.before[pair[1]] = Some(pair[0]));
        }
        Some(in_turn)
    }

    /// Decides whether a placement within the period of `tables` exists.
    pub fn decide<const W: usize>(&self, tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Result<ByKind, Stopped> {
        Beginnings::new(self, tables).decide(stop)
    }
}

/// Returns `true` if exchanging two hosts would change no link.
fn have_same_links(instance: &Instance, a: Host, b: Host) -> bool {
    let link = |from, to| (instance.link(from, to), instance.delays.get(from, to));
    link(a, b) == link(b, a)
        && (instance.hosts.indices().filter(|&other| other != a && other != b))
            .all(|other| link(a, other) == link(b, other) && link(other, a) == link(other, b))
}

/// What stages can do within a period, by kind.
struct Kind<const W: usize> {
    hosts: usize,
    class: usize,
    /// The change of a combination's number for one more host of this kind.
    stride: usize,
    /// For each start, the ends of stages.
    ends: IndexVec<Position, Bits<W>>,
    /// Whether a placement can begin here.
    is_first: bool,
    /// Whether the output is delivered within the period.
    delivers: bool,
    /// Where it is in [`Kinds`].
    at: usize,
    /// The kinds after this one that have the same links and can do nothing that this one cannot,
    /// without those that another such kind stands for.
    better_than: Vec<usize>,
}

/// The beginnings of placements within a period.
struct Beginnings<'t, const W: usize> {
    kinds: Vec<Kind<W>>,
    tables: &'t AtPeriod<'t, W>,
    hosts: &'t Kinds,
    /// For each two classes, the positions at which a hop from the first to the second is possible.
    carried: Grid<usize, usize, Bits<W>>,
    /// By combination of used hosts and class: the starts of the next stage that were extended.
    extended: Grid<usize, usize, Bits<W>>,
    /// By combination and class: the starts that are reached with this combination or less.
    reached: Grid<usize, usize, Bits<W>>,
}

impl<'t, const W: usize> Beginnings<'t, W> {
    fn new(hosts: &'t Kinds, tables: &'t AtPeriod<'t, W>) -> Self {
        let instance = tables.instance;
        let mut useful: Bits<W> = Bits::EMPTY;
        tables.useful_cuts().into_iter().for_each(|position| useful.insert(position));
        let first_hosts: Vec<Host> = tables.first_hosts().collect();
        let kind = |at: usize| {
            let host = hosts.hosts[at][0];
            let group = instance.group_of[host];
            let ends = |start: Position| match useful.contains(start) && start < instance.last() {
                true => tables.ends_of_group(group, &Bits::single(start)).and(&useful),
                false => Bits::EMPTY,
            };
            Kind {
                hosts: hosts.hosts[at].len(),
                class: hosts.class_of[at],
                stride: 0,
                ends: instance.positions().map(ends).collect(),
                is_first: first_hosts.contains(&host),
                delivers: instance.output_s[host] <= tables.period_s,
                at,
                better_than: Vec::new(),
            }
        };
        let mut kinds: Vec<Kind<W>> = (0..hosts.hosts.len()).map(kind).collect();
        // A kind that can do more comes first, and has the larger stride.
        kinds.sort_by_cached_key(|kind| {
            let stages: usize = kind.ends.iter().map(Bits::count).sum();
            (std::cmp::Reverse((stages, kind.is_first, kind.delivers)), kind.at)
        });
        let mut combinations = 1;
        for kind in kinds.iter_mut().rev() {
            kind.stride = combinations;
            combinations *= kind.hosts + 1;
        }
        for better in (0..kinds.len()).rev() {
            let mut worse: Vec<usize> =
                (better + 1..kinds.len()).filter(|&other| kinds[better].can_replace(&kinds[other])).collect();
            let replaced: Vec<usize> = worse.iter().flat_map(|&other| kinds[other].all_worse(&kinds)).collect();
            worse.retain(|other| !replaced.contains(other));
            kinds[better].better_than = worse;
        }
        let classes = hosts.members.len();
        let pairs = (0..classes).flat_map(|from| (0..classes).map(move |to| (from, to)));
        let carried = pairs.map(|(from, to)| match (hosts.members[from], hosts.members[to]) {
            ((from, _), (to, _)) if from != to => tables.carried(from, to).and(&useful),
            ((from, Some(other)), _) => tables.carried(from, other).and(&useful),
            ((_, None), _) => Bits::EMPTY,
        });
        Self {
            kinds,
            tables,
            hosts,
            carried: Grid::of_cells(carried.collect(), classes),
            extended: Grid::filled(Bits::EMPTY, combinations, classes),
            reached: Grid::filled(Bits::EMPTY, combinations, classes),
        }
    }

    fn decide(&mut self, stop: &dyn Fn() -> bool) -> Result<ByKind, Stopped> {
        let instance = self.tables.instance;
        let classes = self.carried.columns();
        let combinations = self.extended.cells().len() / classes;
        for class in 0..classes {
            self.extended[(0, class)] = Bits::single(Position::FIRST);
        }
        let mut used = vec![0; self.kinds.len()];
        let mut stages = 0;
        for combination in 0..combinations {
            if combination % COMBINATIONS_PER_STOP == 0 && stop() {
                return Err(Stopped);
            }
            let mut is_empty = true;
            for class in 0..classes {
                let less = self.reached_with_less(combination, class, &used);
                let new = self.extended[(combination, class)].minus(&less);
                self.reached[(combination, class)] = less.or(&new);
                self.extended[(combination, class)] = new;
                is_empty &= new.is_empty();
            }
            if !is_empty && stages < instance.most_stages {
                for (at, &used) in used.iter().enumerate() {
                    if used < self.kinds[at].hosts && self.extend(combination, at) {
                        return Ok(self.placement(combination, at).map_or(ByKind::Infeasible, ByKind::Placement));
                    }
                }
            }
            // Counts up to the next combination.
            for (used, kind) in used.iter_mut().zip(&self.kinds).rev() {
                if *used < kind.hosts {
                    *used += 1;
                    stages += 1;
                    break;
                }
                stages -= *used;
                *used = 0;
            }
        }
        Ok(ByKind::Infeasible)
    }

    /// Returns the starts that are reached with a part of a combination.
    #[inline]
    fn reached_with_less(&self, combination: usize, class: usize, used: &[usize]) -> Bits<W> {
        let mut less = Bits::EMPTY;
        for (kind, _) in self.kinds.iter().zip(used).filter(|&(_, &used)| used > 0) {
            let fewer = combination - kind.stride;
            less = less.or(&self.reached[(fewer, class)]);
            for &worse in &kind.better_than {
                if used[worse] < self.kinds[worse].hosts {
                    less = less.or(&self.reached[(fewer + self.kinds[worse].stride, class)]);
                }
            }
        }
        less
    }

    /// Extends the beginnings of a combination by a stage on a host of a kind. Returns `true` if a
    /// placement ends there.
    fn extend(&mut self, combination: usize, at: usize) -> bool {
        let kind = &self.kinds[at];
        if combination == 0 && !kind.is_first {
            return false;
        }
        let starts = self.extended[(combination, kind.class)];
        let mut ends = Bits::EMPTY;
        for start in starts.iter() {
            ends = ends.or(&kind.ends[start]);
        }
        if kind.delivers && ends.contains(self.tables.instance.last()) {
            return true;
        }
        let next = combination + kind.stride;
        for to in 0..self.carried.columns() {
            let arrived = ends.and(&self.carried[(kind.class, to)]);
            let known = &mut self.extended[(next, to)];
            *known = known.or(&arrived);
        }
        false
    }

    /// Reads the placement back whose last stage is on a host of the kind `last`, after a
    /// combination. `None` would mean that a beginning has no origin.
    fn placement(&self, combination: usize, last: usize) -> Option<Assignment> {
        let mut stages = Vec::new();
        let (mut combination, mut at, mut end) = (combination, last, self.tables.instance.last());
        loop {
            let kind = &self.kinds[at];
            stages.push((end, at));
            let starts = self.extended[(combination, kind.class)];
            let start = starts.iter().find(|&start| kind.ends[start].contains(end))?;
            if start == Position::FIRST {
                break;
            }
            let mut before = 0..self.kinds.len();
            at = before.find(|&before| {
                let origin = &self.kinds[before];
                let Some(fewer) = combination.checked_sub(origin.stride) else { return false };
                !(combination / origin.stride).is_multiple_of(origin.hosts + 1)
                    && (fewer > 0 || origin.is_first)
                    && self.carried[(origin.class, kind.class)].contains(start)
                    && self.extended[(fewer, origin.class)].iter().any(|earlier| origin.ends[earlier].contains(start))
            })?;
            combination -= self.kinds[at].stride;
            end = start;
        }
        // Hosts of a kind are taken in their order.
        let hosts_of = |kind: &Kind<W>| self.hosts.hosts[kind.at].iter();
        let mut left: Vec<std::slice::Iter<'_, Host>> = self.kinds.iter().map(hosts_of).collect();
        let stages = stages.into_iter().rev().map(|(end, at)| Some((end, *left[at].next()?)));
        Some(Assignment { stages: stages.collect::<Option<Vec<_>>>()? })
    }
}

impl<const W: usize> Kind<W> {
    /// Returns `true` if a host of this kind can take the place of one of another kind.
    fn can_replace(&self, other: &Self) -> bool {
        self.class == other.class
            && (self.is_first || !other.is_first)
            && (self.delivers || !other.delivers)
            && self.ends.iter().zip(&other.ends).all(|(own, others)| others.minus(own).is_empty())
    }

    /// Returns all kinds that this one can take the place of, by those after it.
    fn all_worse(&self, kinds: &[Self]) -> Vec<usize> {
        let further = self.better_than.iter().flat_map(|&other| kinds[other].all_worse(kinds));
        self.better_than.iter().copied().chain(further).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::costs;
    use crate::domain::request::PlanRequest;
    use crate::exact::stage_ends::StageEnds;

    const INSTANCES: [&str; 4] = [
        include_str!("../../tests/instances/hetero_types_n10_0.json"),
        include_str!("../../tests/instances/asym_n12_0.json"),
        include_str!("../../tests/instances/synthetic_n10_2.json"),
        include_str!("../../tests/instances/pinned_n08_1.json"),
    ];

    #[test]
    fn counting_decides_right_at_the_least_period() {
        for text in INSTANCES {
            let certified: serde_json::Value = serde_json::from_str(text).unwrap();
            let mut request = certified["request"].clone();
            request["cost_model"]["transfers"] = "acknowledged".into();
            request["cost_model"]["unknown_compute"] = "free".into();
            let request = PlanRequest::from_json(&request).unwrap();
            let least_s = certified["expected"]["period_s"].as_f64().unwrap();
            let instance = Instance::new(&request, &|| false).unwrap();
            let stage_ends = StageEnds::<16>::new(&instance, &|| false).unwrap();
            let kinds = Kinds::new(&instance, 16).unwrap();
            let decide = |period_s: f64| {
                let tables = AtPeriod::new(&instance, &stage_ends, period_s, &|| false).unwrap();
                kinds.decide(&tables, &|| false).unwrap()
            };
            match decide(least_s * (1.0 + 1e-12)) {
                ByKind::Placement(found) => {
                    assert!(!found.has_cycle());
                    assert!(costs(&instance, &found).period_s <= least_s * (1.0 + 1e-12));
                }
                ByKind::Infeasible => panic!("{} has a placement", request.cluster.name),
            }
            assert!(matches!(decide(least_s * (1.0 - 1e-12)), ByKind::Infeasible), "{}", request.cluster.name);
        }
    }
}
