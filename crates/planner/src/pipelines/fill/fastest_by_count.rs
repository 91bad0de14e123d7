//! The fastest pipeline for each count of hosts of each class, where nothing but the period counts: a dynamic programme over the
//! count, the last host and the position (as Held and Karp 1962 for tours, doi 10.1137/0110015).

use super::MOST_CELLS;
use super::by_class::ByClass;
use super::classes::{Class, ClassStages};
use super::counts::Counts;
use crate::index::{Index, Position};
use crate::stopped::Stopped;

/// The states of the dynamic programme, by count, class and position.
pub struct FastestByCount<'c> {
    costs: &'c ByClass<'c>,
    counts: &'c Counts,
    /// The least period until a stage starts there.
    started: Vec<f64>,
    /// The least period until a stage ends there.
    ended: Vec<f64>,
    /// The class before a stage that starts there.
    came_from: Vec<u16>,
    /// The start of a stage that ends there.
    start_of: Vec<u16>,
}

impl<'c> FastestByCount<'c> {
    /// Finds the fastest pipelines. Returns `None` if there are too many states.
    pub fn new(costs: &'c ByClass<'_>, counts: &'c Counts, stop: &dyn Fn() -> bool) -> Result<Option<Self>, Stopped> {
        let cells = counts.len() * costs.classes() * (costs.instance.blocks() + 1);
        if cells > MOST_CELLS {
            return Ok(None);
        }
        let mut states = Self {
            costs,
            counts,
            started: vec![f64::INFINITY; cells],
            ended: vec![f64::INFINITY; cells],
            came_from: vec![0; cells],
            start_of: vec![0; cells],
        };
        states.fill(stop)?;
        Ok(Some(states))
    }

    fn at(&self, number: usize, class: Class, position: Position) -> usize {
        (number * self.costs.classes() + class) * (self.costs.instance.blocks() + 1) + position.number()
    }

    fn fill(&mut self, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        let instance = self.costs.instance;
        let stages: Vec<Vec<Vec<(Position, f64)>>> = self
            .costs
            .group_of
            .iter()
            .map(|&group| {
                let ends = |start: Position| {
                    let mut ends = Vec::new();
                    instance.ends_in_memory(group, start, |end| {
                        ends.push((end, instance.compute_s(group, start, end)));
                    });
                    ends
                };
                instance.starts().map(ends).collect()
            })
            .collect();
        for class in 0..self.costs.classes() {
            if let Some(number) = self.counts.with(0, class) {
                let at = self.at(number, class, Position::FIRST);
                self.started[at] = self.costs.input_s[class];
            }
        }
        for number in 1..self.counts.len() {
            if number % 16 == 0 && stop() {
                return Err(Stopped);
            }
            if self.counts.hosts(number) > instance.most_stages {
                continue;
            }
            for (class, stages) in stages.iter().enumerate() {
                if self.counts.of(number, class) > 0 {
                    self.end_stages(number, class, stages);
                    self.begin_next(number, class);
                }
            }
        }
        Ok(())
    }

    fn end_stages(&mut self, number: usize, class: Class, stages: &[Vec<(Position, f64)>]) {
        for start in self.costs.instance.starts() {
            let before_s = self.started[self.at(number, class, start)];
            if before_s == f64::INFINITY {
                continue;
            }
            for &(end, compute_s) in &stages[start.number()] {
                let period_s = before_s.max(compute_s);
                let at = self.at(number, class, end);
                if period_s < self.ended[at] {
                    self.ended[at] = period_s;
                    self.start_of[at] = start.number() as u16;
                }
            }
        }
    }

    fn begin_next(&mut self, number: usize, class: Class) {
        for next in 0..self.costs.classes() {
            let Some(more) = self.counts.with(number, next) else { continue };
            let link = self.costs.link(class, next);
            if !link.exists() {
                continue;
            }
            for position in self.costs.instance.inner_positions() {
                let before_s = self.ended[self.at(number, class, position)];
                if before_s == f64::INFINITY {
                    continue;
                }
                let period_s = before_s.max(link.transfer_s(self.costs.instance.load_bits[position]));
                let at = self.at(more, next, position);
                if period_s < self.started[at] {
                    self.started[at] = period_s;
                    self.came_from[at] = class as u16;
                }
            }
        }
    }

    /// Returns the fastest pipeline for each count of hosts with its period in seconds, without those that are not faster
    /// than one with fewer hosts.
    pub fn pipelines(&self, stop: &dyn Fn() -> bool) -> Result<Vec<(ClassStages, f64)>, Stopped> {
        let mut pipelines = Vec::new();
        // For each number, the least period with these hosts or some of them.
        let mut least_s = vec![f64::INFINITY; self.counts.len()];
        for number in 1..self.counts.len() {
            if number % 64 == 0 && stop() {
                return Err(Stopped);
            }
            let used = (0..self.costs.classes()).filter(|&class| self.counts.of(number, class) > 0);
            let with_fewer =
                used.clone().map(|class| least_s[self.counts.without(number, class)]).fold(f64::INFINITY, f64::min);
            let period_s = |class: Class| {
                self.ended[self.at(number, class, self.costs.instance.last())].max(self.costs.output_s[class])
            };
            let fastest = used.min_by(|&a, &b| period_s(a).total_cmp(&period_s(b)));
            let Some(last) = fastest.filter(|&last| period_s(last) < with_fewer) else {
                least_s[number] = with_fewer;
                continue;
            };
            least_s[number] = period_s(last);
            pipelines.push((self.stages(number, last), least_s[number]));
        }
        Ok(pipelines)
    }

    fn stages(&self, mut number: usize, last: Class) -> ClassStages {
        let (mut stages, mut end, mut class) = (Vec::new(), self.costs.instance.last(), last);
        while end > Position::FIRST {
            stages.push((end, class));
            let start = Position::nth(usize::from(self.start_of[self.at(number, class, end)]));
            let before = usize::from(self.came_from[self.at(number, class, start)]);
            number = self.counts.without(number, class);
            (end, class) = (start, before);
        }
        stages.reverse();
        stages
    }
}
