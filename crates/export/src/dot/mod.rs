//! A graph for Graphviz: stages on their nodes, transfers between them, shared media, the bottleneck marked.

mod writer;

use crate::placement::{Medium, Pipeline, Placement, Stage, Transfer};
use crate::units::{bytes_text, counted, percent_text, rate_text, seconds_text};
use writer::Writer;

/// Colours apart, a line that is three times as wide says it.
const BOTTLENECK: [(&str, &str); 3] = [("color", "#c2410c"), ("fontcolor", "#c2410c"), ("penwidth", "3")];

/// Draws a placement.
pub(crate) fn draw(placement: &Placement) -> String {
    let mut writer = Writer::new("placement");
    writer.defaults("graph", &[("rankdir", "LR"), ("fontname", "sans-serif"), ("labeljust", "l")]);
    writer.defaults("node", &[("shape", "box"), ("style", "rounded"), ("fontname", "sans-serif")]);
    writer.defaults("edge", &[("fontname", "sans-serif"), ("fontsize", "11")]);
    for (p, pipeline) in placement.pipelines.iter().enumerate() {
        writer.begin_cluster(&format!("cluster_{p}"), &[("label", &title(placement, p))]);
        draw_pipeline(&mut writer, p, pipeline);
        writer.end();
    }
    for (m, medium) in placement.media.iter().enumerate() {
        draw_medium(&mut writer, m, medium, placement);
    }
    writer.finish()
}

fn title(placement: &Placement, p: usize) -> String {
    let pipeline = &placement.pipelines[p];
    let mut parts = vec![format!("pipeline {p}")];
    let rate = placement.inferences_of(pipeline).filter(|_| placement.pipelines.len() > 1);
    parts.extend(rate.map(|rate| format!("{} inferences a second", rate_text(rate))));
    parts.extend(pipeline.period_s.map(|period_s| format!("period {}", seconds_text(period_s))));
    parts.extend(pipeline.latency_s.map(|latency_s| format!("latency {}", seconds_text(latency_s))));
    parts.join(", ")
}

fn draw_pipeline(writer: &mut Writer, p: usize, pipeline: &Pipeline) {
    let stage_id = |i: usize| format!("p{p}_stage{i}");
    if let Some(source) = pipeline.source() {
        let id = format!("p{p}_source");
        writer.node(&id, &[("label", &format!("source\n{source}")), ("shape", "ellipse")]);
        draw_transfer(
            writer,
            &id,
            &stage_id(0),
            pipeline.stages[0].receive.as_ref(),
            pipeline.is_bottleneck(&["source"], 0),
        );
    }
    for (i, stage) in pipeline.stages.iter().enumerate() {
        let label = stage_label(i, stage);
        let marked = pipeline.is_bottleneck(&["stage", "node"], i);
        writer.node(&stage_id(i), &with_mark(("label", &label), marked));
        let is_last = i + 1 == pipeline.stages.len();
        let (target, kind) = if is_last { (format!("p{p}_sink"), "sink") } else { (stage_id(i + 1), "hop") };
        let Some(send) = &stage.send else { continue };
        if is_last {
            let sink = pipeline.sink().unwrap_or_default();
            writer.node(&target, &[("label", &format!("sink\n{sink}")), ("shape", "ellipse")]);
        }
        draw_transfer(writer, &stage_id(i), &target, Some(send), pipeline.is_bottleneck(&[kind], i));
    }
}

fn stage_label(i: usize, stage: &Stage) -> String {
    let free = stage.memory_capacity_bytes.map_or(String::new(), |free| format!(" of {}", bytes_text(free)));
    let memory = format!("{}{free}", bytes_text(stage.memory_bytes));
    let compute = stage.compute_s.map_or(String::new(), |seconds| format!("\n{}", seconds_text(seconds)));
    format!("{i}  {}\n{}\n{memory}{compute}", stage.node_id, counted(stage.layer_ids.len(), "layer"))
}

fn draw_transfer(writer: &mut Writer, from: &str, to: &str, transfer: Option<&Transfer>, marked: bool) {
    let Some(transfer) = transfer else { return };
    let time = transfer.transfer_s.map_or(String::new(), |seconds| format!("\n{}", seconds_text(seconds)));
    let label = format!("{}{time}", bytes_text(transfer.bytes));
    writer.edge(from, to, &with_mark(("label", &label), marked));
}

fn draw_medium(writer: &mut Writer, m: usize, medium: &Medium, placement: &Placement) {
    let period_s = placement.media_period_s();
    let share = if period_s > 0.0 {
        format!(", {} of the period", percent_text(medium.occupied_s / period_s))
    } else {
        String::new()
    };
    let label = format!("shared: {}\n{}{share}", medium.id, seconds_text(medium.occupied_s));
    let marked = placement.pipelines.iter().any(|pipeline| pipeline.is_medium_bottleneck(&medium.id));
    writer.node(
        &format!("medium{m}"),
        &[&with_mark(("label", &label), marked)[..], &[("shape", "note"), ("style", "")]].concat(),
    );
}

fn with_mark<'a>(label: (&'a str, &'a str), marked: bool) -> Vec<(&'a str, &'a str)> {
    let mark = if marked { &BOTTLENECK[..] } else { &[] };
    [&[label], mark].concat()
}
