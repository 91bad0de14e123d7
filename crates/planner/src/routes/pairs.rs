//! Values for some directed pairs of nodes.

/// A value for some directed pairs of nodes, in rows by sender that are ordered by receiver: callers choose the pairs, so
/// that a hash table could be filled with collisions.
#[derive(Debug, Default)]
pub(super) struct Pairs<T> {
    rows: Vec<Vec<(usize, T)>>,
}

impl<T: Copy> Pairs<T> {
    /// The values of pairs of so many nodes, each pair given once. O(p log p) for p pairs.
    pub(super) fn new(nodes: usize, values: impl IntoIterator<Item = (usize, usize, T)>) -> Self {
        let mut values = values.into_iter().peekable();
        // Most large clusters list no pair: then there is no row to look into.
        let mut rows = vec![Vec::new(); if values.peek().is_some() { nodes } else { 0 }];
        for (from, to, value) in values {
            rows[from].push((to, value));
        }
        rows.iter_mut().for_each(|row| row.sort_by_key(|&(to, _)| to));
        Self { rows }
    }

    /// The value of a pair.
    pub(super) fn get(&self, from: usize, to: usize) -> Option<T> {
        let row = self.rows.get(from)?;
        let at = row.binary_search_by_key(&to, |&(to, _)| to).ok()?;
        Some(row[at].1)
    }

    /// All values.
    pub(super) fn values(&self) -> impl Iterator<Item = T> + '_ {
        self.rows.iter().flatten().map(|&(_, value)| value)
    }
}
