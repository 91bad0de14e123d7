//! What partial walks have spent, and lists of those that no other dominates.

/// What a partial walk has spent until a stage starts or ends, summed forwards exactly as the cost model does. Less is
/// better in each part.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Seconds that the input has been on its way.
    pub latency_s: f64,
    /// Bytes shipped to the hosts visited.
    pub shipped_bytes: f64,
    /// The load of the walk's last host: what it received, and where its stage has ended also what it computed.
    pub load_s: f64,
    /// Seconds in which the source sends the input.
    pub source_s: f64,
    /// The load of the stage on the sink.
    pub sink_s: f64,
}

impl Spent {
    /// Whether this is no worse in any part.
    #[inline]
    pub fn no_worse(&self, other: &Self) -> bool {
        (self.latency_s <= other.latency_s)
            & (self.shipped_bytes <= other.shipped_bytes)
            & (self.load_s <= other.load_s)
            & (self.source_s <= other.source_s)
            & (self.sink_s <= other.sink_s)
    }
}

/// A partial walk at a position where a stage starts or ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The position.
    pub position: u32,
    /// The step by which the walk came here: an index into the steps of the search.
    pub step: u32,
    /// What it has spent.
    pub spent: Spent,
}

/// Adds an entry to those from `first` on, all of one position, unless one of them is no worse; drops those that are
/// no better.
#[inline]
pub fn insert(entries: &mut Vec<Entry>, first: usize, new: Entry) {
    if entries[first..].iter().any(|entry| entry.spent.no_worse(&new.spent)) {
        return;
    }
    let mut kept = first;
    for at in first..entries.len() {
        if !new.spent.no_worse(&entries[at].spent) {
            entries[kept] = entries[at];
            kept += 1;
        }
    }
    entries.truncate(kept);
    entries.push(new);
}

/// Merges two lists sorted by position; of equals the first list's stays.
pub fn merge(into: &mut Vec<Entry>, more: &[Entry]) {
    if into.is_empty() {
        into.extend_from_slice(more);
        return;
    }
    let mut merged = Vec::with_capacity(into.len() + more.len());
    let (mut left, mut right) = (&into[..], more);
    while !left.is_empty() || !right.is_empty() {
        let position = match (left.first(), right.first()) {
            (Some(a), Some(b)) => a.position.min(b.position),
            (a, b) => a.or(b).map_or(0, |entry| entry.position),
        };
        let (here, rest) = split_at_position(left, position);
        left = rest;
        let (also_here, rest) = split_at_position(right, position);
        right = rest;
        let first = merged.len();
        merged.extend_from_slice(here);
        for &entry in also_here {
            insert(&mut merged, first, entry);
        }
    }
    *into = merged;
}

/// Drops entries at positions where `better`, sorted by position too, has one that is no worse.
pub fn drop_dominated(entries: &mut Vec<Entry>, better: &[Entry]) {
    let mut from = 0;
    entries.retain(|entry| {
        while from < better.len() && better[from].position < entry.position {
            from += 1;
        }
        let here = better[from..].iter().take_while(|other| other.position == entry.position);
        !here.into_iter().any(|other| other.spent.no_worse(&entry.spent))
    });
}

fn split_at_position(entries: &[Entry], position: u32) -> (&[Entry], &[Entry]) {
    let here = entries.iter().take_while(|entry| entry.position == position).count();
    entries.split_at(here)
}
