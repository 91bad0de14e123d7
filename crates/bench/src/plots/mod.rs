//! The plots, as SVG. Texts use the viewer's fonts.

mod boxes;
mod channel;
mod ratios;
mod scale;
mod times;

pub(super) use channel::draw as channel;
pub(super) use ratios::draw as ratios;
pub(super) use times::draw as times;

use cutpoint_planner::domain::options::Algorithm;
use plotters::style::RGBColor;

/// Returns the colour of an algorithm. The colours can be told apart with any colour vision (Okabe
/// and Ito).
fn colour(algorithm: Algorithm) -> RGBColor {
    match algorithm {
        Algorithm::Random => RGBColor(110, 110, 110),
        Algorithm::Greedy => RGBColor(0, 158, 115),
        Algorithm::Kpath => RGBColor(213, 94, 0),
        Algorithm::Exact | Algorithm::Auto => RGBColor(0, 114, 178),
    }
}
