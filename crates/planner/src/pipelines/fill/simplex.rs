//! The simplex method for packing programmes, to which columns can be added.
//!
//! Maximise Σ value · x with Σ entry · x ≤ limit in each row, all limits and x at least 0, so that x = 0 is a first solution.
//! It is the revised simplex method with a dense inverse (Dantzig 1963). Sets of pipelines make degenerate programmes, so
//! the limits are raised by different, tiny parts (Charnes 1952, doi 10.2307/1907845). The duals are those of the basis;
//! what is claimed of them is checked by whoever uses them.

/// Relative size of the changes of limits.
const PERTURBED: f64 = 1e-7;

/// A reduced value above this part of the largest value counts.
const LEAST_GAIN: f64 = 1e-10;

/// Entries of a direction below this count as 0.
const LEAST_PIVOT: f64 = 1e-9;

/// Steps between two computations of the inverse from the basis.
const STEPS_PER_INVERSE: usize = 80;

/// A column of the programme: its value and its entries by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// What one unit is worth.
    pub value: f64,
    /// Rows with what one unit takes of them. Each row occurs once.
    pub entries: Vec<(usize, f64)>,
}

/// A programme with its current basis.
#[derive(Debug, Clone)]
pub struct Programme {
    limits: Vec<f64>,
    variables: Vec<Variable>,
    /// For each row its basic variable: a variable, or behind all possible variables, a slack.
    basis: Vec<Basic>,
    is_basic: Vec<bool>,
    /// The inverse of the basis, row by row.
    inverse: Vec<f64>,
    /// The values of the basic variables under the changed limits.
    solution: Vec<f64>,
    steps: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basic {
    Variable(usize),
    Slack(usize),
}

impl Programme {
    /// Returns a programme without variables.
    pub fn new(limits: Vec<f64>) -> Self {
        let rows = limits.len();
        let mut programme = Self {
            limits,
            variables: Vec::new(),
            basis: (0..rows).map(Basic::Slack).collect(),
            is_basic: Vec::new(),
            inverse: Vec::new(),
            solution: Vec::new(),
            steps: 0,
        };
        programme.invert();
        programme
    }

    /// Adds a variable.
    pub fn add(&mut self, variable: Variable) {
        self.variables.push(variable);
        self.is_basic.push(false);
    }

    /// Returns the variables.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Returns the limits of the rows.
    pub fn limits(&self) -> &[f64] {
        &self.limits
    }

    /// Returns the price of each row under the current basis, at least 0.
    pub fn duals(&self) -> Vec<f64> {
        self.prices().into_iter().map(|price| price.max(0.0)).collect()
    }

    fn prices(&self) -> Vec<f64> {
        let rows = self.limits.len();
        let mut prices = vec![0.0; rows];
        for (row, &basic) in self.basis.iter().enumerate() {
            let Basic::Variable(variable) = basic else { continue };
            let value = self.variables[variable].value;
            let inverse = &self.inverse[row * rows..(row + 1) * rows];
            prices.iter_mut().zip(inverse).for_each(|(price, cell)| *price += value * cell);
        }
        prices
    }

    /// Returns the variables that are above 0, with their values.
    pub fn solution(&self) -> Vec<(usize, f64)> {
        let rows = self.limits.len();
        let value = |row: usize| {
            let inverse = &self.inverse[row * rows..(row + 1) * rows];
            inverse.iter().zip(&self.limits).map(|(cell, limit)| cell * limit).sum::<f64>()
        };
        let of_row = self.basis.iter().enumerate().filter_map(|(row, &basic)| match basic {
            Basic::Variable(variable) => Some((variable, value(row))),
            Basic::Slack(_) => None,
        });
        let mut solution: Vec<(usize, f64)> = of_row.filter(|&(_, value)| value > 1e-9).collect();
        solution.sort_unstable_by_key(|&(variable, _)| variable);
        solution
    }

    /// Improves the basis until no variable gains, for at most a number of steps. Returns `true` if none gains.
    pub fn solve(&mut self, most_steps: usize) -> bool {
        let largest = self.variables.iter().map(|variable| variable.value).fold(0.0, f64::max);
        for _ in 0..most_steps {
            let prices = self.prices();
            let Some(enters) = self.entering(&prices, largest * LEAST_GAIN) else { return true };
            let direction = self.direction(enters);
            let Some(leaves) = self.leaving(&direction) else { return false };
            self.step(enters, leaves, &direction);
        }
        false
    }

    /// Returns what enters the basis: the variable or slack with the largest gain.
    fn entering(&self, prices: &[f64], least: f64) -> Option<Basic> {
        let (mut best, mut most) = (None, least);
        for (index, variable) in self.variables.iter().enumerate() {
            if self.is_basic[index] {
                continue;
            }
            let paid: f64 = variable.entries.iter().map(|&(row, entry)| prices[row] * entry).sum();
            if variable.value - paid > most {
                (best, most) = (Some(Basic::Variable(index)), variable.value - paid);
            }
        }
        for (row, &price) in prices.iter().enumerate() {
            if -price > most && !self.basis.contains(&Basic::Slack(row)) {
                (best, most) = (Some(Basic::Slack(row)), -price);
            }
        }
        best
    }

