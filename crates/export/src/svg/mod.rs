//! A drawing of a placement: stages in order on their nodes, memory, compute and transfers as bars, shared media as lanes, the
//! bottleneck marked.
//!
//! It is readable on light and on dark pages: texts have the page's colour where it sets one (`svg { color: inherit }`), else a
//! grey that contrasts with both, as all colours do.

mod canvas;
mod card;
mod hop;
mod layout;

use std::collections::BTreeSet;
use std::io;

use crate::error::ExportError;
use crate::placement::{Medium, Pipeline, Placement};
use crate::units::{bytes_text, counted, percent_text, rate_text, seconds_text};
use canvas::{Canvas, INK, Style};
use layout::{CARD, MARGIN, Place};

const MEMORY: &str = "#3b7dc4";
const COMPUTE: &str = "#2f8f5b";
const TRANSFER: &str = "#9a63c7";
const BOTTLENECK: &str = "#d9541e";

/// Above the first row: the texts at the top.
const HEADER: f64 = 84.0;
/// Above the first row of a pipeline, for a mark.
const ABOVE: f64 = 32.0;
/// Above that, where there are several pipelines: the heading of each.
const PIPELINE_HEADING: f64 = 40.0;
const LANE: f64 = 46.0;

/// Draws a placement.
pub(crate) fn draw(placement: &Placement) -> Result<Vec<u8>, ExportError> {
    drawing(placement).map_err(|error| ExportError::Written(error.to_string()))
}

fn drawing(placement: &Placement) -> io::Result<Vec<u8>> {
    let places = |pipeline: &Pipeline| {
        pipeline.stages.len() + usize::from(pipeline.source().is_some()) + usize::from(pipeline.sink().is_some())
    };
    let width = layout::width(placement.pipelines.iter().map(places).max().unwrap_or(1));
    let heading = if placement.pipelines.len() > 1 { PIPELINE_HEADING } else { 0.0 };
    let rows: f64 = placement.pipelines.iter().map(|pipeline| heading + ABOVE + layout::height(places(pipeline))).sum();
    let lanes = if placement.media.is_empty() { 0.0 } else { 60.0 + LANE * placement.media.len() as f64 };
    let mut canvas = Canvas::new(width, HEADER + rows + lanes + MARGIN, &summary(placement))?;
    draw_header(&mut canvas, placement, width)?;
    let mut top = HEADER;
    for (p, pipeline) in placement.pipelines.iter().enumerate() {
        if heading > 0.0 {
            let rate = placement.inferences_of(pipeline).map(|rate| format!("{} inferences a second", rate_text(rate)));
            let parts: Vec<String> =
                rate.into_iter().chain([times(pipeline)]).filter(|part| !part.is_empty()).collect();
            let text = format!("pipeline {p}: {}", parts.join(", "));
            let text = Style::NAME.clipped(&text, width - 2.0 * MARGIN);
            canvas.text([MARGIN, top + heading - 6.0], &text, Style::NAME)?;
        }
        top += heading + ABOVE;
        draw_pipeline(&mut canvas, pipeline, top)?;
        top += layout::height(places(pipeline));
    }
    draw_media(&mut canvas, placement, top + 40.0, width)?;
    canvas.finish()
}

fn summary(placement: &Placement) -> String {
    let stages: usize = placement.pipelines.iter().map(|pipeline| pipeline.stages.len()).sum();
    let nodes: BTreeSet<&str> =
        placement.pipelines.iter().flat_map(|pipeline| &pipeline.stages).map(|stage| stage.node_id.as_str()).collect();
    let placed = match placement.pipelines.len() {
        0 | 1 => counted(stages, "stage"),
        several => counted(several, "pipeline"),
    };
    let mut parts = vec![format!("{placed} on {}", counted(nodes.len(), "node"))];
    parts.extend(placement.inferences_per_s.map(|rate| format!("{} inferences a second", rate_text(rate))));
    parts.join(", ")
}

fn times(pipeline: &Pipeline) -> String {
    let period = pipeline.period_s.map(|period_s| format!("period {}", seconds_text(period_s)));
    let latency = pipeline.latency_s.map(|latency_s| format!("latency {}", seconds_text(latency_s)));
    period.into_iter().chain(latency).collect::<Vec<_>>().join(", ")
}

fn draw_header(canvas: &mut Canvas, placement: &Placement, width: f64) -> io::Result<()> {
    canvas.text([MARGIN, 34.0], &summary(placement), Style::HEADING)?;
    let mut parts = Vec::new();
    if let [only] = placement.pipelines.as_slice() {
        parts.push(times(only));
    }
    parts.extend(placement.status.clone());
    let room = width - 2.0 * MARGIN;
    canvas.text([MARGIN, 56.0], &Style::PLAIN.clipped(&parts.join(", "), room), Style::PLAIN)?;
    let mut x = MARGIN;
    let legend = [
        (MEMORY, "memory, of what is free"),
        (COMPUTE, "compute, of the period"),
        (TRANSFER, "transfers, of the period"),
    ];
    for (colour, text) in legend {
        canvas.fill([x, 72.0, 10.0, 10.0], colour, 1.0)?;
        canvas.text([x + 16.0, 81.0], text, Style::PLAIN)?;
        x += Style::PLAIN.width(text) + 32.0;
    }
    Ok(())
}

