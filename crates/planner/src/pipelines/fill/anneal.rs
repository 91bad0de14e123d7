//! Simulated annealing of all pipelines at once (Kirkpatrick, Gelatt and Vecchi 1983, doi 10.1126/science.220.4598.671): hosts move
//! between pipelines, and each pipeline has its best cuts.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_pcg::Pcg64Mcg;

use super::cheapest::Cheapest;
use super::classes::Class;
use super::line::{Edit, Line};

/// The temperatures, as parts of the mean rate.
const FIRST_TEMPERATURE: f64 = 0.05;
const LAST_TEMPERATURE: f64 = 0.000_5;

/// Steps between two looks at the stop hook.
const STEPS_PER_LOOK: usize = 32;

/// Relative difference up to which two sums of rates are equal.
const EQUAL: f64 = 1e-12;

/// What pipelines must keep to.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// The most hosts of all pipelines together.
    pub nodes: usize,
    /// The most stages of a pipeline.
    pub stages: usize,
}

/// Pipelines, and the hosts that none uses.
struct Orders {
    lines: Vec<Line>,
    unused: Vec<Class>,
}

/// A change of one or two pipelines.
#[derive(Debug, Default)]
struct Change {
    /// The pipelines that change, each once.
    edits: Vec<(usize, Edit)>,
    /// The place among the unused hosts of one that is used from now on.
    taken: Option<usize>,
    /// A host that is unused from now on.
    dropped: Option<Class>,
}

impl Orders {
    fn new(cheapest: &dyn Cheapest, pipelines: &[Vec<Class>], room: &[usize]) -> Self {
        let mut left = room.to_vec();
        pipelines.iter().flatten().for_each(|&class| left[class] = left[class].saturating_sub(1));
        let unused = left.iter().enumerate().flat_map(|(class, &count)| std::iter::repeat_n(class, count)).collect();
        Self { lines: pipelines.iter().map(|order| cheapest.line(order)).collect(), unused }
    }

    fn used(&self) -> usize {
        self.lines.iter().map(|line| line.order.len()).sum()
    }

    /// Draws a pipeline and a number in it, each host as likely as each other one.
    fn draw(&self, rng: &mut Pcg64Mcg) -> (usize, usize) {
        let mut number = rng.random_range(0..self.used());
        let mut pipeline = 0;
        while number >= self.lines[pipeline].order.len() {
            number -= self.lines[pipeline].order.len();
            pipeline += 1;
        }
        (pipeline, number)
    }

    /// Draws a change, or `None` if what is drawn is not possible.
    fn draw_change(&self, most: Most, rng: &mut Pcg64Mcg) -> Option<Change> {
        let (pipeline, number) = self.draw(rng);
        let order = &self.lines[pipeline].order;
        let class = order[number];
        let to = rng.random_range(0..self.lines.len());
        let has_room = self.lines[to].order.len() < most.stages;
        match rng.random_range(0..10) {
            0..=5 => {
                let other = rng.random_range(0..self.used() + self.unused.len());
                match other.checked_sub(self.used()) {
                    Some(unused) => self.replace((pipeline, number), unused),
                    None => self.swap((pipeline, number), self.draw(rng)),
                }
            }
            6..=7 if to == pipeline => Some(self.move_within((pipeline, number), rng.random_range(0..order.len()))),
            6..=7 if order.len() > 1 && has_room => {
                let edits = vec![remove(pipeline, number), self.insert(to, class, rng)];
                Some(Change { edits, ..Change::default() })
            }
            8 if !self.unused.is_empty() && has_room && self.used() < most.nodes => {
                let taken = rng.random_range(0..self.unused.len());
                let edits = vec![self.insert(to, self.unused[taken], rng)];
                Some(Change { edits, taken: Some(taken), dropped: None })
            }
            9 if order.len() > 1 => {
                Some(Change { edits: vec![remove(pipeline, number)], taken: None, dropped: Some(class) })
            }
            _ => None,
        }
    }

    /// Exchanges a host and an unused one.
    fn replace(&self, (pipeline, number): (usize, usize), taken: usize) -> Option<Change> {
        let (class, other) = (self.lines[pipeline].order[number], self.unused[taken]);
        let edits = vec![(pipeline, Edit { range: number..number + 1, classes: vec![other] })];
        (class != other).then_some(Change { edits, taken: Some(taken), dropped: Some(class) })
    }

    /// Exchanges two hosts of pipelines.
    fn swap(&self, (pipeline, number): (usize, usize), (to, other): (usize, usize)) -> Option<Change> {
        let (class, other_class) = (self.lines[pipeline].order[number], self.lines[to].order[other]);
        if class == other_class {
            return None;
        }
        let edits = if pipeline == to {
            let range = number.min(other)..number.max(other) + 1;
            let mut classes = self.lines[pipeline].order[range.clone()].to_vec();
            let last = classes.len() - 1;
            classes.swap(0, last);
            vec![(pipeline, Edit { range, classes })]
        } else {
            let edit = |number: usize, class: Class| Edit { range: number..number + 1, classes: vec![class] };
            vec![(pipeline, edit(number, other_class)), (to, edit(other, class))]
        };
        Some(Change { edits, ..Change::default() })
    }

