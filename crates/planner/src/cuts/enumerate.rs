//! All downward-closed sets of blocks, up to a number of them.
//!
//! A walk over ready blocks, each set once. The graph is taken apart
//! at blocks that every other one comes before or behind: what lies between two of them is enumerated by itself, so that
//! a long model with few branches costs as much as its branches. O(c d) for c cuts with d ready blocks each.

use rustc_hash::{FxHashMap, FxHashSet};

use super::contract::Blocks;
use super::count::CutCount;
use super::sets::{Sets, contains, insert};
use crate::stopped::Stopped;

/// A downward-closed set of the blocks of a segment that is not empty.
struct Ideal {
    /// The one that it came from, if that is not empty.
    before: Option<usize>,
    /// What it has beside that one: a block, and the eager ones that follow.
    blocks: Vec<usize>,
    size: usize,
}

/// The downward-closed sets of one segment, each behind the one that it came from. The last is the whole segment.
struct Segment(Vec<Ideal>);

/// Looks at the stop hook after so many sets.
const SETS_PER_STOP: usize = 1_024;

/// Words that the sets of one segment, and the blocks that can come next in each, may take.
const MOST_WORDS: usize = 8 << 20;

/// All downward-closed sets above a base.
pub struct Family {
    /// The base first, then each set behind all within it.
    pub sets: Sets,
    /// For each set but the base a smaller one, and the blocks that it has beside that, in a topological order.
    pub grown_by: Vec<(usize, Vec<usize>)>,
}