fn draw_pipeline(canvas: &mut Canvas, pipeline: &Pipeline, top: f64) -> io::Result<()> {
    let period_s = pipeline.period_s.unwrap_or(0.0);
    let mut at = 0;
    if let (Some(source), Some(receive)) = (pipeline.source(), &pipeline.stages[0].receive) {
        draw_end(canvas, layout::place(0, top), "source", source)?;
        let marked = pipeline.is_bottleneck(&["source"], 0);
        hop::draw(canvas, layout::place(0, top), layout::way_after(0), receive, period_s, marked)?;
        at = 1;
    }
    for (i, stage) in pipeline.stages.iter().enumerate() {
        let place = layout::place(at, top);
        card::draw(canvas, place, (i, stage), period_s, pipeline.is_bottleneck(&["stage", "node"], i))?;
        let is_followed = i + 1 < pipeline.stages.len() || pipeline.sink().is_some();
        if let Some(send) = stage.send.as_ref().filter(|_| is_followed) {
            let marked = pipeline.is_bottleneck(&["hop", "sink"], i);
            hop::draw(canvas, place, layout::way_after(at), send, period_s, marked)?;
        }
        at += 1;
    }
    match pipeline.sink() {
        Some(sink) => draw_end(canvas, layout::place(at, top), "sink", sink),
        None => Ok(()),
    }
}

/// Draws the source or the sink.
fn draw_end(canvas: &mut Canvas, Place { x, y }: Place, what: &str, node_id: &str) -> io::Result<()> {
    canvas.begin_group(&format!("{what} {node_id}"))?;
    canvas.frame([x, y, CARD[0], CARD[1]], INK, 0.5)?;
    let middle = x + CARD[0] / 2.0;
    canvas.text([middle, y + CARD[1] / 2.0 - 5.0], what, Style::PLAIN.centred())?;
    let name = Style::NAME.clipped(node_id, CARD[0] - 20.0);
    canvas.text([middle, y + CARD[1] / 2.0 + 14.0], &name, Style::NAME.centred())?;
    canvas.end_group()
}

/// Draws a lane as long as the period for each shared medium.
fn draw_media(canvas: &mut Canvas, placement: &Placement, top: f64, width: f64) -> io::Result<()> {
    if placement.media.is_empty() {
        return Ok(());
    }
    canvas.text([MARGIN, top], "shared media, occupied in each period", Style::NAME)?;
    let period_s = placement.media_period_s();
    for (m, medium) in placement.media.iter().enumerate() {
        draw_lane(canvas, placement, medium, period_s, [top + 14.0 + m as f64 * LANE, width - 2.0 * MARGIN])?;
    }
    Ok(())
}

fn draw_lane(
    canvas: &mut Canvas,
    placement: &Placement,
    medium: &Medium,
    period_s: f64,
    [y, room]: [f64; 2],
) -> io::Result<()> {
    let share = if period_s > 0.0 { medium.occupied_s / period_s } else { 0.0 };
    let marked = placement.pipelines.iter().any(|pipeline| pipeline.is_medium_bottleneck(&medium.id));
    let figures = format!("{}, {}", seconds_text(medium.occupied_s), percent_text(share));
    let right = MARGIN + room;
    canvas.begin_group(&format!("{}: {figures}", medium.id))?;
    let taken = Style::PLAIN.width(&figures) + if marked { 120.0 } else { 20.0 };
    canvas.text([MARGIN, y + 16.0], &Style::PLAIN.clipped(&medium.id, room - taken), Style::PLAIN)?;
    canvas.text([right, y + 16.0], &figures, Style::PLAIN.right())?;
    let bar = [MARGIN, y + 22.0, room, 12.0];
    canvas.bar(bar, share, TRANSFER)?;
    if marked {
        canvas.frame(bar, BOTTLENECK, 3.0)?;
        mark(canvas, [right - Style::PLAIN.width(&figures) - 12.0, y + 16.0], Style::MARK.right())?;
    }
    canvas.end_group()
}

/// Writes that something is the bottleneck: colour alone would not say it to everybody.
fn mark(canvas: &mut Canvas, at: [f64; 2], style: Style) -> io::Result<()> {
    canvas.text(at, "bottleneck", style)
}

/// Returns two amounts of bytes, with the unit of both at the end where it is one.
fn shares_text(part: u64, whole: u64) -> String {
    let (part, whole) = (bytes_text(part), bytes_text(whole));
    match (part.split_once(' '), whole.split_once(' ')) {
        (Some((amount, unit)), Some((_, other))) if unit == other => format!("{amount} of {whole}"),
        _ => format!("{part} of {whole}"),
    }
}
