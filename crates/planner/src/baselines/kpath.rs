//! `kpath`: the min-sum partition, matched to paths over fast links by classes of transfer size.
//!
//! Source: A. Parthasarathy and B. Krishnamachari, "Partitioning and Placement of Deep Neural
//! Networks on Distributed Edge Devices to Maximize Inference Throughput", ITNAC 2022, doi
//! 10.1109/ITNAC55475.2022.9998427. Paths are found by colour coding (see `colour_coding`). The
//! cuts fall into [`CLASSES`] equal-width classes of transfer size. The classes are matched from
//! the largest down. In each class, the maximal runs of neighbouring cuts are matched longest
//! first. Each run gets the path on unused hosts whose slowest link is fastest; its ends are fixed
//! if they are already placed.
//!
//! Two faults of the published code are corrected. The memory of a piece counts its first block.
//! The largest transfer belongs to the top class, so it is matched.
//!
//! Guarantee: none for the placement; on common instances it is some per cent above the optimum.
//! Each path has the best slowest link with high probability while it needs at most
//! [`LONGEST_PIECE`] hosts besides its fixed ends, or any number of at most [`DISTINCT_COLOURS`]
//! unused hosts. A longer run is matched piece by piece, each starting where the last one ended,
//! and then the path is a heuristic too. If links are missing, a run may have no path; there is no
//! placement then.
//!
//! Complexity: O(r (p (2e)^p n² / 64) log n) for r pieces of at most p hosts, in addition to the
//! partition. As p is bounded, this is O(n³ log n) in all.

use std::cmp::Reverse;
use std::ops::Range;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::colour_coding::{DISTINCT_COLOURS, Path, widest};
use super::partition::least_sum;
use super::permitted;
use crate::incumbent::Incumbent;
use crate::index::Host;
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The number of transfer-size classes in the paper's main runs.
const CLASSES: usize = 20;

/// The most hosts that one path search chooses if more than [`DISTINCT_COLOURS`] are unused.
const LONGEST_PIECE: usize = 7;

/// Offers the placement that the matching finds.
pub fn kpath(incumbent: &Incumbent<'_>) {
    let instance = incumbent.instance;
    let stop = || incumbent.must_end();
    let Ok(Some(ends)) = least_sum(instance, &stop) else { return };
    if ends.len() == 1 {
        // There is no hop, so the paper's measure makes all hosts equal. Each is offered, and the
        // incumbent keeps the best.
        for host in instance.hosts.indices() {
            permitted(instance, &ends, &[host]).into_iter().for_each(|assignment| incumbent.offer(assignment));
        }
        return;
    }
    let sizes: Vec<f64> = ends[..ends.len() - 1].iter().map(|&cut| instance.load_bits[cut]).collect();
    let rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
    let mut matching = Matching { instance, placed: vec![None; ends.len()], rng, stop: &stop };
    for run in runs(&classes_of(&sizes)) {
        if matching.place(run) != Ok(true) {
            return;
        }
    }
    let hosts: Option<Vec<Host>> = matching.placed.into_iter().collect();
    if let Some(assignment) = hosts.and_then(|hosts| permitted(instance, &ends, &hosts)) {
        incumbent.offer(assignment);
    }
}

/// Returns the class of each transfer size: its bin between the smallest and the largest size.
fn classes_of(sizes: &[f64]) -> Vec<usize> {
    let smallest = sizes.iter().copied().fold(f64::INFINITY, f64::min);
    let range = sizes.iter().copied().fold(0.0, f64::max) - smallest;
    let class_of = |size: &f64| match (size - smallest) / range {
        fraction if fraction < 1.0 => ((fraction * CLASSES as f64) as usize).min(CLASSES - 1),
        // This is the largest size, or all sizes are equal and the fraction is not a number.
        _ => CLASSES - 1,
    };
    sizes.iter().map(class_of).collect()
}

/// Returns the maximal runs of neighbouring cuts of one class, in the order in which they are
/// matched.
fn runs(classes: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (cut, class) in classes.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if classes[run.start] == *class => run.end = cut + 1,
            _ => runs.push(cut..cut + 1),
        }
    }
    runs.sort_by_key(|run| (Reverse(classes[run.start]), Reverse(run.len()), run.start));
    runs
}

struct Matching<'a> {
    instance: &'a Instance,
    /// The host of each stage.
    placed: Vec<Option<Host>>,
    rng: Pcg64Mcg,
    stop: &'a dyn Fn() -> bool,
}

impl Matching<'_> {
    /// Places the stages on both sides of a run of cuts: cut c lies between the stages c and c + 1.
    /// Returns `true` if a path was found for each piece.
    fn place(&mut self, run: Range<usize>) -> Result<bool, Stopped> {
        let (mut first, last) = (run.start, run.end);
        while first < last {
            let unused = self.unused();
            let to_choose = (first..=last).filter(|&stage| self.placed[stage].is_none()).count();
            let longest = if unused.len() <= DISTINCT_COLOURS { DISTINCT_COLOURS } else { LONGEST_PIECE };
            let pieces = to_choose.div_ceil(longest).max(1);
            let piece_last = if pieces == 1 { last } else { first + (last - first) / pieces };
            if !self.place_piece(&unused, first, piece_last)? {
                return Ok(false);
            }
            first = piece_last;
        }
        Ok(true)
    }

    fn place_piece(&mut self, unused: &[Host], first: usize, last: usize) -> Result<bool, Stopped> {
        let (before, after) = (self.placed[first], self.placed[last]);
        let to_choose: Vec<usize> = (first..=last).filter(|&stage| self.placed[stage].is_none()).collect();
        let path = Path { before, between: to_choose.len(), after };
        let hosts = widest(self.instance, unused, path, &mut self.rng, self.stop)?;
        let Some(hosts) = hosts else { return Ok(false) };
        for (stage, host) in to_choose.into_iter().zip(hosts) {
            self.placed[stage] = Some(host);
        }
        Ok(true)
    }

    fn unused(&self) -> Vec<Host> {
        let mut used = self.instance.by_host(false);
        self.placed.iter().flatten().for_each(|&host| used[host] = true);
        used.indices().filter(|&host| !used[host]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_from_the_top_class_down_longest_first() {
        assert_eq!(runs(&[19, 19, 0, 10, 10, 10, 19]), [0..2, 6..7, 3..6, 2..3]);
        assert_eq!(runs(&[7]).first(), Some(&(0..1)));
        assert_eq!(runs(&[7]).len(), 1);
    }

    #[test]
    fn classes_are_equally_wide_and_the_largest_is_in_the_top_one() {
        assert_eq!(classes_of(&[0.0, 4.9, 5.0, 99.0, 100.0, 50.0]), [0, 0, 1, 19, 19, 10]);
        assert_eq!(classes_of(&[3.0, 3.0]), [19, 19]);
    }
}
