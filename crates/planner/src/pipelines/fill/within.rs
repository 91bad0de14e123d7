//! What a pipeline can do within a period, by classes of hosts, if the same host may be used again.

use super::by_class::ByClass;
use super::classes::{Class, ClassStages, Classes};
use crate::bits::Bits;
use crate::exact::at_period::distinct_loads;
use crate::exact::stage_ends::StageEnds;
use crate::index::{Index, Position};
use crate::instance::Instance;
use crate::links::Link;
use crate::stopped::Stopped;

/// What holds for every period.
pub struct Network<'i, const W: usize> {
    /// The costs.
    pub costs: ByClass<'i>,
    /// The stages that fit memory.
    pub stage_ends: StageEnds<W>,
    loads: Vec<f64>,
    /// For each number of the smallest distinct loads, the positions with one of these loads.
    carried: Vec<Bits<W>>,
}

/// The tables for one period.
pub struct Within<'n, const W: usize> {
    network: &'n Network<'n, W>,
    /// For each group and start, the ends of stages.
    ends: Vec<Bits<W>>,
    /// For each two classes, the number of distinct loads that a hop carries.
    carries: Vec<u16>,
    /// For each class, whether the input reaches it in time.
    pub begins: Vec<bool>,
    /// For each class, whether the output leaves it in time.
    pub finishes: Vec<bool>,
}

impl<'i, const W: usize> Network<'i, W> {
    /// Builds the tables of an instance.
    pub fn new(instance: &'i Instance, classes: &Classes, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let loads = distinct_loads(instance);
        let mut carried = vec![Bits::EMPTY; loads.len() + 1];
        for position in instance.inner_positions() {
            let rank = loads.partition_point(|&load_bits| load_bits < instance.load_bits[position]);
            carried[rank + 1].insert(position);
        }
        for rank in 1..carried.len() {
            carried[rank] = carried[rank].or(&carried[rank - 1]);
        }
        Ok(Self { costs: ByClass::new(instance, classes), stage_ends: StageEnds::new(instance, stop)?, loads, carried })
    }

    /// Returns the cuts with which hosts in a given order have the least period, or `None` if there are none.
    pub fn best_cuts(&self, order: &[Class]) -> Option<ClassStages> {
        let instance = self.costs.instance;
        let positions = instance.blocks() + 1;
        let mut least_s = vec![f64::INFINITY; positions];
        least_s[0] = self.costs.input_s[*order.first()?];
        let mut starts: Vec<Vec<u32>> = Vec::with_capacity(order.len());
        for (at, &class) in order.iter().enumerate() {
            let mut ended_s = vec![f64::INFINITY; positions];
            let mut start_of = vec![0_u32; positions];
            let group = self.costs.group_of[class];
            for start in instance.starts() {
                let before_s = least_s[start.number()];
                if before_s == f64::INFINITY {
                    continue;
                }
                for end in self.stage_ends.row(group, start).iter() {
                    let period_s = before_s.max(instance.compute_s(group, start, end));
                    if period_s < ended_s[end.number()] {
                        ended_s[end.number()] = period_s;
                        start_of[end.number()] = start.number() as u32;
                    }
                }
            }
            starts.push(start_of);
            match order.get(at + 1) {
                Some(&next) => {
                    let link = self.costs.link(class, next);
                    for position in instance.inner_positions() {
                        let hop_s = link.transfer_s(instance.load_bits[position]);
                        ended_s[position.number()] = ended_s[position.number()].max(hop_s);
                    }
                    ended_s[instance.last().number()] = f64::INFINITY;
                }
                None if ended_s[instance.last().number()] == f64::INFINITY => return None,
                None => {}
            }
            least_s = ended_s;
        }
        let (mut stages, mut end) = (Vec::with_capacity(order.len()), instance.last());
        for (&class, starts) in order.iter().zip(&starts).rev() {
            stages.push((end, class));
            end = Position::nth(starts[end.number()] as usize);
        }
        stages.reverse();
        Some(stages)
    }
}

impl<const W: usize> Network<'_, W> {
    /// Returns the number of stages within memory, of hosts of all groups.
    pub fn stages_in_memory(&self) -> usize {
        let instance = self.costs.instance;
        let of = |group| instance.starts().map(move |start| self.stage_ends.row(group, start).iter().count());
        instance.groups.indices().flat_map(of).sum()
    }
}

impl<'n, const W: usize> Within<'n, W> {
    /// Builds the tables of a period in seconds.
    pub fn new(network: &'n Network<'_, W>, period_s: f64) -> Self {
        let instance = network.costs.instance;
        let mut ends = Vec::with_capacity(instance.groups.len() * instance.blocks());
        for group in instance.groups.indices() {
            for start in instance.starts() {
                let row = network.stage_ends.row(group, start);
                let in_time = |end: Position| instance.compute_s(group, start, end) <= period_s;
                let mut within = Bits::EMPTY;
                if instance.compute_is_sorted(group) {
                    let (mut works, mut fails) = (start, instance.last() + 1);
                    while works + 1 < fails {
                        let middle = works.middle(fails);
                        if in_time(middle) { works = middle } else { fails = middle }
                    }
                    within.insert_range(start + 1, works);
                    within = within.and(row);
                } else {
                    row.iter().filter(|&end| in_time(end)).for_each(|end| within.insert(end));
                }
                ends.push(within);
            }
        }
        let carries = |link: &Link| match link.exists() {
            true => network.loads.partition_point(|&load_bits| link.transfer_s(load_bits) <= period_s) as u16,
            false => 0,
        };
        Self {
            network,
            ends,
            carries: network.costs.links().iter().map(carries).collect(),
            begins: network.costs.input_s.iter().map(|&input_s| input_s <= period_s).collect(),
            finishes: network.costs.output_s.iter().map(|&output_s| output_s <= period_s).collect(),
        }
    }

    /// Returns the ends of stages on a class's hosts that begin at a position.
    #[inline]
    pub fn ends(&self, class: Class, start: Position) -> &Bits<W> {
        let group = self.network.costs.group_of[class].number();
        &self.ends[group * self.network.costs.instance.blocks() + start.number()]
    }

    /// Returns the ends of stages on a class's hosts that begin at one of some positions.
    #[inline]
    pub fn ends_of(&self, class: Class, starts: &Bits<W>) -> Bits<W> {
        let last = self.network.costs.instance.last();
        starts.iter().filter(|&start| start < last).fold(Bits::EMPTY, |all, start| all.or(self.ends(class, start)))
    }

    /// Returns the positions whose boundary a hop carries from one class to another.
    #[inline]
    pub fn carried(&self, from: Class, to: Class) -> &Bits<W> {
        &self.network.carried[usize::from(self.carries[from * self.network.costs.classes() + to])]
    }
}
