//! What the optimum for undisturbed links takes on one channel, divided by the optimum there, by number of nodes.

use cutpoint_planner::domain::options::Algorithm;
use plotters::prelude::*;

use super::boxes::Boxes;
use super::scale::Scale;
use crate::channel::Row;
use crate::statistics::Sample;

/// Draws the plot and returns it as SVG.
pub(crate) fn draw(nodes: &[usize], rows: &[Row]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (1000, 500)).into_drawing_area();
        area.fill(&WHITE)?;
        let of = |&nodes: &usize| rows.iter().filter(|row| row.cell.nodes == nodes).filter_map(Row::ratio).collect();
        let samples: Vec<Sample> = nodes.iter().map(of).collect();
        let largest = samples.iter().filter_map(Sample::largest).fold(1.1, f64::max);
        let steps = ((largest - 1.0) / 0.1).ceil() as u32;
        let scale = Scale {
            is_logarithmic: false,
            range: 0.97..1.0 + 0.1 * (f64::from(steps) + 0.2),
            ticks: (0..=steps).map(|tick| 1.0 + 0.1 * f64::from(tick)).collect(),
            label: |ratio| format!("{ratio:.1}"),
        };
        Boxes {
            title: "The optimum for undisturbed links on one channel / the optimum there (1 is best)",
            value: "period / optimum",
            nodes,
            series: vec![(Algorithm::Exact, samples)],
            scale,
            with_mean: true,
        }
        .draw(&area)?;
        area.present()?;
    }
    Ok(svg)
}
