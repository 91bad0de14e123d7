//! Box plots of several algorithms by number of nodes.

use std::ops::Range;

use cutpoint_planner::domain::options::Algorithm;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::colour;
use super::scale::Scale;
use crate::results::name;
use crate::statistics::Sample;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;
pub(super) type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);
const HEADING_HEIGHT: u32 = 80;
/// The part of the width of one number of nodes that its boxes fill.
const GROUP_WIDTH: f64 = 0.84;
/// The part of its share of that width that a box fills.
const BOX_WIDTH: f64 = 0.72;

/// A panel of box plots.
pub(super) struct Boxes<'a> {
    pub(super) title: &'a str,
    /// The text of the vertical axis.
    pub(super) value: &'a str,
    pub(super) nodes: &'a [usize],
    /// For each algorithm, a sample for each number of nodes.
    pub(super) series: Vec<(Algorithm, Vec<Sample>)>,
    pub(super) scale: Scale,
    /// Whether a ring marks the geometric mean.
    pub(super) with_mean: bool,
}

impl Boxes<'_> {
    pub(super) fn draw(&self, area: &Area<'_>) -> Drawn {
        let (legend, below) = area.split_vertically(HEADING_HEIGHT);
        self.draw_heading(&legend)?;
        let groups = Scale {
            is_logarithmic: false,
            range: 0.0..self.nodes.len() as f64,
            ticks: (0..self.nodes.len()).map(|group| group as f64 + 0.5).collect(),
            label: |place| place.to_string(),
        };
        let mut chart = ChartBuilder::on(&below)
            .margin_left(14)
            .margin_right(16)
            .margin_bottom(8)
            .x_label_area_size(46)
            .y_label_area_size(76)
            .build_cartesian_2d(groups, self.scale.clone())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style((FONT, 15, &INK))
            .axis_desc_style((FONT, 16, &INK))
            .x_desc("nodes in the cluster")
            .y_desc(self.value)
            .x_label_formatter(&|&middle| self.nodes.get(middle as usize).map(usize::to_string).unwrap_or_default())
            .draw()?;
        let width = GROUP_WIDTH / self.series.len() as f64;
        for (index, (algorithm, samples)) in self.series.iter().enumerate() {
            for (group, sample) in samples.iter().enumerate() {
                let left = group as f64 + (1.0 - GROUP_WIDTH) / 2.0 + width * (index as f64 + (1.0 - BOX_WIDTH) / 2.0);
                self.draw_box(&mut chart, sample, left..left + width * BOX_WIDTH, colour(*algorithm))?;
            }
        }
        Ok(())
    }

    fn draw_box(&self, chart: &mut Chart<'_, '_>, sample: &Sample, place: Range<f64>, colour: RGBColor) -> Drawn {
        let Some(shape) = Shape::of(sample) else { return Ok(()) };
        let corners = [(place.start, shape.lower_quartile), (place.end, shape.upper_quartile)];
        chart.draw_series([Rectangle::new(corners, colour.mix(0.3).filled())])?;
        chart.draw_series(shape.outline(&place).map(|line| PathElement::new(line, colour.stroke_width(2))))?;
        let middle = (place.start + place.end) / 2.0;
        let beyond = shape.beyond(sample);
        chart.draw_series(beyond.map(|value| Circle::new((middle, value), 2, colour.mix(0.6).filled())))?;
        if let Some(mean) = sample.geometric_mean().filter(|_| self.with_mean) {
            let ring = |style: ShapeStyle| Circle::new((middle, mean), 4, style);
            chart.draw_series([ring(WHITE.filled()), ring(INK.stroke_width(2))])?;
        }
        Ok(())
    }

    /// Draws the title, the names of the colours, and how to read a box.
    fn draw_heading(&self, area: &Area<'_>) -> Drawn {
        let left = Pos::new(HPos::Left, VPos::Center);
        area.draw_text(self.title, &TextStyle::from((FONT, 19)).color(&INK).pos(left), (16, 18))?;
        let small = TextStyle::from((FONT, 15)).color(&INK).pos(left);
        let mut x = 16;
        for (algorithm, _) in &self.series {
            let colour = colour(*algorithm);
            area.draw(&Rectangle::new([(x, 40), (x + 14, 54)], colour.mix(0.3).filled()))?;
            area.draw(&Rectangle::new([(x, 40), (x + 14, 54)], colour.stroke_width(2)))?;
            area.draw_text(name(*algorithm), &small, (x + 21, 48))?;
            x += 90;
        }
        // The viewer's font decides how wide a text is, so each has enough space.
        let mean = if self.with_mean { "; ring: geometric mean" } else { "" };
        let reading = format!("box: quartiles and median; whiskers: 5 % to 95 %; dots: beyond{mean}");
        area.draw_text(&reading, &TextStyle::from((FONT, 13)).color(&INK).pos(left), (x + 8, 48))?;
        Ok(())
    }
}

/// The quantiles that a box shows.
struct Shape {
    low: f64,
    lower_quartile: f64,
    median: f64,
    upper_quartile: f64,
    high: f64,
}

impl Shape {
    fn of(sample: &Sample) -> Option<Self> {
        Some(Self {
            low: sample.quantile(0.05)?,
            lower_quartile: sample.quantile(0.25)?,
            median: sample.median()?,
            upper_quartile: sample.quantile(0.75)?,
            high: sample.quantile(0.95)?,
        })
    }

    /// Returns the lines of the box, its median and its whiskers.
    fn outline(&self, place: &Range<f64>) -> [Vec<(f64, f64)>; 6] {
        let middle = (place.start + place.end) / 2.0;
        let quarter = (place.end - place.start) / 4.0;
        let across = |value: f64, margin: f64| vec![(place.start + margin, value), (place.end - margin, value)];
        let up = |from: f64, to: f64| vec![(middle, from), (middle, to)];
        let (low, high) = (self.lower_quartile, self.upper_quartile);
        let corners =
            [(place.start, low), (place.end, low), (place.end, high), (place.start, high), (place.start, low)];
        [
            corners.to_vec(),
            across(self.median, 0.0),
            across(self.low, quarter),
            across(self.high, quarter),
            up(self.low, self.lower_quartile),
            up(self.upper_quartile, self.high),
        ]
    }

    /// Returns the values beyond the whiskers.
    fn beyond<'s>(&self, sample: &'s Sample) -> impl Iterator<Item = f64> + use<'s> {
        let within = self.low..=self.high;
        sample.values().iter().copied().filter(move |value| !within.contains(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_shows_quantiles_and_what_lies_beyond() {
        let sample: Sample = (0..=100).map(f64::from).collect();
        let shape = Shape::of(&sample).unwrap();
        assert_eq!((shape.low, shape.lower_quartile, shape.median), (5.0, 25.0, 50.0));
        assert_eq!((shape.upper_quartile, shape.high), (75.0, 95.0));
        assert_eq!(shape.beyond(&sample).count(), 10);
        assert!(Shape::of(&Sample::default()).is_none());
    }
}
