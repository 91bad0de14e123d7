//! Half-duplex ports and links, found where both directions together carry about what one carries
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use super::links::Links;
use super::measurement::median;

/// Both directions together carry at most this many times what the faster one carries alone.
const MOST_TOGETHER: f64 = 1.2;

/// The slower direction carries at least this share of the faster one. Of less, both together say
/// nothing: a full-duplex line would also carry little more than the faster one alone.
const LEAST_OF_FASTER: f64 = 0.4;

/// What was found about ports and pairs.
#[derive(Debug, Default)]
pub(super) struct HalfDuplex {
    ports: BTreeMap<usize, Why>,
    /// Pairs that take turns although both ends are full-duplex elsewhere, the smaller place first.
    media: BTreeSet<(usize, usize)>,
}

/// The evidence that a port is half-duplex.
#[derive(Debug, Clone)]
pub(super) struct Why {
    pub(super) file: String,
    pub(super) text: String,
}

impl HalfDuplex {
    /// Returns why a node's port is half-duplex, if it is.
    pub(super) fn port(&self, node: usize) -> Option<&Why> {
        self.ports.get(&node)
    }

    /// Returns `true` if the two directions of a pair take turns, and no port explains it.
    pub(super) fn is_medium(&self, a: usize, b: usize) -> bool {
        self.media.contains(&(a.min(b), a.max(b)))
    }
}

/// Compares tests in both directions with those in one.
///
/// A port is full-duplex if one of its pairs is. Of a pair that takes turns, each end that is not
/// full-duplex elsewhere has a half-duplex port. If both are, the line between them takes turns.
pub(super) fn find(links: &Links) -> HalfDuplex {
    let mut turns = Vec::new();
    let mut full = BTreeSet::new();
    for (a, b) in links.pairs().map(|((from, to), _)| (from.min(to), from.max(to))).collect::<BTreeSet<_>>() {
        match compare(links, a, b) {
            Some(Comparison { takes_turns: true, why }) => turns.push((a, b, why)),
            Some(Comparison { takes_turns: false, .. }) => full.extend([a, b]),
            None => {}
        }
    }
    let mut found = HalfDuplex::default();
    for (a, b, why) in turns {
        let ports: Vec<usize> = [a, b].into_iter().filter(|node| !full.contains(node)).collect();
        if ports.is_empty() {
            found.media.insert((a, b));
        }
        for node in ports {
            found.ports.entry(node).or_insert_with(|| why.clone());
        }
    }
    found
}

struct Comparison {
    takes_turns: bool,
    why: Why,
}

/// Returns whether a pair takes turns, or `None` where it was not measured both ways and alone.
fn compare(links: &Links, a: usize, b: usize) -> Option<Comparison> {
    let (there, back) = (links.pair(a, b)?, links.pair(b, a)?);
    let alone = [median(&there.one_way), median(&back.one_way)];
    let faster = alone.iter().flatten().copied().max_by(f64::total_cmp)?;
    let slower = alone.iter().flatten().copied().min_by(f64::total_cmp)?;
    let of_back: BTreeMap<usize, f64> = back.both_ways.iter().copied().collect();
    let sums = there.both_ways.iter().filter_map(|(test, rate)| Some(rate + of_back.get(test)?));
    let together = median(&sums.collect::<Vec<_>>())?;
    if slower < LEAST_OF_FASTER * faster {
        return None;
    }
    let mega = |rate: f64| rate / 1e6;
    let text = format!("both ways at once {:.3} Mbit/s, one way alone {:.3} Mbit/s", mega(together), mega(faster));
    let file = there.distinct_files().into_iter().next().unwrap_or_default();
    Some(Comparison { takes_turns: together <= MOST_TOGETHER * faster, why: Why { file, text } })
}
