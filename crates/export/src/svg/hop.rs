//! A transfer between two places: its size, its time, and its share of the period.

use std::io;

use super::canvas::{Canvas, INK, Style};
use super::layout::{CARD, GAP, Place, ROW_GAP, Way};
use super::{BOTTLENECK, TRANSFER, mark};
use crate::placement::Transfer;
use crate::units::{bytes_text, percent_text, seconds_text};

/// Between an arrow and the cards that it joins.
const AIR: f64 = 5.0;
const BAR: [f64; 2] = [64.0, 6.0];

/// Draws the transfer from a place to the next; `is_bottleneck` marks it.
pub(super) fn draw(
    canvas: &mut Canvas,
    from: Place,
    way: Way,
    transfer: &Transfer,
    period_s: f64,
    is_bottleneck: bool,
) -> io::Result<()> {
    let [bytes, seconds] = [bytes_text(transfer.bytes), seconds_text(transfer.transfer_s.unwrap_or(0.0))];
    let share = transfer.transfer_s.filter(|_| period_s > 0.0).map_or(0.0, |transfer_s| transfer_s / period_s);
    let (colour, line) = if is_bottleneck { (BOTTLENECK, 3.0) } else { (INK, 1.5) };
    canvas.begin_group(&format!("{bytes} in {seconds}, {} of the period", percent_text(share)))?;
    if way == Way::Down {
        let (x, y) = (from.x + CARD[0] / 2.0, from.y + CARD[1]);
        canvas.arrow([x, y + AIR], [x, y + ROW_GAP - AIR], colour, line)?;
        canvas.text([x + 12.0, y + 22.0], &bytes, Style::PLAIN)?;
        canvas.text([x + 12.0, y + 38.0], &format!("{seconds}, {}", percent_text(share)), Style::PLAIN)?;
        canvas.bar([x + 12.0, y + 44.0, BAR[0], BAR[1]], share, TRANSFER)?;
        if is_bottleneck {
            mark(canvas, [x - 12.0, y + 38.0], Style::MARK.right())?;
        }
    } else {
        let y = from.y + CARD[1] / 2.0;
        let (left, right) =
            if way == Way::Right { (from.x + CARD[0], from.x + CARD[0] + GAP) } else { (from.x - GAP, from.x) };
        let ends = if way == Way::Right { [left + AIR, right - AIR] } else { [right - AIR, left + AIR] };
        let middle = f64::midpoint(left, right);
        canvas.arrow([ends[0], y], [ends[1], y], colour, line)?;
        canvas.text([middle, y - 9.0], &bytes, Style::PLAIN.centred())?;
        canvas.text([middle, y + 18.0], &seconds, Style::PLAIN.centred())?;
        canvas.bar([middle - BAR[0] / 2.0, y + 24.0, BAR[0], BAR[1]], share, TRANSFER)?;
        canvas.text([middle, y + 44.0], &percent_text(share), Style::PLAIN.centred())?;
        if is_bottleneck {
            mark(canvas, [middle, y - 27.0], Style::MARK.centred())?;
        }
    }
    canvas.end_group()
}