    /// Moves a host to another place of its pipeline.
    fn move_within(&self, (pipeline, number): (usize, usize), to: usize) -> Change {
        let range = number.min(to)..number.max(to) + 1;
        let mut classes = self.lines[pipeline].order[range.clone()].to_vec();
        if number < to {
            classes.rotate_left(1)
        } else {
            classes.rotate_right(1)
        }
        Change { edits: vec![(pipeline, Edit { range, classes })], ..Change::default() }
    }

    /// Puts a host at a random place of a pipeline.
    fn insert(&self, pipeline: usize, class: Class, rng: &mut Pcg64Mcg) -> (usize, Edit) {
        let number = rng.random_range(0..=self.lines[pipeline].order.len());
        (pipeline, Edit { range: number..number, classes: vec![class] })
    }

    fn apply(&mut self, cheapest: &dyn Cheapest, change: &Change) {
        for (pipeline, edit) in &change.edits {
            self.lines[*pipeline] = cheapest.edited(&self.lines[*pipeline], edit);
        }
        if let Some(taken) = change.taken {
            self.unused.swap_remove(taken);
        }
        self.unused.extend(change.dropped);
    }

    fn rate_per_s(&self) -> f64 {
        self.lines.iter().map(|line| 1.0 / line.period_s).sum()
    }

    fn pipelines(&self) -> Vec<Vec<Class>> {
        self.lines.iter().map(|line| line.order.clone()).collect()
    }
}

fn remove(pipeline: usize, number: usize) -> (usize, Edit) {
    (pipeline, Edit { range: number..number + 1, classes: Vec::new() })
}

/// Changes pipelines for a number of steps so that the sum of their rates grows, each given by the classes of its hosts in order. No
/// period is below `least_s` seconds. Returns the best pipelines, or the best so far once `stop` returns `true`.
pub fn anneal(
    cheapest: &dyn Cheapest,
    (pipelines, room): (&[Vec<Class>], &[usize]),
    (most, least_s): (Most, f64),
    steps: usize,
    rng: &mut Pcg64Mcg,
    stop: &dyn Fn() -> bool,
) -> Vec<Vec<Class>> {
    let mut orders = Orders::new(cheapest, pipelines, room);
    let mut sum = orders.rate_per_s();
    let mut best = (sum, orders.pipelines());
    for step in 0..steps {
        if step % STEPS_PER_LOOK == 0 && stop() {
            break;
        }
        let Some(change) = orders.draw_change(most, rng) else { continue };
        let part = FIRST_TEMPERATURE * (LAST_TEMPERATURE / FIRST_TEMPERATURE).powf(step as f64 / steps as f64);
        let temperature = part * best.0 / orders.lines.len() as f64;
        let needed = (sum + temperature * rng.random::<f64>().ln()) * (1.0 - EQUAL);
        if !is_within(cheapest, &orders, &change, (sum, needed), least_s) {
            continue;
        }
        orders.apply(cheapest, &change);
        sum = orders.rate_per_s();
        if sum > best.0 {
            best = (sum, orders.pipelines());
        }
    }
    best.1
}

/// Returns `true` if a change gives at least the sum of rates that is needed.
fn is_within(
    cheapest: &dyn Cheapest,
    orders: &Orders,
    change: &Change,
    (sum, needed): (f64, f64),
    least_s: f64,
) -> bool {
    let changed: f64 = change.edits.iter().map(|&(pipeline, _)| 1.0 / orders.lines[pipeline].period_s).sum();
    let mut others = sum - changed;
    for (at, (pipeline, edit)) in change.edits.iter().enumerate() {
        let later = (change.edits.len() - 1 - at) as f64 / least_s;
        let needed = needed - others - if later > 0.0 { later } else { 0.0 };
        let most_s = if needed > 0.0 { 1.0 / needed } else { f64::INFINITY };
        let period_s = cheapest.period_after(&orders.lines[*pipeline], edit, most_s);
        if period_s > most_s {
            return false;
        }
        others += 1.0 / period_s;
    }
    others >= needed
}

/// Draws hosts for pipelines of which only the groups are known. `members` gives the classes of each group's hosts. Returns `None` if a
/// group has too few.
pub fn drawn_hosts(groups: &[Vec<usize>], mut members: Vec<Vec<Class>>, rng: &mut impl Rng) -> Option<Vec<Vec<Class>>> {
    members.iter_mut().for_each(|classes| classes.shuffle(rng));
    let mut pipeline = |groups: &Vec<usize>| groups.iter().map(|&group| members[group].pop()).collect();
    groups.iter().map(&mut pipeline).collect()
}
