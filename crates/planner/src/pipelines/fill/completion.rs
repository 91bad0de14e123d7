//! Completion bounds: what the rest of a pipeline costs at least, by the cheapest walk to the end that does not return at once.
//!
//! A walk may use a host again, but not directly after one other stage (Houck, Picard, Queyranne and Vemuganti 1980). For
//! each class and start, the two cheapest walks that go on to different classes are known.

use super::classes::Class;
use super::within::Within;
use crate::index::{Index, Position};
use crate::stopped::Stopped;

/// No class: the end of the pipeline.
const NOWHERE: u32 = u32::MAX;

/// The two cheapest walks from a host on that go on to different classes.
#[derive(Debug, Clone, Copy)]
struct Cheapest {
    cost: f64,
    next: u32,
    other_cost: f64,
}

impl Cheapest {
    const NONE: Self = Self { cost: f64::INFINITY, next: NOWHERE, other_cost: f64::INFINITY };

    fn add(&mut self, cost: f64, next: u32) {
        if cost < self.cost {
            if next != self.next {
                self.other_cost = self.cost;
            }
            (self.cost, self.next) = (cost, next);
        } else if next != self.next && cost < self.other_cost {
            self.other_cost = cost;
        }
    }
}

/// The least cost to the end by class and start, the class's own price included.
pub struct Completion {
    positions: usize,
    cheapest: Vec<Cheapest>,
    may_return: Vec<bool>,
}

impl Completion {
    /// Computes the costs for prices and numbers of hosts by class. Classes without room are not used. `may_return` says
    /// which classes a walk may return to at once.
    pub fn new<const W: usize>(
        within: &Within<'_, W>,
        last: Position,
        (prices, room): (&[f64], &[usize]),
        may_return: Vec<bool>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let (classes, positions) = (prices.len(), last.number() + 1);
        let mut completion = Self { positions, cheapest: vec![Cheapest::NONE; classes * positions], may_return };
        // By class and end: the cheapest walks after a stage that ends there.
        let mut behind = vec![Cheapest::NONE; classes * positions];
        let usable: Vec<Class> = (0..classes).filter(|&class| room[class] > 0).collect();
        for &class in usable.iter().filter(|&&class| within.finishes[class]) {
            behind[class * positions + last.number()].add(0.0, NOWHERE);
        }
        for position in Position::FIRST.until(last).rev() {
            if position.number() % 64 == 0 && stop() {
                return Err(Stopped);
            }
            let mut reaches = Vec::with_capacity(usable.len());
            for &class in &usable {
                let mut cheapest = Cheapest::NONE;
                for end in within.ends(class, position).iter() {
                    let after = &behind[class * positions + end.number()];
                    cheapest.add(after.cost, after.next);
                    if after.other_cost < cheapest.other_cost {
                        // The class that it goes on to is another one than `after.next`.
                        if after.next == cheapest.next {
                            cheapest.other_cost = after.other_cost;
                        } else {
                            cheapest.other_cost = cheapest.other_cost.min(after.other_cost);
                        }
                    }
                }
                if cheapest.cost < f64::INFINITY {
                    cheapest.cost += prices[class];
                    cheapest.other_cost += prices[class];
                    completion.cheapest[class * positions + position.number()] = cheapest;
                    reaches.push(class);
                }
            }
            if position == Position::FIRST {
                break;
            }
            for &from in &usable {
                let mut cheapest = Cheapest::NONE;
                for &to in &reaches {
                    // A hop between two hosts of one class needs two of them.
                    let is_other = from != to || room[from] > 1;
                    if is_other && within.carried(from, to).contains(position) {
                        cheapest.add(completion.after(from, to, position), to as u32);
                    }
                }
                behind[from * positions + position.number()] = cheapest;
            }
        }
        Ok(completion)
    }

    /// Returns the least cost from a start on a class on, where the stage before is on a host of class `before`.
    #[inline]
    pub fn after(&self, before: Class, class: Class, start: Position) -> f64 {
        let cheapest = &self.cheapest[class * self.positions + start.number()];
        if cheapest.next == before as u32 && !self.may_return[before] { cheapest.other_cost } else { cheapest.cost }
    }

    /// Returns the least cost of a whole walk that begins on a class.
    pub fn of_whole(&self, class: Class) -> f64 {
        self.cheapest[class * self.positions].cost
    }
}
