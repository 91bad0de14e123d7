//! Period / optimum by number of nodes: all baselines on a logarithmic scale, and the two better
//! ones on a linear scale.

use cutpoint_planner::domain::options::Algorithm;
use plotters::prelude::*;

use super::boxes::{Area, Boxes, Drawn};
use super::scale::{Scale, ticks_125};
use crate::experiment::{BASELINES, Kind};
use crate::results::{Results, ratios};
use crate::statistics::Sample;

const VALUE: &str = "period / optimum";
/// The possible steps between ticks of the linear scale, ascending.
const STEPS: [f64; 5] = [0.05, 0.1, 0.2, 0.5, 1.0];
/// The most steps on the linear scale.
const MOST_TICKS: f64 = 10.0;

/// Draws the plot and returns it as SVG.
pub(crate) fn draw(results: &Results<'_>) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (1000, 1000)).into_drawing_area();
        area.fill(&WHITE)?;
        let (upper, lower) = area.split_vertically(500);
        let all = series(results, &BASELINES);
        let range = 0.93..(largest(&all) * 1.15).max(10.0);
        let scale =
            Scale { is_logarithmic: true, ticks: ticks_125(&range), range, label: |ratio| format!("{ratio:.0}") };
        draw_panel(
            results,
            "Period / proven optimum of the published algorithms (1 is best; log scale)",
            all,
            scale,
            &upper,
        )?;
        let better = series(results, &[Algorithm::Greedy, Algorithm::Kpath]);
        let scale = linear(largest(&better));
        draw_panel(results, "The same without random (linear scale)", better, scale, &lower)?;
        area.present()?;
    }
    Ok(svg)
}

fn draw_panel(
    results: &Results<'_>,
    title: &str,
    series: Vec<(Algorithm, Vec<Sample>)>,
    scale: Scale,
    area: &Area<'_>,
) -> Drawn {
    Boxes { title, value: VALUE, nodes: results.nodes(), series, scale, with_mean: true }.draw(area)
}

fn series(results: &Results<'_>, algorithms: &[Algorithm]) -> Vec<(Algorithm, Vec<Sample>)> {
    let of = |algorithm, nodes| {
        ratios(results.of_kind(Kind::Compared).filter(move |instance| instance.cell.nodes == nodes), algorithm)
    };
    let samples =
        |&algorithm: &Algorithm| (algorithm, results.nodes().iter().map(|&nodes| of(algorithm, nodes)).collect());
    algorithms.iter().map(samples).collect()
}

fn largest(series: &[(Algorithm, Vec<Sample>)]) -> f64 {
    series.iter().flat_map(|(_, samples)| samples).filter_map(Sample::largest).fold(1.0, f64::max)
}

fn linear(largest: f64) -> Scale {
    let step = STEPS.into_iter().find(|step| (largest - 1.0) / step <= MOST_TICKS).unwrap_or(5.0);
    let steps = ((largest - 1.0) / step).ceil().max(1.0);
    let ticks = (0..=steps as u32).map(|tick| 1.0 + step * f64::from(tick)).collect();
    let range = 1.0 - 0.3 * step..1.0 + step * (steps + 0.1);
    Scale { is_logarithmic: false, range, ticks, label: |ratio| format!("{ratio:.2}") }
}
