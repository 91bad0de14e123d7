//! Solve time by number of nodes, on a logarithmic scale.

use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::unit::seconds_text;
use plotters::prelude::*;

use super::boxes::Boxes;
use super::scale::Scale;
use crate::experiment::{ALGORITHMS, Kind};
use crate::results::{Results, solve_s};
use crate::statistics::Sample;

/// Draws the plot and returns it as SVG.
pub(crate) fn draw(results: &Results<'_>) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (1000, 560)).into_drawing_area();
        area.fill(&WHITE)?;
        let series = ALGORITHMS.map(|algorithm| (algorithm, samples(results, algorithm))).to_vec();
        let scale = scale(&series);
        let title = "Solve time, one thread, on instances with a hop and a proven optimum (log scale)";
        Boxes { title, value: "solve time", nodes: results.nodes(), series, scale, with_mean: false }.draw(&area)?;
        area.present()?;
    }
    Ok(svg)
}

fn samples(results: &Results<'_>, algorithm: Algorithm) -> Vec<Sample> {
    let of = |nodes| results.of_kind(Kind::Compared).filter(move |instance| instance.cell.nodes == nodes);
    results.nodes().iter().map(|&nodes| solve_s(of(nodes), algorithm)).collect()
}

/// Returns a logarithmic scale of whole decades that contains all times.
fn scale(series: &[(Algorithm, Vec<Sample>)]) -> Scale {
    let times = || series.iter().flat_map(|(_, samples)| samples).flat_map(Sample::values).filter(|&&time| time > 0.0);
    let shortest = times().copied().fold(1e-3, f64::min).log10().floor() as i32;
    let longest = times().copied().fold(1e-2, f64::max).log10().ceil() as i32;
    let ticks = (shortest..=longest).map(|decade| 10_f64.powi(decade)).collect();
    let range = 10_f64.powi(shortest)..10_f64.powi(longest);
    Scale { is_logarithmic: true, range, ticks, label: seconds_text }
}
