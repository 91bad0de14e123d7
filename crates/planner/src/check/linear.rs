//! The best rates of pipelines that share media and nodes, with a certificate.
//!
//! A linear program in parts of each pipeline's own pace: the largest Σ gain · part, where no part is above 1 and where in
//! each row Σ coefficient · part is at most 1. The simplex method gives prices of the rows; by weak duality they prove the
//! value, however they were found.

/// A linear program whose right sides are all 1.
pub(super) struct Program {
    /// For each pipeline what its whole pace gains, above 0.
    pub(super) gains: Vec<f64>,
    /// For each row the coefficient of each pipeline, none below 0.
    pub(super) rows: Vec<Vec<f64>>,
}

/// The best parts, and what the rows are worth.
pub(super) struct Solution {
    /// For each pipeline the part of its own pace.
    pub(super) parts: Vec<f64>,
    /// For each row what one unit more of it would gain, none below 0: the values of the dual program.
    pub(super) prices: Vec<f64>,
}

impl Program {
    /// Returns a value that no choice of parts exceeds. It is the optimum up to rounding.
    pub(super) fn proven_most(&self) -> f64 {
        let prices = self.solution().prices;
        let left = |(pipeline, gain): (usize, &f64)| {
            let paid: f64 = self.rows.iter().zip(&prices).map(|(row, price)| row[pipeline] * price).sum();
            f64::max(0.0, gain - paid)
        };
        prices.iter().sum::<f64>() + self.gains.iter().enumerate().map(left).sum::<f64>()
    }

    /// Returns the best parts, and the prices of the rows. Each part has a variable, and another for what it lacks of 1; each
    /// row has a variable for what is left of it.
    pub(super) fn solution(&self) -> Solution {
        const NOTHING: f64 = 1e-12;
        let (parts, rows) = (self.gains.len(), self.rows.len());
        let scale = self.gains.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        // A condensed tableau: equations of the basic variables in terms of the others. The variable at `across[c]` is 0,
        // and that at `down[r]` is the last number of its equation.
        let mut across: Vec<usize> = (0..parts).collect();
        let mut down: Vec<usize> = (parts..parts + rows + parts).collect();
        let mut equations: Vec<Vec<f64>> = self.rows.iter().map(|row| [row.as_slice(), &[1.0]].concat()).collect();
        for part in 0..parts {
            let mut limit = vec![0.0; parts + 1];
            (limit[part], limit[parts]) = (1.0, 1.0);
            equations.push(limit);
        }
        let mut gains: Vec<f64> = self.gains.iter().map(|gain| gain / scale).collect();
        gains.push(0.0);
        // The smallest variable that gains enters, and of equal ratios the smallest leaves: that ends (Bland 1977).
        let entering = |gains: &[f64], across: &[usize]| {
            (0..parts).filter(|&column| gains[column] > NOTHING).min_by_key(|&column| across[column])
        };
        while let Some(column) = entering(&gains, &across) {
            let ratio = |row: usize| equations[row][parts] / equations[row][column];
            let limits = (0..down.len()).filter(|&row| equations[row][column] > NOTHING);
            let first = limits.min_by(|&a, &b| ratio(a).total_cmp(&ratio(b)).then(down[a].cmp(&down[b])));
            let Some(row) = first else { break };
            std::mem::swap(&mut across[column], &mut down[row]);
            let pivot = equations[row][column];
            equations[row][column] = 1.0;
            equations[row].iter_mut().for_each(|number| *number /= pivot);
            let solved = equations[row].clone();
            let substitute = |equation: &mut Vec<f64>| {
                let factor = std::mem::replace(&mut equation[column], 0.0);
                equation.iter_mut().zip(&solved).for_each(|(number, solved)| *number -= factor * solved);
            };
            equations.iter_mut().enumerate().filter(|&(other, _)| other != row).for_each(|(_, it)| substitute(it));
            substitute(&mut gains);
        }
        // What one unit more of a row would gain is the price of what is left of it.
        let mut prices = vec![0.0; rows];
        for (column, &variable) in across.iter().enumerate() {
            if let Some(row) = variable.checked_sub(parts).filter(|&row| row < rows) {
                prices[row] = f64::max(0.0, -gains[column]) * scale;
            }
        }
        Solution { parts: self.feasible(&down, &equations), prices }
    }

    /// Returns the parts that the equations give, made so much smaller that rounding breaks no row.
    fn feasible(&self, down: &[usize], equations: &[Vec<f64>]) -> Vec<f64> {
        let count = self.gains.len();
        let mut parts = vec![0.0; count];
        for (&variable, equation) in down.iter().zip(equations).filter(|&(&variable, _)| variable < count) {
            parts[variable] = equation[count].clamp(0.0, 1.0);
        }
        let used = |row: &Vec<f64>| row.iter().zip(&parts).map(|(coefficient, part)| coefficient * part).sum::<f64>();
        let most = self.rows.iter().map(used).fold(1.0, f64::max);
        parts.iter().map(|part| part / most).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shared_gives_every_gain() {
        assert_eq!(Program { gains: vec![2.0, 3.0], rows: vec![] }.proven_most(), 5.0);
        assert_eq!(Program { gains: vec![2.0, 3.0], rows: vec![vec![0.25, 0.5]] }.proven_most(), 5.0);
    }

    #[test]
    fn a_full_row_goes_to_those_that_gain_most_of_it() {
        // 3 per unit of the row and 2: the first takes 0.8 of it, and the second the rest.
        let program = Program { gains: vec![2.4, 2.0], rows: vec![vec![0.8, 1.0]] };
        assert!((program.proven_most() - 2.8).abs() < 1e-12);
    }

    #[test]
    fn several_rows_bind_at_once() {
        // x + y <= 1, y + z <= 1, x + z <= 1: each one half.
        let rows = vec![vec![1.0, 1.0, 0.0], vec![0.0, 1.0, 1.0], vec![1.0, 0.0, 1.0]];
        let program = Program { gains: vec![1.0, 1.0, 1.0], rows };
        assert!((program.proven_most() - 1.5).abs() < 1e-12);
        let Solution { parts, prices } = program.solution();
        assert!(parts.iter().chain(&prices).all(|it| (it - 0.5).abs() < 1e-12), "{parts:?}, {prices:?}");
    }

    #[test]
    fn no_grid_of_parts_is_better() {
        let rows = vec![vec![0.9, 0.3, 0.7], vec![0.1, 1.0, 0.6]];
        let program = Program { gains: vec![1.5, 0.7, 1.1], rows };
        let most = program.proven_most();
        let steps = || (0..=50).map(|step| f64::from(step) / 50.0);
        let mut best = 0.0;
        for x in steps() {
            for y in steps() {
                for z in steps() {
                    let keeps = |row: &Vec<f64>| row[0] * x + row[1] * y + row[2] * z <= 1.0 + 1e-9;
                    if program.rows.iter().all(keeps) {
                        best = f64::max(best, 1.5 * x + 0.7 * y + 1.1 * z);
                    }
                }
            }
        }
        assert!(most >= best - 1e-9 && most <= best + 0.05, "{most} {best}");
    }
}
