//! An order of the blocks whose prefixes have small boundaries. It is for models with more cuts
//! than a search holds.
//!
//! Of the ready blocks, the one whose prefix has the smallest boundary comes next. Of equal ones it
//! is the block that became ready last, so that a branch is finished before another begins. It
//! takes O(L).

use super::boundary::Tensors;
use super::contract::Blocks;
use super::sets::{Sets, insert, remove};

/// The most ready blocks that are compared. They are those that became ready last.
const MOST_READY: usize = 64;

/// Returns all blocks in this order, those of the base first.
pub fn small_boundaries(blocks: &Blocks, tensors: &Tensors, base: &[usize]) -> Vec<usize> {
    let mut waiting_for: Vec<usize> = blocks.predecessors.iter().map(Vec::len).collect();
    let mut order = Vec::with_capacity(blocks.count());
    let mut set = Sets::new(blocks.count()).empty();
    let mut crossing = tensors.of_inputs();
    let mut ready: Vec<usize> = (0..blocks.count()).filter(|&block| waiting_for[block] == 0).rev().collect();
    let mut in_base = vec![false; blocks.count()];
    base.iter().for_each(|&block| in_base[block] = true);
    while !ready.is_empty() {
        let mut best: Option<(bool, u64, usize)> = None;
        for (at, &block) in ready.iter().enumerate().rev().take(MOST_READY) {
            insert(&mut set, block);
            let bytes = tensors.grown(crossing, block, &set).bytes;
            remove(&mut set, block);
            let key = (!in_base[block], bytes, usize::MAX - at);
            if best.is_none_or(|best| key < best) {
                best = Some(key);
            }
        }
        let Some((.., behind)) = best else { break };
        let block = ready.remove(usize::MAX - behind);
        insert(&mut set, block);
        crossing = tensors.grown(crossing, block, &set);
        order.push(block);
        for &next in &blocks.successors[block] {
            waiting_for[next] -= 1;
            if waiting_for[next] == 0 {
                ready.push(next);
            }
        }
    }
    order
}