/// The downward-closed sets of blocks that contain all of `base`, or where there are more than `at_most`, how many there
/// are; those between blocks that every other comes before or behind are counted by themselves. An eager block is in a set
/// as soon as its predecessors are; before the first block of a segment it may not be.
pub fn downward_closed(
    blocks: &Blocks,
    base: &[usize],
    is_eager: &dyn Fn(usize) -> bool,
    at_most: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Result<Family, CutCount>, Stopped> {
    let mut left = at_most;
    let mut segments = Vec::new();
    for members in segments_of(blocks, base) {
        // The empty set of the first segment is the base.
        let segment = match enumerate(blocks, &members, is_eager, left, stop)? {
            Ok(segment) => segment,
            Err(some) => {
                // One more came up, and the whole model has not: each of them is a cut.
                let before: usize = segments.iter().map(|segment: &Segment| segment.0.len()).sum();
                return Ok(Err(CutCount::MoreThan((before + some).min(at_most))));
            }
        };
        // One block by itself is one more cut, however many there are.
        left -= if members.len() > 1 { segment.0.len() } else { 0 };
        segments.push(segment);
    }
    let count = segments.iter().map(|segment| segment.0.len()).sum();
    if count > at_most {
        return Ok(Err(CutCount::Exactly(count)));
    }
    let mut sets = Sets::new(blocks.count());
    let mut set = sets.empty();
    base.iter().for_each(|&block| insert(&mut set, block));
    sets.push(&set);
    let mut grown_by = Vec::new();
    for Segment(ideals) in segments {
        let (below, first) = (sets.len() - 1, sets.len());
        for Ideal { before, blocks, .. } in ideals {
            let before = before.map_or(below, |before| first + before);
            let mut set = sets.get(before).to_vec();
            blocks.iter().for_each(|&block| insert(&mut set, block));
            sets.push(&set);
            grown_by.push((before, blocks));
        }
    }
    Ok(Ok(Family { sets, grown_by }))
}

/// The blocks beside the base in parts, each of which comes wholly behind the one before.
pub fn segments_of(blocks: &Blocks, base: &[usize]) -> Vec<Vec<usize>> {
    let mut placed = vec![false; blocks.count()];
    base.iter().for_each(|&block| placed[block] = true);
    let missing =
        |block: &usize, placed: &[bool]| blocks.predecessors[*block].iter().filter(|&&before| !placed[before]).count();
    let mut waiting_for: Vec<usize> = (0..blocks.count()).map(|block| missing(&block, &placed)).collect();
    let mut ready: Vec<usize> =
        (0..blocks.count()).filter(|&block| !placed[block] && waiting_for[block] == 0).rev().collect();
    // Placed blocks of which none that is placed reads.
    let mut unread: usize = 0;
    let mut is_unread = vec![false; blocks.count()];
    let mut segments = vec![Vec::new()];
    while let Some(block) = ready.pop() {
        let before = &blocks.predecessors[block];
        let reads = before.iter().filter(|&&before| is_unread[before]).count();
        let separates = ready.is_empty() && reads == unread;
        if separates {
            segments.push(vec![block]);
            segments.push(Vec::new());
        } else if let Some(segment) = segments.last_mut() {
            segment.push(block);
        }
        for &before in before {
            unread -= usize::from(std::mem::take(&mut is_unread[before]));
        }
        is_unread[block] = true;
        unread += 1;
        placed[block] = true;
        for &next in &blocks.successors[block] {
            if placed[next] {
                continue;
            }
            waiting_for[next] -= 1;
            if waiting_for[next] == 0 {
                ready.push(next);
            }
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

/// The downward-closed sets of some blocks whose predecessors outside are given; where there are more than `at_most`, or
/// they take too many words, how many came up.
fn enumerate(
    blocks: &Blocks,
    members: &[usize],
    is_eager: &dyn Fn(usize) -> bool,
    at_most: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Result<Segment, usize>, Stopped> {
    if let &[block] = members {
        return Ok(Ok(Segment(vec![Ideal { before: None, blocks: vec![block], size: 1 }])));
    }
    let local: FxHashMap<usize, usize> = members.iter().enumerate().map(|(at, &block)| (block, at)).collect();
    let words = members.len().div_ceil(64);
    let mut words_left = MOST_WORDS;
    let within = |all: &[usize]| all.iter().filter_map(|block| local.get(block).copied()).collect::<Vec<usize>>();
    let predecessors: Vec<Vec<usize>> = members.iter().map(|&block| within(&blocks.predecessors[block])).collect();
    let successors: Vec<Vec<usize>> = members.iter().map(|&block| within(&blocks.successors[block])).collect();

    struct Open {
        set: Box<[u64]>,
        ready: Vec<usize>,
        at: Option<usize>,
    }
    let ready = (0..members.len()).filter(|&member| predecessors[member].is_empty()).collect();
    let mut layer = vec![Open { set: vec![0; words].into(), ready, at: None }];
    let mut ideals: Vec<Ideal> = Vec::new();
    // With eager blocks a set may come up in more than one layer.
    let mut known: FxHashSet<Box<[u64]>> = FxHashSet::default();
    while !layer.is_empty() {
        let mut next: Vec<Open> = Vec::new();
        for open in &layer {
            for &block in &open.ready {
                let mut set = open.set.clone();
                let mut ready: Vec<usize> = open.ready.clone();
                let mut added = Vec::new();
                let mut adding = Some(block);
                while let Some(block) = adding {
                    insert(&mut set, block);
                    ready.retain(|&other| other != block);
                    let is_ready = |next: &&usize| predecessors[**next].iter().all(|&before| contains(&set, before));
                    ready.extend(successors[block].iter().filter(is_ready));
                    added.push(members[block]);
                    adding = ready.iter().copied().find(|&next| is_eager(members[next]));
                }
                if !known.insert(set.clone()) {
                    continue;
                }
                let taken = 2 * words + ready.len();
                if ideals.len() == at_most || taken > words_left {
                    return Ok(Err(ideals.len()));
                }
                words_left -= taken;
                if ideals.len().is_multiple_of(SETS_PER_STOP) && stop() {
                    return Err(Stopped);
                }
                next.push(Open { set, ready, at: Some(ideals.len()) });
                let size = added.len() + open.at.map_or(0, |before| ideals[before].size);
                ideals.push(Ideal { before: open.at, blocks: added, size });
            }
        }
        layer = next;
    }
    Ok(Ok(Segment(by_size(ideals))))
}

/// The same sets by size, so that each comes behind all within it and the whole segment is the last.
fn by_size(mut ideals: Vec<Ideal>) -> Vec<Ideal> {
    if ideals.is_sorted_by_key(|ideal| ideal.size) {
        return ideals;
    }
    let mut order: Vec<usize> = (0..ideals.len()).collect();
    order.sort_by_key(|&at| ideals[at].size);
    let mut place = vec![0; ideals.len()];
    order.iter().enumerate().for_each(|(to, &from)| place[from] = to);
    ideals.iter_mut().for_each(|ideal| ideal.before = ideal.before.map(|before| place[before]));
    let mut ideals: Vec<Option<Ideal>> = ideals.into_iter().map(Some).collect();
    order.into_iter().filter_map(|from| ideals[from].take()).collect()
}
