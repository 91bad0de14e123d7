//! The front of a trade-off as SVG: period against latency, one dot a placement.
//!
//! A dot dominates everything to the right of and above it, so steps connect the dots. The viewer's fonts render the
//! text.

use std::ops::Range;

use cutpoint_planner::domain::unit::seconds_text;
use plotters::prelude::*;

const SIZE: (u32, u32) = (720, 480);
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);
const BLUE: RGBColor = RGBColor(0, 114, 178);

/// A front that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the front cannot be drawn: {0}")]
pub struct DrawingError(String);

/// Draws (period, latency) points, seconds, by ascending period, under a title.
///
/// # Errors
/// The drawing library failed.
pub fn draw(title: &str, points: &[(f64, f64)]) -> Result<String, DrawingError> {
    let mut text = String::new();
    draw_on(&mut text, title, points).map_err(|error| DrawingError(error.to_string()))?;
    Ok(text)
}

fn draw_on(text: &mut String, title: &str, points: &[(f64, f64)]) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 19, &INK))
        .margin(16)
        .x_label_area_size(46)
        .y_label_area_size(92)
        .build_cartesian_2d(around(points.iter().map(|point| point.0)), around(points.iter().map(|point| point.1)))?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style((FONT, 14, &INK))
        .axis_desc_style((FONT, 16, &INK))
        .x_desc("period")
        .y_desc("latency")
        .x_labels(6)
        .x_label_formatter(&|&period_s| seconds_text(period_s))
        .y_label_formatter(&|&latency_s| seconds_text(latency_s))
        .draw()?;
    let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]).chain(points.last().copied());
    chart.draw_series([PathElement::new(corners.collect::<Vec<_>>(), BLUE.mix(0.5).stroke_width(2))])?;
    chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, BLUE.filled())))?;
    area.present()?;
    Ok(())
}

/// Returns a range with a margin around the values. It is never empty, even if all values are equal.
fn around(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, largest) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, largest), value| (least.min(value), largest.max(value)));
    if least > largest {
        return 0.0..1.0;
    }
    let room = match largest - least {
        0.0 if largest == 0.0 => 1.0,
        0.0 => largest * 0.1,
        width => width * 0.08,
    };
    (least - room).max(0.0)..largest + room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_a_dot_whatever_the_values() {
        let fronts: [&[(f64, f64)]; 5] = [
            &[],
            &[(0.0, 0.0)],
            &[(0.25, 3.0)],
            &[(0.25, 3.0), (0.5, 2.0), (1e6, 1e-9)],
            &[(1e-100, 1e100), (1e100, 1e-100)],
        ];
        for points in fronts {
            let svg = draw("A & B", points).unwrap();
            assert!(svg.starts_with("<svg"), "{svg}");
            assert_eq!(svg.matches("<circle").count(), points.len());
            assert!(svg.contains("A &amp; B"));
        }
    }
}
