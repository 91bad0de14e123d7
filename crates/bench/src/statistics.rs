//! Figures of a sample: quantiles and means.

/// Finite numbers in ascending order.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample(Vec<f64>);

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }
}

impl Sample {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.0
    }

    /// Returns how many values are at most `limit`.
    pub(super) fn count_up_to(&self, limit: f64) -> usize {
        self.0.partition_point(|&value| value <= limit)
    }

    pub(super) fn largest(&self) -> Option<f64> {
        self.0.last().copied()
    }

    /// Returns the quantile for a share from 0 to 1, interpolated between neighbours (type 7 of
    /// Hyndman and Fan, The American Statistician 50, 1996). Returns `None` for an empty sample.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let place = share * (self.0.len().checked_sub(1)? as f64);
        let (below, above) = (self.0[place.floor() as usize], self.0[place.ceil() as usize]);
        // Between equal neighbours, interpolation would only add rounding.
        Some(if below == above { below } else { below + (above - below) * place.fract() })
    }

    pub(super) fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().sum::<f64>() / self.0.len() as f64)
    }

    /// Returns the geometric mean, or `None` for an empty sample. All values must be positive. It
    /// suits ratios, since the mean of the inverse ratios is the inverse of the mean.
    pub(super) fn geometric_mean(&self) -> Option<f64> {
        let logarithms: Sample = self.0.iter().map(|value| value.ln()).collect();
        logarithms.mean().map(f64::exp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        values.iter().copied().collect()
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let four = sample(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(four.values(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(four.median(), Some(2.5));
        assert_eq!(four.quantile(0.0), Some(1.0));
        assert_eq!(four.quantile(0.25), Some(1.75));
        assert_eq!(four.quantile(1.0), Some(4.0));
        assert_eq!(four.largest(), Some(4.0));
        assert_eq!(sample(&[7.0]).quantile(0.95), Some(7.0));
    }

    #[test]
    fn the_geometric_mean_of_inverses_is_the_inverse() {
        let ratios = sample(&[0.5, 2.0, 4.0, 4.0]);
        let inverses: Sample = ratios.values().iter().map(|ratio| 1.0 / ratio).collect();
        assert!((ratios.geometric_mean().unwrap() - 2.0).abs() < 1e-15);
        assert!((inverses.geometric_mean().unwrap() - 0.5).abs() < 1e-15);
        assert_eq!(sample(&[1.0, 1.0]).geometric_mean(), Some(1.0));
        assert_eq!(ratios.mean(), Some(2.625));
    }

    #[test]
    fn an_empty_sample_has_no_figures() {
        let empty = sample(&[]);
        assert_eq!((empty.count(), empty.count_up_to(1.0)), (0, 0));
        let figures = [empty.median(), empty.mean(), empty.geometric_mean(), empty.largest()];
        assert_eq!(figures, [None; 4]);
    }

    #[test]
    fn values_up_to_a_limit_include_it() {
        assert_eq!(sample(&[1.0, 1.0, 1.1, 2.0]).count_up_to(1.0), 2);
    }
}
