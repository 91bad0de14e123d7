//! The assignment problem: each row gets a column of its own, and the sum of costs is as small as possible.
//!
//! Shortest augmenting paths with prices (Kuhn 1955, doi 10.1002/nav.3800020109; Jonker and Volgenant 1987), O(n² m) for n
//! rows and m columns.

/// Returns for each row its column. There must be at least as many columns as rows, all rows of the same length.
pub fn cheapest_matching(costs: &[Vec<f64>]) -> Vec<usize> {
    let width = costs.first().map_or(0, Vec::len);
    let mut row_prices = vec![0.0; costs.len()];
    let mut column_prices = vec![0.0; width];
    let mut row_of: Vec<Option<usize>> = vec![None; width];
    for first in 0..costs.len() {
        // A shortest path from the row to a free column, where a step to a column costs what it exceeds the prices by.
        let mut distance = vec![f64::INFINITY; width];
        let mut came_from: Vec<Option<usize>> = vec![None; width];
        let mut is_done = vec![false; width];
        let (mut row, mut last, mut so_far) = (first, None, 0.0);
        let free = loop {
            for column in (0..width).filter(|&column| !is_done[column]) {
                let length = so_far + (costs[row][column] - row_prices[row] - column_prices[column]);
                if length < distance[column] {
                    (distance[column], came_from[column]) = (length, last);
                }
            }
            let open = (0..width).filter(|&column| !is_done[column]);
            let Some(nearest) = open.min_by(|&a, &b| distance[a].total_cmp(&distance[b])) else { return Vec::new() };
            (is_done[nearest], so_far, last) = (true, distance[nearest], Some(nearest));
            match row_of[nearest] {
                Some(next) => row = next,
                None => break nearest,
            }
        };
        row_prices[first] += so_far;
        for column in (0..width).filter(|&column| is_done[column]) {
            column_prices[column] -= so_far - distance[column];
            if let Some(row) = row_of[column] {
                row_prices[row] += so_far - distance[column];
            }
        }
        let mut at = free;
        while let Some(before) = came_from[at] {
            row_of[at] = row_of[before];
            at = before;
        }
        row_of[at] = Some(first);
    }
    let mut column_of = vec![0; costs.len()];
    for (column, row) in row_of.into_iter().enumerate() {
        row.into_iter().for_each(|row| column_of[row] = column);
    }
    column_of
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::cheapest_matching;

    fn least(costs: &[Vec<f64>], used: &mut Vec<usize>) -> f64 {
        let Some(row) = costs.get(used.len()) else { return 0.0 };
        let mut best = f64::INFINITY;
        for (column, cost) in row.iter().enumerate() {
            if !used.contains(&column) {
                used.push(column);
                best = best.min(cost + least(costs, used));
                used.pop();
            }
        }
        best
    }

    #[test]
    fn as_cheap_as_the_best_of_all() {
        let mut rng = Pcg64Mcg::seed_from_u64(7);
        for _ in 0..500 {
            let (height, width) = (rng.random_range(0..=5), rng.random_range(5..=6));
            let mut row = || (0..width).map(|_| f64::from(rng.random_range(0..9_u32))).collect();
            let costs: Vec<Vec<f64>> = (0..height).map(|_| row()).collect();
            let matching = cheapest_matching(&costs);
            let mut columns = matching.clone();
            columns.sort_unstable();
            columns.dedup();
            assert_eq!(columns.len(), height, "{costs:?}: {matching:?}");
            let cost: f64 = matching.iter().zip(&costs).map(|(&column, row)| row[column]).sum();
            assert_eq!(cost, least(&costs, &mut Vec::new()), "{costs:?}: {matching:?}");
        }
    }
}
