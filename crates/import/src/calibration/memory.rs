//! What a runtime takes of memory for each byte that the plan needs, and beside it.

use serde::Serialize;

/// Members of a request's `cost_model`, as the plan had them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedCosts {
    /// What a stage takes for each byte that it needs.
    pub memory_scale: f64,
    /// Bytes that a stage takes beside that.
    pub memory_overhead_bytes: u64,
    /// Bytes on the wire for each byte of a tensor.
    pub transfer_scale: f64,
}

impl Default for PlannedCosts {
    fn default() -> Self {
        Self { memory_scale: 1.0, memory_overhead_bytes: 0, transfer_scale: 1.0 }
    }
}

/// Members of a request's `cost_model` with which no measured stage takes more than is planned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MemoryFit {
    /// What a stage takes for each byte that it needs.
    pub memory_scale: f64,
    /// Bytes that a stage takes beside that.
    pub memory_overhead_bytes: u64,
}

/// What a stage needs by the plan, and the most that its process took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    needed: f64,
    peak: f64,
}

impl Point {
    pub(super) fn new(planned_bytes: u64, peak_bytes: u64, costs: &PlannedCosts) -> Self {
        let needed = planned_bytes.saturating_sub(costs.memory_overhead_bytes) as f64 / costs.memory_scale;
        Self { needed, peak: peak_bytes as f64 }
    }
}

/// How far apart the needs of stages must be, as a part of the most that one took.
const LEAST_SPREAD: f64 = 0.1;

/// The largest scale that a request may have.
const MAX_SCALE: f64 = 1e6;

/// Fits scale and overhead by least squares, and raises the overhead until every stage has what it took.
///
/// Where the stages do not tell a scale, it stays and the overhead is fitted: there is one stage, those that need more
/// took less, or what they need differs by less than a tenth of what the largest took, so that chance decides. Where that would be negative, there is none, and the scale is fitted.
pub(super) fn fit(points: &[Point], costs: &PlannedCosts) -> Option<MemoryFit> {
    if points.is_empty() {
        return None;
    }
    let scale = slope(points).filter(|slope| (1e-6..=MAX_SCALE).contains(slope)).unwrap_or(costs.memory_scale);
    let overhead = |scale: f64| {
        let left = points.iter().map(|point| point.peak - scale * point.needed);
        left.fold(f64::NEG_INFINITY, f64::max).ceil()
    };
    let scale = in_millionths(scale);
    if overhead(scale) >= 0.0 {
        return Some(MemoryFit { memory_scale: scale, memory_overhead_bytes: overhead(scale) as u64 });
    }
    let ratios = points.iter().filter(|point| point.needed > 0.0).map(|point| point.peak / point.needed);
    let memory_scale = in_millionths(ratios.fold(1e-6, f64::max).min(MAX_SCALE));
    Some(MemoryFit { memory_scale, memory_overhead_bytes: 0 })
}

/// Rounds up to what the planner reads.
fn in_millionths(scale: f64) -> f64 {
    (scale * 1e6).ceil() / 1e6
}

/// Returns the slope of the least squares through the points, or `None` where they are too near each other.
fn slope(points: &[Point]) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (needed, peak) = (mean(|point| point.needed), mean(|point| point.peak));
    let largest = points.iter().map(|point| point.peak).fold(0.0, f64::max);
    let (least, most) = points
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(least, most), point| (least.min(point.needed), most.max(point.needed)));
    if most - least < LEAST_SPREAD * largest {
        return None;
    }
    let varies: f64 = points.iter().map(|point| (point.needed - needed).powi(2)).sum();
    let together: f64 = points.iter().map(|point| (point.needed - needed) * (point.peak - peak)).sum();
    Some(together / varies).filter(|slope| slope.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(points: &[(u64, u64)], costs: &PlannedCosts) -> MemoryFit {
        let points: Vec<Point> = points.iter().map(|&(planned, peak)| Point::new(planned, peak, costs)).collect();
        fit(&points, costs).unwrap()
    }

    #[test]
    fn points_on_a_line_give_its_slope_and_height() {
        let fit = fitted(&[(100, 1250), (200, 1500), (400, 2000)], &PlannedCosts::default());
        assert_eq!(fit, MemoryFit { memory_scale: 2.5, memory_overhead_bytes: 1000 });
    }

    #[test]
    fn no_stage_takes_more_than_is_fitted() {
        let points = [(1_000_000, 70_000_000), (7_000_000, 72_000_000), (19_000_000, 115_000_000)];
        let fit = fitted(&points, &PlannedCosts::default());
        for (needed, peak) in points {
            assert!(fit.memory_scale * needed as f64 + fit.memory_overhead_bytes as f64 >= peak as f64, "{fit:?}");
        }
        assert!(fit.memory_scale > 2.0, "{fit:?}");
    }

    #[test]
    fn one_stage_gives_the_overhead_beside_the_scale_of_the_plan() {
        let costs = PlannedCosts { memory_scale: 2.0, memory_overhead_bytes: 50, ..PlannedCosts::default() };
        assert_eq!(fitted(&[(250, 700)], &costs), MemoryFit { memory_scale: 2.0, memory_overhead_bytes: 500 });
        // A process that took less than the scale says gives a smaller scale.
        assert_eq!(fitted(&[(250, 150)], &costs), MemoryFit { memory_scale: 1.5, memory_overhead_bytes: 0 });
    }

    #[test]
    fn stages_that_need_more_and_took_less_do_not_give_a_scale() {
        let fit = fitted(&[(100, 900), (300, 800)], &PlannedCosts::default());
        assert_eq!(fit, MemoryFit { memory_scale: 1.0, memory_overhead_bytes: 800 });
        // Of two that need nearly the same, chance decides which took more.
        let fit = fitted(&[(1_000, 900_000), (1_100, 980_000)], &PlannedCosts::default());
        assert_eq!(fit, MemoryFit { memory_scale: 1.0, memory_overhead_bytes: 978_900 });
    }
}
