//! The best rates of given pipelines: a linear program.
//!
//! The largest Σ rate with rate ≤ 1 / period of each pipeline, and Σ rate · load ≤ 1 of each resource. The simplex method
//! on a dense tableau with Bland's rule (1977), which cannot cycle. The origin is feasible.

use std::collections::BTreeMap;

use super::shared_loads::SharedResource;

/// What the rate of a pipeline depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// Seconds of the period of the pipeline alone, above 0.
    pub period_s: f64,
    /// Seconds of one pass on each resource that it may have in common with others.
    pub loads: Vec<(SharedResource, f64)>,
}

/// Values below which a coefficient of the scaled tableau counts as 0.
const TINY: f64 = 1e-11;

/// Returns the rates per second of pipelines with the largest sum.
///
/// Where nothing is shared by two of them, each has 1 / its period.
pub fn best_rates(demands: &[Demand]) -> Vec<f64> {
    let mut users: BTreeMap<SharedResource, Vec<(usize, f64)>> = BTreeMap::new();
    for (pipeline, demand) in demands.iter().enumerate() {
        for &(resource, seconds) in &demand.loads {
            users.entry(resource).or_default().push((pipeline, seconds));
        }
    }
    // In units of a pipeline's largest rate: part ≤ 1, Σ part · load / period ≤ 1.
    let part = |(pipeline, seconds): (usize, f64)| (pipeline, seconds / demands[pipeline].period_s);
    let shared = users.into_values().map(|users| users.into_iter().map(part).collect::<Vec<(usize, f64)>>());
    let rows: Vec<Vec<(usize, f64)>> =
        shared.filter(|row| row.len() > 1 && row.iter().map(|&(_, part)| part).sum::<f64>() > 1.0).collect();
    let gains: Vec<f64> = demands.iter().map(|demand| 1.0 / demand.period_s).collect();
    let parts = if rows.is_empty() { vec![1.0; demands.len()] } else { best_parts(&gains, &rows) };
    parts.into_iter().zip(gains).map(|(part, gain)| part * gain).collect()
}

/// Returns parts from 0 to 1 with the largest Σ part · gain and Σ part · coefficient ≤ 1 in each row.
fn best_parts(gains: &[f64], rows: &[Vec<(usize, f64)>]) -> Vec<f64> {
    let (count, height) = (gains.len(), rows.len() + gains.len());
    let largest = gains.iter().copied().fold(0.0, f64::max);
    // Columns: parts, then one slack for each row, then the right side. The last row is the objective.
    let width = count + height + 1;
    let mut tableau = vec![vec![0.0; width]; height + 1];
    for (index, row) in rows.iter().enumerate() {
        row.iter().for_each(|&(part, coefficient)| tableau[index][part] = coefficient);
    }
    for part in 0..count {
        tableau[rows.len() + part][part] = 1.0;
        tableau[height][part] = -gains[part] / largest;
    }
    for (index, row) in tableau.iter_mut().take(height).enumerate() {
        row[count + index] = 1.0;
        row[width - 1] = 1.0;
    }
    let mut basis: Vec<usize> = (count..count + height).collect();
    while let Some(enters) = (0..width - 1).find(|&column| tableau[height][column] < -TINY) {
        let ratio = |row: usize| tableau[row][width - 1] / tableau[row][enters];
        let leaves = (0..height).filter(|&row| tableau[row][enters] > TINY);
        let leaves = leaves.min_by(|&a, &b| ratio(a).total_cmp(&ratio(b)).then(basis[a].cmp(&basis[b])));
        let Some(leaves) = leaves else { break };
        let pivot = tableau[leaves][enters];
        tableau[leaves].iter_mut().for_each(|cell| *cell /= pivot);
        let pivots = tableau[leaves].clone();
        for (index, row) in tableau.iter_mut().enumerate().filter(|&(index, _)| index != leaves) {
            let factor = row[enters];
            if factor != 0.0 {
                row.iter_mut().zip(&pivots).for_each(|(cell, pivot)| *cell -= factor * pivot);
                row[enters] = 0.0;
            }
            if index < height {
                row[width - 1] = row[width - 1].max(0.0);
            }
        }
        basis[leaves] = enters;
    }
    let mut parts = vec![0.0; count];
    for (row, &variable) in basis.iter().enumerate().filter(|&(_, &variable)| variable < count) {
        parts[variable] = tableau[row][width - 1].clamp(0.0, 1.0);
    }
    parts
}
