//! A drawing of several pipelines in text: one line each, what sets its pace marked, with a bar for its rate.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::placement::{BottleneckKind, Pipeline, PlacementDocument};
use cutpoint_planner::domain::unit::short_text;

use super::drawing::{bar, draw_medium};
use crate::cli::table::{Side, Table};

/// Draws several pipelines.
pub(super) struct Lines<'a> {
    /// The placement to draw.
    pub placement: &'a PlacementDocument,
    /// How many inputs one pass takes at once.
    pub batch_size: u64,
}

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pipelines = &self.placement.pipelines;
        let rate = |pipeline: &Pipeline| pipeline.rate_per_s.unwrap_or(0.0);
        let largest = pipelines.iter().map(rate).fold(0.0, f64::max);
        let columns = [("", Side::Right), ("path; [node] or ═▶ sets the pace", Side::Left), ("a second", Side::Right)];
        let mut table = Table::new(&[&columns[..], &[("", Side::Left)]].concat());
        for (index, pipeline) in pipelines.iter().enumerate() {
            let share = if largest > 0.0 { rate(pipeline) / largest } else { 0.0 };
            let inferences = short_text(rate(pipeline) * self.batch_size as f64);
            table.push([index.to_string(), path(pipeline), inferences, bar(share)]);
        }
        write!(f, "{table}")?;
        for medium in &self.placement.media {
            draw_medium(f, medium, self.placement.period_s)?;
        }
        Ok(())
    }
}

/// Returns the nodes of a pipeline with arrows between them, from the source to the sink.
fn path(pipeline: &Pipeline) -> String {
    let bottleneck = &pipeline.bottleneck;
    let is_set_by = |kinds: &[BottleneckKind], stage: u64| {
        kinds.contains(&bottleneck.kind) && bottleneck.stage_index == stage && bottleneck.medium_id.is_none()
    };
    let arrow = |kind: BottleneckKind, stage: u64| if is_set_by(&[kind], stage) { " ═▶ " } else { " ─▶ " };
    let mut text = String::new();
    if let Some(receive) = pipeline.stages.first().and_then(|stage| stage.receive.as_ref()) {
        text += &format!("({}){}", receive.from_node_id, arrow(BottleneckKind::Source, 0));
    }
    for (index, stage) in (0..).zip(&pipeline.stages) {
        let marked = is_set_by(&[BottleneckKind::Stage, BottleneckKind::Node], index);
        let name = if marked { format!("[{}]", stage.node_id) } else { stage.node_id.clone() };
        text += &name;
        let is_last = index + 1 == pipeline.stages.len() as u64;
        match &stage.send {
            Some(send) if is_last => text += &format!("{}({})", arrow(BottleneckKind::Sink, index), send.to_node_id),
            Some(_) => text += arrow(BottleneckKind::Hop, index),
            None => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pipeline_is_a_line_from_source_to_sink() {
        let stage = |index: u64, node: &str| {
            json!({"index": index, "node_id": node, "layer_ids": ["a"], "param_bytes": 0, "memory_bytes": 0,
                "memory_capacity_bytes": 0, "compute_s": 0.5})
        };
        let mut stages = json!([stage(0, "n1"), stage(1, "n2")]);
        let end = |end: &str, node: &str| json!({end: node, "tensor_layer_ids": ["a"], "bytes": 1, "transfer_s": 0.1});
        stages[0]["receive"] = end("from_node_id", "camera");
        stages[0]["send"] = end("to_node_id", "n2");
        stages[1]["send"] = end("to_node_id", "gateway");
        let drawn = |bottleneck: serde_json::Value| {
            let pipeline = json!({"period_s": 0.5, "latency_s": 1.3, "bottleneck": bottleneck, "stages": stages});
            path(&serde_json::from_value(pipeline).unwrap())
        };
        assert_eq!(drawn(json!({"kind": "stage", "stage_index": 1})), "(camera) ─▶ n1 ─▶ [n2] ─▶ (gateway)");
        assert_eq!(drawn(json!({"kind": "node", "stage_index": 0})), "(camera) ─▶ [n1] ─▶ n2 ─▶ (gateway)");
        assert_eq!(drawn(json!({"kind": "source", "stage_index": 0})), "(camera) ═▶ n1 ─▶ n2 ─▶ (gateway)");
        assert_eq!(drawn(json!({"kind": "hop", "stage_index": 0})), "(camera) ─▶ n1 ═▶ n2 ─▶ (gateway)");
        assert_eq!(drawn(json!({"kind": "sink", "stage_index": 1})), "(camera) ─▶ n1 ─▶ n2 ═▶ (gateway)");
    }
}
