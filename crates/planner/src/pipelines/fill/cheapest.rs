//! The cheapest pipelines within a period for given prices of hosts.
//!
//! Labels grow stage by stage, the one with the least cost to the end first (A*: Hart, Nilsson and Raphael 1968). A label
//! has the class of its last host, the starts that its stage can have, and a memory of used hosts. It forgets a used host
//! where that is not in the neighbourhood of the last one (ng-routes: Baldacci, Mingozzi and Roberti 2011, doi
//! 10.1287/opre.1110.0975), so that what it costs bounds all pipelines from below. The neighbourhoods grow by the cycles
//! that are found.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::classes::{Class, ClassStages};
use super::completion::Completion;
use super::line::{Edit, Line};
use super::within::{Network, Within};
use crate::bits::Bits;
use crate::index::Position;
use crate::stopped::Stopped;

/// A set of hosts that can be remembered, by their slots.
type Memory = Bits<4, usize>;

/// Slots that memories have.
const SLOTS: usize = 256;

/// Hosts of a class that are told apart in memories, if it has no more.
const MOST_OF_CLASS: usize = 8;

/// Classes in a first neighbourhood.
const FIRST_NEIGHBOURS: usize = 8;

/// What is asked for.
pub struct Question<'q> {
    /// The largest period, in seconds.
    pub period_s: f64,
    /// The price of a host of each class.
    pub prices: &'q [f64],
    /// The number of hosts of each class.
    pub room: &'q [usize],
    /// The most stages.
    pub most_stages: usize,
    /// The most labels.
    pub labels: usize,
    /// How often neighbourhoods may grow.
    pub rounds: usize,
    /// Pipelines that cost more are of no interest. What is proven is at most this.
    pub limit: f64,
    /// The most pipelines that are wanted.
    pub wanted: usize,
}

/// What is found and proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// No pipeline within the period costs less; infinite if there is none.
    pub least: f64,
    /// Pipelines within the period, the cheapest first, with their best cuts.
    pub found: Vec<ClassStages>,
}

/// Answers questions of any width.
pub trait Cheapest {
    /// Finds the cheapest pipelines within a period, and a bound of their prices.
    fn ask(&mut self, question: &Question<'_>, stop: &dyn Fn() -> bool) -> Result<Answer, Stopped>;

    /// Returns the line of an order.
    fn line(&self, order: &[Class]) -> Line;

    /// Returns a line after an edit.
    fn edited(&self, line: &Line, edit: &Edit) -> Line;

    /// Returns the least period in seconds after an edit, or any larger number if it is more than `most_s`.
    fn period_after(&self, line: &Line, edit: &Edit, most_s: f64) -> f64;

    /// Returns the cuts with which hosts in a given order have the least period, or `None` if there are none.
    fn best_cuts(&self, order: &[Class]) -> Option<ClassStages>;

    /// Returns the number of stages within memory, of hosts of all groups.
    fn stages_in_memory(&self) -> usize;
}

struct Label<const W: usize> {
    class: u32,
    stages: u32,
    parent: u32,
    price: f64,
    memory: Memory,
    starts: Bits<W>,
}

/// Answers questions, and learns neighbourhoods.
pub struct Search<'i, const W: usize> {
    network: Network<'i, W>,
    memories: Memories,
}

/// What labels remember.
struct Memories {
    /// For each class, its first slot and their number; 0 if it is not remembered.
    slots: Vec<(usize, usize)>,
    /// For each class, the set of its slots.
    masks: Vec<Memory>,
    /// For each class, the slots that labels there remember.
    neighbourhoods: Vec<Memory>,
}

/// A place in the queue: the bits of the cost, then the number of stages, more first, then the label. A label that is
/// complete comes before others of its cost.
type Place = Reverse<(u64, u32, u32, bool)>;

impl<'i, const W: usize> Search<'i, W> {
    /// Prepares a search on classes of certain sizes.
    pub fn new(network: Network<'i, W>, sizes: &[usize]) -> Self {
        let mut slots = Vec::with_capacity(sizes.len());
        let mut next = 0;
        for &size in sizes {
            let remembered = size <= MOST_OF_CLASS && next + size <= SLOTS;
            slots.push((next, if remembered { size } else { 0 }));
            next += if remembered { size } else { 0 };
        }
        let mut memories = Memories { slots, masks: Vec::new(), neighbourhoods: Vec::new() };
        memories.masks = (0..sizes.len()).map(|class| memories.slots_of(class)).collect();
        memories.neighbourhoods = (0..sizes.len()).map(|class| memories.nearest(&network, class)).collect();
        Self { network, memories }
    }

    fn order(labels: &[Label<W>], mut at: u32) -> Vec<Class> {
        let mut order = Vec::new();
        while at != u32::MAX {
            order.push(labels[at as usize].class as usize);
            at = labels[at as usize].parent;
        }
        order.reverse();
        order
    }

