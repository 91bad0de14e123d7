//! A stage on its node: memory against what is free, compute against the period.

use std::io;

use super::canvas::{Canvas, INK, Style};
use super::layout::{CARD, Place};
use super::{BOTTLENECK, COMPUTE, MEMORY, mark, shares_text};
use crate::placement::Stage;
use crate::units::{bytes_text, counted, percent_text, seconds_text};

const PADDING: f64 = 10.0;
const BAR: f64 = 6.0;

/// Draws a stage; `is_bottleneck` marks it.
pub(super) fn draw(
    canvas: &mut Canvas,
    place: Place,
    (index, stage): (usize, &Stage),
    period_s: f64,
    is_bottleneck: bool,
) -> io::Result<()> {
    let Place { x, y } = place;
    canvas.begin_group(&title(index, stage))?;
    let (colour, line) = if is_bottleneck { (BOTTLENECK, 3.0) } else { (INK, 1.0) };
    canvas.frame([x, y, CARD[0], CARD[1]], colour, line)?;
    let (left, room) = (x + PADDING, CARD[0] - 2.0 * PADDING);
    let number = index.to_string();
    canvas.text([left, y + 22.0], &number, Style::NAME)?;
    let indent = Style::NAME.width(&number) + 8.0;
    let name = Style::NAME.clipped(&stage.node_id, room - indent);
    canvas.text([left + indent, y + 22.0], &name, Style::NAME)?;
    canvas.text([left, y + 39.0], &counted(stage.layer_ids.len(), "layer"), Style::PLAIN)?;
    draw_memory(canvas, left, y + 58.0, room, stage)?;
    draw_compute(canvas, left, y + 87.0, room, stage, period_s)?;
    if is_bottleneck {
        mark(canvas, [x, y - 8.0], Style::MARK)?;
    }
    canvas.end_group()
}

fn draw_memory(canvas: &mut Canvas, x: f64, y: f64, room: f64, stage: &Stage) -> io::Result<()> {
    let free = stage.memory_capacity_bytes.filter(|&free| free > 0);
    let text = match free {
        Some(free) => shares_text(stage.memory_bytes, free),
        None => bytes_text(stage.memory_bytes),
    };
    draw_labelled(canvas, [x, y], room, "memory", &text)?;
    match free {
        Some(free) => canvas.bar([x, y + 5.0, room, BAR], stage.memory_bytes as f64 / free as f64, MEMORY),
        None => Ok(()),
    }
}

fn draw_compute(canvas: &mut Canvas, x: f64, y: f64, room: f64, stage: &Stage, period_s: f64) -> io::Result<()> {
    let Some(compute_s) = stage.compute_s else { return Ok(()) };
    let share = if period_s > 0.0 { compute_s / period_s } else { 0.0 };
    draw_labelled(canvas, [x, y], room, "compute", &format!("{}, {}", seconds_text(compute_s), percent_text(share)))?;
    canvas.bar([x, y + 5.0, room, BAR], share, COMPUTE)
}

/// Draws a figure, and what it is if there is room for both.
fn draw_labelled(canvas: &mut Canvas, [x, y]: [f64; 2], room: f64, label: &str, text: &str) -> io::Result<()> {
    if Style::PLAIN.width(label) + Style::PLAIN.width(text) < room {
        canvas.text([x, y], label, Style::PLAIN)?;
    }
    canvas.text([x + room, y], text, Style::PLAIN.right())
}

fn title(index: usize, stage: &Stage) -> String {
    let layers = match stage.layer_ids.as_slice() {
        [] => String::new(),
        [only] => format!(": {only}"),
        [first, .., last] => format!(": {first} to {last}"),
    };
    format!("stage {index} on {}, {}{layers}", stage.node_id, counted(stage.layer_ids.len(), "layer"))
}
