//! The loads that determine the period of a pipeline, and the latency of one pass.

use std::collections::BTreeMap;

use crate::domain::options::Overlap;
use crate::domain::placement::{Bottleneck, BottleneckKind, Stage};
use crate::domain::request::PlanRequest;

/// Returns the loads of which the period is the largest, in seconds. With overlap these are each
/// stage's compute and each transfer; without overlap, all that each node does.
pub(super) fn loads(request: &PlanRequest, stages: &[Stage]) -> Vec<(Bottleneck, f64)> {
    match request.options.cost_model.overlap {
        Overlap::Full => single_loads(stages),
        Overlap::None => node_loads(request, stages),
    }
}

/// Returns the largest load; of equal ones the first.
pub(super) fn bottleneck(loads: &[(Bottleneck, f64)]) -> Option<(Bottleneck, f64)> {
    loads.iter().cloned().reduce(|largest, load| if load.1 > largest.1 { load } else { largest })
}

/// Returns the sum, in seconds, of all stage times and hops, including those from the source and to
/// the sink.
pub(super) fn latency_s(stages: &[Stage]) -> f64 {
    let from_source = stages.first().map_or(0.0, receive_s);
    stages.iter().fold(from_source, |sum, stage| sum + stage.compute_s + send_s(stage))
}

fn receive_s(stage: &Stage) -> f64 {
    stage.receive.as_ref().map_or(0.0, |receive| receive.transfer_s)
}

fn send_s(stage: &Stage) -> f64 {
    stage.send.as_ref().map_or(0.0, |send| send.transfer_s)
}

fn single_loads(stages: &[Stage]) -> Vec<(Bottleneck, f64)> {
    let mut loads = Vec::new();
    let mut add = |kind, stage: &Stage, seconds| {
        loads.push((Bottleneck { kind, stage_index: stage.index, medium_id: None }, seconds));
    };
    for (position, stage) in stages.iter().enumerate() {
        add(BottleneckKind::Stage, stage, stage.compute_s);
        if stage.send.is_some() {
            let last = position + 1 == stages.len();
            add(if last { BottleneckKind::Sink } else { BottleneckKind::Hop }, stage, send_s(stage));
        }
        if position == 0 && stage.receive.is_some() {
            add(BottleneckKind::Source, stage, receive_s(stage));
        }
    }
    loads
}

fn node_loads(request: &PlanRequest, stages: &[Stage]) -> Vec<(Bottleneck, f64)> {
    let (Some(first), Some(last)) = (stages.first(), stages.last()) else { return Vec::new() };
    let mut busy_s: BTreeMap<&str, f64> = BTreeMap::new();
    for stage in stages {
        *busy_s.entry(&stage.node_id).or_default() += receive_s(stage) + stage.compute_s + send_s(stage);
    }
    // The sum of the stage already contains a transfer from the source or to the sink. The node at
    // the other end is busy with it too.
    let constraints = &request.options.constraints;
    let source = constraints.source_node.as_deref().filter(|_| first.receive.is_some());
    let sink = constraints.sink_node.as_deref().filter(|_| last.send.is_some());
    if let Some(source) = source {
        *busy_s.entry(source).or_default() += receive_s(first);
    }
    if let Some(sink) = sink {
        *busy_s.entry(sink).or_default() += send_s(last);
    }
    let load = |kind, stage: &Stage, node: &str| {
        (Bottleneck { kind, stage_index: stage.index, medium_id: None }, busy_s[node])
    };
    let mut loads: Vec<(Bottleneck, f64)> =
        stages.iter().map(|stage| load(BottleneckKind::Node, stage, &stage.node_id)).collect();
    loads.extend(source.map(|node| load(BottleneckKind::Source, first, node)));
    loads.extend(sink.map(|node| load(BottleneckKind::Sink, last, node)));
    loads
}