    /// Searches once. Returns the answer, and the cheapest walk if it is no pipeline.
    fn once(
        (network, memories): (&Network<'_, W>, &Memories),
        within: &Within<'_, W>,
        completion: &Completion,
        question: &Question<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Answer, Option<Vec<Class>>), Stopped> {
        let room = question.room;
        let last = network.costs.instance.last();
        let limits_stages = question.most_stages < room.iter().sum();
        let mut labels: Vec<Label<W>> = Vec::new();
        let mut of_class: Vec<Vec<u32>> = vec![Vec::new(); room.len()];
        let mut queue: BinaryHeap<Place> = BinaryHeap::new();
        let place = |cost: f64, stages: u32, label: usize, is_open: bool| {
            Reverse((cost.max(0.0).to_bits(), u32::MAX - stages, label as u32, is_open))
        };
        for class in (0..room.len()).filter(|&class| room[class] > 0 && within.begins[class]) {
            let cost = completion.of_whole(class);
            if cost > question.limit || cost == f64::INFINITY {
                continue;
            }
            let Some(memory) = memories.with(&Memory::EMPTY, class, room) else { continue };
            queue.push(place(cost, 1, labels.len(), true));
            of_class[class].push(labels.len() as u32);
            labels.push(Label {
                class: class as u32,
                stages: 1,
                parent: u32::MAX,
                price: question.prices[class],
                memory,
                starts: Bits::single(Position::FIRST),
            });
        }
        let mut answer = Answer { least: f64::INFINITY, found: Vec::new() };
        let mut cycle = None;
        let mut popped = 0_usize;
        while let Some(Reverse((cost, _, at, is_open))) = queue.pop() {
            let cost = f64::from_bits(cost);
            popped += 1;
            if popped.is_multiple_of(64) && stop() {
                return Err(Stopped);
            }
            if !is_open {
                answer.least = answer.least.min(cost);
                let order = Self::order(&labels, at);
                let mut room = room.to_vec();
                let is_pipeline = order.iter().all(|&class| {
                    let fits = room[class] > 0;
                    room[class] = room[class].saturating_sub(1);
                    fits
                });
                if is_pipeline {
                    answer.found.extend(network.best_cuts(&order));
                    if answer.found.len() >= question.wanted {
                        return Ok((answer, cycle));
                    }
                } else if cycle.is_none() && answer.found.is_empty() {
                    cycle = Some(order);
                }
                continue;
            }
            if labels.len() > question.labels {
                answer.least = answer.least.min(cost);
                return Ok((answer, cycle));
            }
            let (class, stages, price, memory) = {
                let label = &labels[at as usize];
                (label.class as usize, label.stages, label.price, label.memory)
            };
            if labels[at as usize].starts.is_empty() {
                continue;
            }
            let mut ends = within.ends_of(class, &labels[at as usize].starts);
            if ends.contains(last) {
                if within.finishes[class] {
                    queue.push(place(price, stages, at as usize, false));
                }
                ends = ends.minus(&Bits::single(last));
            }
            if ends.is_empty() || stages as usize >= question.most_stages {
                continue;
            }
            let is_there = |next: Class| if next == class { room[next] > 1 } else { room[next] > 0 };
            for next in (0..room.len()).filter(|&next| is_there(next)) {
                let reached = ends.and(within.carried(class, next));
                if reached.is_empty() {
                    continue;
                }
                // The last host is always remembered, as in the costs to the end.
                let kept = memories.neighbourhoods[next].or(&memories.masks[class]);
                let Some(memory) = memories.with(&memory.and(&kept), next, room) else { continue };
                let (mut starts, mut least) = (Bits::EMPTY, f64::INFINITY);
                for start in reached.iter() {
                    let to_end = price + completion.after(class, next, start);
                    if to_end <= question.limit {
                        starts.insert(start);
                        least = least.min(to_end);
                    }
                }
                if least == f64::INFINITY {
                    continue;
                }
                let price = price + question.prices[next];
                let dominates = |other: &Label<W>| {
                    other.price <= price
                        && (!limits_stages || other.stages <= stages + 1)
                        && starts.minus(&other.starts).is_empty()
                        && other.memory.minus(&memory).is_empty()
                };
                if of_class[next].iter().any(|&other| dominates(&labels[other as usize])) {
                    continue;
                }
                of_class[next].retain(|&other| {
                    let other = &mut labels[other as usize];
                    let is_dominated = price <= other.price
                        && (!limits_stages || stages < other.stages)
                        && other.starts.minus(&starts).is_empty()
                        && memory.minus(&other.memory).is_empty();
                    if is_dominated {
                        // An empty label is skipped where it comes up.
                        other.starts = Bits::EMPTY;
                    }
                    !is_dominated
                });
                queue.push(place(least.max(cost), stages + 1, labels.len(), true));
                of_class[next].push(labels.len() as u32);
                let label = Label { class: next as u32, stages: stages + 1, parent: at, price, memory, starts };
                labels.push(label);
            }
        }
        answer.least =
            answer.least.min(if question.limit.is_finite() { question.limit.next_up() } else { f64::INFINITY });
        Ok((answer, cycle))
    }
}

impl Memories {
    /// Returns the slots of a class, of the classes with the fastest links from it, and, where nodes differ in speed, of the
    /// fastest ones: cheap walks return to these.
    fn nearest<const W: usize>(&self, network: &Network<'_, W>, class: Class) -> Memory {
        let instance = network.costs.instance;
        let mut others: Vec<Class> = (0..self.slots.len()).filter(|&other| other != class).collect();
        let speed = |other: Class| network.costs.link(other, class).bandwidth_bps;
        others.sort_by(|&a, &b| speed(b).total_cmp(&speed(a)).then(a.cmp(&b)));
        let work_s = |other: Class| instance.compute_s(network.costs.group_of[other], Position::FIRST, instance.last());
        let mut fastest = others.clone();
        fastest.sort_by(|&a, &b| work_s(a).total_cmp(&work_s(b)));
        let differ = fastest.first().zip(fastest.last()).is_some_and(|(&first, &last)| work_s(first) < work_s(last));
        others.truncate(FIRST_NEIGHBOURS);
        others.push(class);
        others.extend(fastest.into_iter().take(if differ { FIRST_NEIGHBOURS } else { 0 }));
        others.iter().fold(Memory::EMPTY, |all, &other| all.or(&self.masks[other]))
    }