    fn direction(&self, enters: Basic) -> Vec<f64> {
        let rows = self.limits.len();
        let slack;
        let entries = match enters {
            Basic::Variable(variable) => &self.variables[variable].entries[..],
            Basic::Slack(row) => {
                slack = [(row, 1.0)];
                &slack[..]
            }
        };
        let of_row = |row: usize| entries.iter().map(|&(at, entry)| self.inverse[row * rows + at] * entry).sum();
        (0..rows).map(of_row).collect()
    }

    /// Returns the row whose variable becomes 0 first. Of equal ones, that with the largest entry.
    fn leaving(&self, direction: &[f64]) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for (row, &entry) in direction.iter().enumerate() {
            if entry <= LEAST_PIVOT {
                continue;
            }
            let ratio = self.solution[row].max(0.0) / entry;
            let is_better = best.is_none_or(|(least, of)| ratio < least || ratio == least && entry > direction[of]);
            if is_better {
                best = Some((ratio, row));
            }
        }
        best.map(|(_, row)| row)
    }

    fn step(&mut self, enters: Basic, leaves: usize, direction: &[f64]) {
        let rows = self.limits.len();
        if let Basic::Variable(variable) = self.basis[leaves] {
            self.is_basic[variable] = false;
        }
        if let Basic::Variable(variable) = enters {
            self.is_basic[variable] = true;
        }
        self.basis[leaves] = enters;
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_PER_INVERSE) {
            self.invert();
            return;
        }
        let pivot = direction[leaves];
        let pivots: Vec<f64> =
            self.inverse[leaves * rows..(leaves + 1) * rows].iter().map(|cell| cell / pivot).collect();
        let amount = self.solution[leaves].max(0.0) / pivot;
        for (row, &entry) in direction.iter().enumerate().filter(|&(row, &entry)| row != leaves && entry != 0.0) {
            let cells = self.inverse[row * rows..(row + 1) * rows].iter_mut();
            cells.zip(&pivots).for_each(|(cell, pivot)| *cell -= entry * pivot);
            self.solution[row] = (self.solution[row] - entry * amount).max(0.0);
        }
        self.inverse[leaves * rows..(leaves + 1) * rows].copy_from_slice(&pivots);
        self.solution[leaves] = amount;
    }

    /// Computes the inverse of the basis and the solution anew, by Gauss and Jordan with row exchanges. If rounding has made
    /// the basis singular, it begins again with the slacks.
    fn invert(&mut self) {
        let rows = self.limits.len();
        let width = 2 * rows;
        let mut cells = vec![0.0; rows * width];
        for (column, &basic) in self.basis.iter().enumerate() {
            match basic {
                Basic::Slack(row) => cells[row * width + column] = 1.0,
                Basic::Variable(variable) => {
                    for &(row, entry) in &self.variables[variable].entries {
                        cells[row * width + column] = entry;
                    }
                }
            }
        }
        (0..rows).for_each(|row| cells[row * width + rows + row] = 1.0);
        for column in 0..rows {
            let by_size = |&a: &usize, &b: &usize| {
                cells[a * width + column].abs().total_cmp(&cells[b * width + column].abs()).then(b.cmp(&a))
            };
            let pivot_row = (column..rows).max_by(by_size).unwrap_or(column);
            if cells[pivot_row * width + column].abs() < 1e-11 {
                self.basis = (0..rows).map(Basic::Slack).collect();
                self.is_basic.iter_mut().for_each(|is_basic| *is_basic = false);
                return self.invert();
            }
            if pivot_row != column {
                (0..width).for_each(|at| cells.swap(pivot_row * width + at, column * width + at));
            }
            let pivot = cells[column * width + column];
            (0..width).for_each(|at| cells[column * width + at] /= pivot);
            let pivots = cells[column * width..(column + 1) * width].to_vec();
            for row in (0..rows).filter(|&row| row != column) {
                let factor = cells[row * width + column];
                if factor != 0.0 {
                    let own = cells[row * width..(row + 1) * width].iter_mut();
                    own.zip(&pivots).for_each(|(cell, pivot)| *cell -= factor * pivot);
                }
            }
        }
        self.inverse = (0..rows).flat_map(|row| cells[row * width + rows..(row + 1) * width].to_vec()).collect();
        let changed = |row: usize| {
            let part = (row as f64 * 0.618_033_988_749_895).fract();
            self.limits[row] + PERTURBED * (0.5 + part) * self.limits[row].max(1.0)
        };
        let changed: Vec<f64> = (0..rows).map(changed).collect();
        let value = |row: usize| {
            let inverse = &self.inverse[row * rows..(row + 1) * rows];
            inverse.iter().zip(&changed).map(|(cell, limit)| cell * limit).sum::<f64>().max(0.0)
        };
        self.solution = (0..rows).map(value).collect();
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    fn random(rng: &mut Pcg64Mcg) -> Programme {
        let (rows, variables) = (rng.random_range(1..5), rng.random_range(1..6));
        let mut programme = Programme::new((0..rows).map(|_| f64::from(rng.random_range(0..4_u8))).collect());
        for _ in 0..variables {
            let entries = (0..rows).filter_map(|row| {
                let entry = rng.random_range(0..3_u8);
                (entry > 0).then(|| (row, f64::from(entry) * 0.5))
            });
            let mut entries: Vec<(usize, f64)> = entries.collect();
            if entries.is_empty() {
                entries.push((0, 1.0));
            }
            programme.add(Variable { value: rng.random_range(0.0..2.0), entries });
        }
        programme
    }

    /// The largest value over all vertices, each of which makes as many rows and bounds equal as there are variables.
    fn by_vertices(programme: &Programme) -> f64 {
        let (rows, count) = (programme.limits.len(), programme.variables.len());
        let mut best = 0.0_f64;
        for chosen in 0_u32..1 << (rows + count) {
            if chosen.count_ones() as usize != count {
                continue;
            }
            let mut system: Vec<Vec<f64>> = Vec::new();
            for index in (0..rows + count).filter(|index| chosen >> index & 1 == 1) {
                let mut line = vec![0.0; count + 1];
                if index < rows {
                    for (at, variable) in programme.variables.iter().enumerate() {
                        line[at] = variable.entries.iter().find(|entry| entry.0 == index).map_or(0.0, |entry| entry.1);
                    }
                    line[count] = programme.limits[index];
                } else {
                    line[index - rows] = 1.0;
                }
                system.push(line);
            }
            let Some(point) = solved(system) else { continue };
            let used = |row: usize| -> f64 {
                let all = programme.variables.iter().zip(&point);
                all.map(|(it, x)| x * it.entries.iter().find(|entry| entry.0 == row).map_or(0.0, |entry| entry.1)).sum()
            };
            if point.iter().all(|&x| x > -1e-9) && (0..rows).all(|row| used(row) <= programme.limits[row] + 1e-9) {
                best = best.max(programme.variables.iter().zip(&point).map(|(it, x)| it.value * x).sum());
            }
        }
        best
    }

    fn solved(mut system: Vec<Vec<f64>>) -> Option<Vec<f64>> {
        let count = system.len();
        for column in 0..count {
            let pivot = (column..count).max_by(|&a, &b| system[a][column].abs().total_cmp(&system[b][column].abs()))?;
            if system[pivot][column].abs() < 1e-9 {
                return None;
            }
            system.swap(pivot, column);
            for row in (0..count).filter(|&row| row != column) {
                let factor = system[row][column] / system[column][column];
                let pivot = system[column].clone();
                for (cell, of_pivot) in system[row].iter_mut().zip(&pivot).skip(column) {
                    *cell -= factor * of_pivot;
                }
            }
        }
        Some((0..count).map(|row| system[row][count] / system[row][row]).collect())
    }

    #[test]
    fn optima_are_those_of_the_best_vertex_and_duals_prove_them() {
        let mut rng = Pcg64Mcg::seed_from_u64(17);
        for _ in 0..2_000 {
            let mut programme = random(&mut rng);
            assert!(programme.solve(10_000));
            let value: f64 =
                programme.solution().iter().map(|&(variable, x)| x * programme.variables[variable].value).sum();
            let expected = by_vertices(&programme);
            assert!((value - expected).abs() < 1e-7, "{value} and {expected}");
            let duals = programme.duals();
            let bound: f64 = duals.iter().zip(&programme.limits).map(|(dual, limit)| dual * limit).sum();
            assert!((bound - expected).abs() < 1e-7, "{bound} and {expected}");
            for variable in &programme.variables {
                let paid: f64 = variable.entries.iter().map(|&(row, entry)| duals[row] * entry).sum();
                assert!(variable.value <= paid + 1e-8);
            }
        }
    }

    #[test]
    fn variables_can_be_added_to_a_solved_programme() {
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        for _ in 0..500 {
            let whole = random(&mut rng);
            let mut grown = Programme::new(whole.limits.clone());
            for variable in whole.variables.clone() {
                grown.add(variable);
                assert!(grown.solve(10_000));
            }
            let bound: f64 = grown.duals().iter().zip(&grown.limits).map(|(dual, limit)| dual * limit).sum();
            assert!((bound - by_vertices(&whole)).abs() < 1e-7);
        }
    }
}
