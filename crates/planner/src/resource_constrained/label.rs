//! Labels: partial walks with their consumed resources, and lists of labels without dominated ones.

use super::resources::{Resource, Resources};
use crate::index::Position;

/// A partial walk at a position where a stage starts or ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Label {
    /// The position where the stage starts or ends.
    pub position: Position,
    /// The last step of the walk: an index into the steps of the search.
    pub step: u32,
    /// The resources that the walk has consumed.
    pub resources: Resources,
}

/// Adds a label to those from index `first` on, which all have its position. If one of them
/// dominates the new label, it is not added. Those that the new label dominates are dropped.
#[inline]
pub fn insert(labels: &mut Vec<Label>, first: usize, new: Label) {
    if labels[first..].iter().any(|label| label.resources.no_worse(&new.resources)) {
        return;
    }
    let mut kept = first;
    for at in first..labels.len() {
        if !new.resources.no_worse(&labels[at].resources) {
            labels[kept] = labels[at];
            kept += 1;
        }
    }
    labels.truncate(kept);
    labels.push(new);
}

/// Merges `more` into `into` and drops dominated labels. Both lists are sorted by position. Of
/// equal labels, that of `into` is kept.
pub fn merge(into: &mut Vec<Label>, more: &[Label]) {
    if into.is_empty() {
        into.extend_from_slice(more);
        return;
    }
    let mut merged = Vec::with_capacity(into.len() + more.len());
    let (mut left, mut right) = (&into[..], more);
    while !left.is_empty() || !right.is_empty() {
        let position = match (left.first(), right.first()) {
            (Some(a), Some(b)) => a.position.min(b.position),
            (a, b) => a.or(b).map_or(Position::FIRST, |label| label.position),
        };
        let (here, rest) = split_at_position(left, position);
        left = rest;
        let (also_here, rest) = split_at_position(right, position);
        right = rest;
        let first = merged.len();
        merged.extend_from_slice(here);
        for &label in also_here {
            insert(&mut merged, first, label);
        }
    }
    *into = merged;
}

/// Drops the labels that a label of `better` dominates. Both lists are sorted by position.
pub fn drop_dominated(labels: &mut Vec<Label>, better: &[Label]) {
    let mut from = 0;
    labels.retain(|label| {
        while from < better.len() && better[from].position < label.position {
            from += 1;
        }
        let here = better[from..].iter().take_while(|other| other.position == label.position);
        !here.into_iter().any(|other| other.resources.no_worse(&label.resources))
    });
}

fn split_at_position(labels: &[Label], position: Position) -> (&[Label], &[Label]) {
    let here = labels.iter().take_while(|label| label.position == position).count();
    labels.split_at(here)
}
