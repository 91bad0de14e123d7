//! Enumerates the downward-closed sets of blocks, up to a limit.
//!
//! It walks over ready blocks and visits each set once. The graph is divided at blocks that are
//! comparable with every other block. The parts between them are enumerated separately, so that a
//! long model with few branches costs as much as its branches. It takes O(c d) for c cuts with d
//! ready blocks each.

use rustc_hash::{FxHashMap, FxHashSet};

use super::contract::Blocks;
use super::count::CutCount;
use super::sets::{Sets, contains, insert};
use crate::stopped::Stopped;

/// A downward-closed set of blocks of a segment. It is not empty.
struct Ideal {
    /// The set from which it was grown, or `None` if that is the empty set.
    before: Option<usize>,
    /// The blocks that it adds to that set: one block and the eager blocks that follow.
    blocks: Vec<usize>,
    size: usize,
}

/// The downward-closed sets of one segment. Each comes after the one from which it was grown. The
/// last is the whole segment.
struct Segment(Vec<Ideal>);

/// The stop hook is asked each time that this many sets are found.
const SETS_PER_STOP: usize = 1_024;

/// The most words for the sets of one segment and for the blocks that can come next in each.
const MOST_WORDS: usize = 8 << 20;

/// The downward-closed sets that contain a base.
pub struct Family {
    /// The sets, the base first. Each comes after all sets that it contains.
    pub sets: Sets,
    /// For each set but the base, a smaller set and the blocks that it adds to that, in topological
    /// order.
    pub grown_by: Vec<(usize, Vec<usize>)>,
}

/// Enumerates the downward-closed sets of blocks that contain all of `base`. Returns their number
/// instead if there are more than `at_most`. The limit applies to the sets within segments of
/// several blocks; segments of one block are counted apart. An eager block is in a set as soon as
/// its predecessors are, but not before the first block of its segment.
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
                // One more set was found, and none of the sets counted here is the whole model. So
                // each of them is a cut.
                let before: usize = segments.iter().map(|segment: &Segment| segment.0.len()).sum();
                return Ok(Err(CutCount::MoreThan((before + some).min(at_most))));
            }
        };
        // A segment of one block adds one cut. It does not count towards the limit.
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

/// Returns the blocks that are not in the base, in segments. All blocks of a segment come after all
/// blocks of the segment before.
pub fn segments_of(blocks: &Blocks, base: &[usize]) -> Vec<Vec<usize>> {
    let mut placed = vec![false; blocks.count()];
    base.iter().for_each(|&block| placed[block] = true);
    let missing =
        |block: &usize, placed: &[bool]| blocks.predecessors[*block].iter().filter(|&&before| !placed[before]).count();
    let mut waiting_for: Vec<usize> = (0..blocks.count()).map(|block| missing(&block, &placed)).collect();
    let mut ready: Vec<usize> =
        (0..blocks.count()).filter(|&block| !placed[block] && waiting_for[block] == 0).rev().collect();
    // The number of placed blocks that no placed block reads.
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

/// Enumerates the downward-closed sets of some blocks whose other predecessors are in the set
/// already. Returns the number of sets found so far if there are more than `at_most` or if they
/// take too many words.
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
    // With eager blocks, a set may be reached in more than one layer.
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

/// Sorts the sets by size. Each then comes after all sets that it contains, and the whole segment
/// is the last.
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