    fn slots_of(&self, class: Class) -> Memory {
        let (first, count) = self.slots[class];
        let mut slots = Memory::EMPTY;
        if count > 0 {
            slots.insert_range(first, first + count - 1);
        }
        slots
    }

    /// Returns a memory with one host more of a class, or `None` if it remembers all of them.
    fn with(&self, memory: &Memory, class: Class, room: &[usize]) -> Option<Memory> {
        let (first, count) = self.slots[class];
        if count == 0 {
            return (room[class] > 0).then_some(*memory);
        }
        let free = (first..first + count.min(room[class])).find(|&slot| !memory.contains(slot))?;
        let mut more = *memory;
        more.insert(free);
        Some(more)
    }

    /// Lets the classes of a cycle remember the class that is used too often. Returns `true` if that is new.
    fn learn(&mut self, order: &[Class], room: &[usize]) -> bool {
        let mut learnt = false;
        for (at, &class) in order.iter().enumerate() {
            let used = order[..=at].iter().filter(|&&other| other == class).count();
            if used <= room[class] || self.slots[class].1 == 0 {
                continue;
            }
            let first = order.iter().position(|&other| other == class).unwrap_or(0);
            let slots = self.masks[class];
            for &between in &order[first..at] {
                let more = self.neighbourhoods[between].or(&slots);
                learnt |= more != self.neighbourhoods[between];
                self.neighbourhoods[between] = more;
            }
            return learnt;
        }
        false
    }
}

impl<const W: usize> Cheapest for Search<'_, W> {
    fn ask(&mut self, question: &Question<'_>, stop: &dyn Fn() -> bool) -> Result<Answer, Stopped> {
        let mut best = Answer { least: 0.0, found: Vec::new() };
        let remembers = |class: Class| self.memories.slots[class].1 > 0;
        let may_return = (0..question.room.len()).map(|class| question.room[class] > 1 || !remembers(class));
        let within = Within::new(&self.network, question.period_s);
        let last = self.network.costs.instance.last();
        let completion = Completion::new(&within, last, (question.prices, question.room), may_return.collect(), stop)?;
        for _ in 0..question.rounds {
            let (answer, cycle) = Self::once((&self.network, &self.memories), &within, &completion, question, stop)?;
            best.least = answer.least.max(best.least);
            if best.found.is_empty() || !answer.found.is_empty() {
                best.found = answer.found;
            }
            let is_new = cycle.is_some_and(|order| self.memories.learn(&order, question.room));
            if !is_new {
                break;
            }
        }
        Ok(best)
    }

    fn line(&self, order: &[Class]) -> Line {
        self.network.line(order)
    }

    fn edited(&self, line: &Line, edit: &Edit) -> Line {
        self.network.edited(line, edit)
    }

    fn period_after(&self, line: &Line, edit: &Edit, most_s: f64) -> f64 {
        self.network.period_after(line, edit, most_s)
    }

    fn best_cuts(&self, order: &[Class]) -> Option<ClassStages> {
        self.network.best_cuts(order)
    }

    fn stages_in_memory(&self) -> usize {
        self.network.stages_in_memory()
    }
}
