//! The least period of hosts in a given order, kept so that changes of the order are cheap.

use std::ops::Range;

use super::classes::Class;
use super::within::Network;
use crate::index::{IndexVec, Position};

/// Seconds by position.
type Table = IndexVec<Position, f64>;

/// Hosts in an order, each by its class, with the least periods of all beginnings and ends.
#[derive(Debug, Clone)]
pub struct Line {
    /// The classes of the hosts.
    pub order: Vec<Class>,
    /// The least period in seconds; infinite if no cuts let the hosts work.
    pub period_s: f64,
    /// For each number of hosts, the least period of the first ones that end at each position.
    before: Vec<Table>,
    /// For each number of hosts, the least period of the others that start at each position.
    after: Vec<Table>,
}

/// Hosts in a range of an order that others replace.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The range.
    pub range: Range<usize>,
    /// The classes of the hosts that take its place.
    pub classes: Vec<Class>,
}

impl<const W: usize> Network<'_, W> {
    /// Returns the line of an order.
    pub fn line(&self, order: &[Class]) -> Line {
        let table = self.costs.instance.by_position(f64::INFINITY);
        let (mut first, mut end) = (table.clone(), table);
        first[Position::FIRST] = 0.0;
        end[self.costs.instance.last()] = 0.0;
        let empty = Line { order: Vec::new(), period_s: f64::INFINITY, before: vec![first], after: vec![end] };
        self.edited(&empty, &Edit { range: 0..0, classes: order.to_vec() })
    }

    /// Returns a line after an edit.
    pub fn edited(&self, line: &Line, edit: &Edit) -> Line {
        let Range { start, end } = edit.range;
        let mut order = line.order.clone();
        order.splice(edit.range.clone(), edit.classes.iter().copied());
        let mut before = line.before[..=start].to_vec();
        for at in start..order.len() {
            let previous = at.checked_sub(1).map(|previous| order[previous]);
            let started = self.arrived(&before[at], previous, order[at]);
            before.push(self.ended(&started, order[at], f64::INFINITY));
        }
        // The others, the last one first.
        let mut after: Vec<Table> = line.after[end..].iter().rev().cloned().collect();
        for at in (0..order.len() - (after.len() - 1)).rev() {
            let next = order.get(at + 1).copied();
            let ended = self.left(&after[after.len() - 1], order[at], next);
            after.push(self.started(&ended, order[at]));
        }
        after.reverse();
        let last = order.last().map_or(f64::INFINITY, |&last| self.costs.output_s[last]);
        let period_s = before[order.len()][self.costs.instance.last()].max(last);
        Line { order, period_s, before, after }
    }

    /// Returns the least period in seconds after an edit, or any larger number if it is more than `most_s`.
    pub fn period_after(&self, line: &Line, edit: &Edit, most_s: f64) -> f64 {
        let Range { start, end } = edit.range;
        let mut previous = start.checked_sub(1).map(|previous| line.order[previous]);
        let mut ended = line.before[start].clone();
        for &class in &edit.classes {
            ended = self.ended(&self.arrived(&ended, previous, class), class, most_s);
            previous = Some(class);
        }
        match (line.order.get(end), previous) {
            (Some(&next), _) => {
                let started = self.arrived(&ended, previous, next);
                let of = started.iter().zip(line.after[end].iter()).map(|(&before_s, &after_s)| before_s.max(after_s));
                of.fold(f64::INFINITY, f64::min)
            }
            (None, Some(last)) => ended[self.costs.instance.last()].max(self.costs.output_s[last]),
            (None, None) => f64::INFINITY,
        }
    }

    /// Returns the least periods until a stage starts, from those until the stage before it ends.
    fn arrived(&self, ended: &Table, from: Option<Class>, to: Class) -> Table {
        let instance = self.costs.instance;
        let mut started = instance.by_position(f64::INFINITY);
        match from {
            None => started[Position::FIRST] = ended[Position::FIRST].max(self.costs.input_s[to]),
            Some(from) => {
                let link = self.costs.link(from, to);
                for position in instance.inner_positions() {
                    started[position] = ended[position].max(link.transfer_s(instance.load_bits[position]));
                }
            }
        }
        started
    }

    /// Returns the least periods until a stage ends. Those above `most_s` may be infinite.
    fn ended(&self, started: &Table, class: Class, most_s: f64) -> Table {
        let instance = self.costs.instance;
        let group = self.costs.group_of[class];
        let is_sorted = instance.compute_is_sorted(group);
        let mut ended = instance.by_position(f64::INFINITY);
        for start in instance.starts() {
            let before_s = started[start];
            if before_s > most_s || before_s == f64::INFINITY {
                continue;
            }
            for end in self.stage_ends.row(group, start).iter() {
                let compute_s = instance.compute_s(group, start, end);
                if is_sorted && compute_s > most_s {
                    break;
                }
                ended[end] = ended[end].min(before_s.max(compute_s));
            }
        }
        ended
    }

    /// Returns the least periods from the end of a stage on, from those from the start of the next one on.
    fn left(&self, started: &Table, from: Class, to: Option<Class>) -> Table {
        let instance = self.costs.instance;
        let mut ended = instance.by_position(f64::INFINITY);
        match to {
            None => ended[instance.last()] = started[instance.last()].max(self.costs.output_s[from]),
            Some(to) => {
                let link = self.costs.link(from, to);
                for position in instance.inner_positions() {
                    ended[position] = started[position].max(link.transfer_s(instance.load_bits[position]));
                }
            }
        }
        ended
    }

    /// Returns the least periods from the start of a stage on, from those from its end on.
    fn started(&self, ended: &Table, class: Class) -> Table {
        let instance = self.costs.instance;
        let group = self.costs.group_of[class];
        let mut started = instance.by_position(f64::INFINITY);
        for start in instance.starts() {
            let of_end = |end| instance.compute_s(group, start, end).max(ended[end]);
            started[start] = self.stage_ends.row(group, start).iter().map(of_end).fold(f64::INFINITY, f64::min);
        }
        started
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::super::classes::Classes;
    use super::super::tests::draw;
    use super::*;
    use crate::cost::costs;
    use crate::domain::request::PlanRequest;
    use crate::instance::Instance;

    #[test]
    fn edits_have_the_periods_of_the_best_cuts() {
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        let (mut finite, mut within) = (0, 0);
        for number in 0..400 {
            let Ok(request) = PlanRequest::from_json(&draw(&mut rng, false)) else { continue };
            let instance = Instance::new(&request, &|| false).unwrap();
            if instance.blocks() + 1 > 64 || instance.hosts.len() < 2 {
                continue;
            }
            let classes = Classes::of_single_hosts(&instance);
            let network = Network::<1>::new(&instance, &classes, &|| false).unwrap();
            let drawn = |rng: &mut Pcg64Mcg, most: usize| -> Vec<Class> {
                let count = rng.random_range(0..=most);
                (0..count).map(|_| rng.random_range(0..classes.count())).collect()
            };
            for _ in 0..20 {
                let order = drawn(&mut rng, 4);
                let line = network.line(&order);
                let start = rng.random_range(0..=order.len());
                let edit = Edit { range: start..rng.random_range(start..=order.len()), classes: drawn(&mut rng, 3) };
                let edited = network.edited(&line, &edit);
                let context = format!("instance {number}: {order:?}, {edit:?}");
                let after_s = network.period_after(&line, &edit, f64::INFINITY);
                assert_eq!(after_s.to_bits(), edited.period_s.to_bits(), "{context}");
                let cuts = network.best_cuts(&edited.order);
                let is_disjoint = (1..edited.order.len()).all(|at| !edited.order[..at].contains(&edited.order[at]));
                assert_eq!(cuts.is_some(), edited.period_s.is_finite(), "{context}");
                if let Some(cuts) = cuts.filter(|_| is_disjoint) {
                    let assignment = classes.on_hosts(&cuts, &mut vec![0; classes.count()]).unwrap();
                    let input_s = network.costs.input_s[edited.order[0]];
                    let output_s = network.costs.output_s[edited.order[edited.order.len() - 1]];
                    let period_s = costs(&instance, &assignment).period_s.max(input_s).max(output_s);
                    finite += 1;
                    if instance.overlap == crate::domain::options::Overlap::Full && instance.shared_media.is_none() {
                        assert_eq!(edited.period_s.to_bits(), period_s.to_bits(), "{context}");
                    }
                }
                let most_s = edited.period_s * rng.random_range(0.5..1.5);
                let limited_s = network.period_after(&line, &edit, most_s);
                if edited.period_s <= most_s && edited.period_s.is_finite() {
                    within += 1;
                    assert_eq!(limited_s.to_bits(), edited.period_s.to_bits(), "{context}");
                } else if edited.period_s.is_finite() {
                    assert!(limited_s > most_s, "{context}");
                }
            }
        }
        assert!(finite > 500 && within > 500, "{finite}, {within}");
    }
}
