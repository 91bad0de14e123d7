//! Selects cuts where there are too many: small boundaries, spread evenly over memory, work and
//! blocks.

use crate::cost::Assignment;
use crate::index::{Index, Position};
use crate::instance::Instance;

/// Returns about `most` inner cuts, and 0 and m. The model is divided into `most` slices of equal
/// weight, and the cut with the smallest boundary of each is taken. A cut between neighbouring
/// pinned blocks with different pins is added. This takes O(m).
pub fn spread(instance: &Instance, most: usize) -> Vec<Position> {
    let mut kept = vec![Position::FIRST, instance.last()];
    smallest_in_slices(instance, Position::FIRST, instance.last(), most, &mut kept);
    let mut pinned = instance.cuts.blocks().filter(|&block| !instance.pins_of(block).is_empty());
    if let Some(mut before) = pinned.next() {
        for block in pinned {
            if instance.pins_of(before) != instance.pins_of(block) {
                kept.extend(smallest_boundary(instance, before.end().until(block.end())));
            }
            before = block;
        }
    }
    in_order(kept)
}

/// Returns half of `most` cuts spread over the model, and about as many next to the cuts of an
/// assignment. These are taken between the neighbours that each cut of the assignment has in
/// `kept`. The ends of the assignment must be positions of the instance and must be in `kept`.
pub fn around(instance: &Instance, kept: &[Position], assignment: &Assignment, most: usize) -> Vec<Position> {
    let inner = assignment.stages.len() - 1;
    let mut finer = spread(instance, most / 2);
    for &(end, _) in &assignment.stages[..inner] {
        let at = kept.partition_point(|&cut| cut < end);
        smallest_in_slices(instance, kept[at - 1], kept[at + 1], most / 2 / inner, &mut finer);
        finer.push(end);
    }
    in_order(finer)
}

/// Returns the kept cuts and some more, in order and without duplicates.
pub fn joined(kept: &[Position], more: impl Iterator<Item = Position>) -> Vec<Position> {
    in_order(kept.iter().copied().chain(more).collect())
}

fn in_order(mut cuts: Vec<Position>) -> Vec<Position> {
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Adds the smallest boundary of each of `slices` parts of equal weight between two positions. The
/// weight sums parameters, work and number of blocks, each as a share of the whole model.
fn smallest_in_slices(instance: &Instance, first: Position, last: Position, slices: usize, kept: &mut Vec<Position>) {
    let whole = Weights::of(instance, Position::FIRST, instance.last());
    let weight = |position: Position| Weights::of(instance, first, position).relative_to(&whole);
    let all = weight(last);
    let mut start = first + 1;
    for slice in 1..=slices {
        if start >= last {
            return;
        }
        let limit = all * slice as f64 / slices as f64;
        // The weight never decreases with the position.
        let (mut within, mut beyond) = (start - 1, last);
        while within + 1 < beyond {
            let middle = within.middle(beyond);
            if weight(middle) <= limit { within = middle } else { beyond = middle }
        }
        let end = (within + 1).max(start);
        kept.extend(smallest_boundary(instance, start.until(end.min(last))));
        start = end;
    }
}

/// Returns the position with the smallest boundary. Of equal ones it returns the first.
fn smallest_boundary(instance: &Instance, positions: impl Iterator<Item = Position>) -> Option<Position> {
    positions.min_by(|&a, &b| instance.load_bits[a].total_cmp(&instance.load_bits[b]).then(a.cmp(&b)))
}

/// What some blocks hold and compute.
struct Weights {
    resident_bytes: f64,
    work_s: f64,
    blocks: f64,
}

impl Weights {
    fn of(instance: &Instance, start: Position, end: Position) -> Self {
        let work_s = instance.groups.indices().map(|group| instance.work_s(group, start, end));
        Self {
            resident_bytes: instance.resident_bytes(start, end) as f64,
            work_s: work_s.fold(0.0, f64::max),
            blocks: (end.number() - start.number()) as f64,
        }
    }

    fn relative_to(&self, whole: &Self) -> f64 {
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        share(self.resident_bytes, whole.resident_bytes)
            + share(self.work_s, whole.work_s)
            + share(self.blocks, whole.blocks)
    }
}
