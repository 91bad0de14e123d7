//! The loads that determine the period of a pipeline, and the latency of one pass.

use std::collections::BTreeMap;

use super::media::SharedMedium;
use super::transfer::{Carried, Traffic};
use crate::domain::options::{Overlap, Transfers};
use crate::domain::placement::{Bottleneck, BottleneckKind, Stage};
use crate::domain::request::PlanRequest;

/// Returns the loads of which the period is the largest, in seconds. With overlap these are each
/// stage's compute and each transfer; without overlap, all that each node does. Shared media come
/// last.
pub(super) fn loads(
    request: &PlanRequest,
    stages: &[Stage],
    traffic: &Traffic<'_>,
    media: &[SharedMedium],
) -> Vec<(Bottleneck, f64)> {
    let mut loads = match request.options.cost_model.overlap {
        Overlap::Full => single_loads(request, stages, traffic),
        Overlap::None => node_loads(request, stages),
    };
    loads.extend(media.iter().map(|medium| {
        let stage_index = medium.first_stage as u64;
        let medium_id = Some(medium.id.clone());
        (Bottleneck { kind: BottleneckKind::Medium, stage_index, medium_id }, medium.occupied_s)
    }));
    loads
}

/// Returns the largest load; of equal ones the first.
pub(super) fn bottleneck(loads: &[(Bottleneck, f64)]) -> Option<(Bottleneck, f64)> {
    loads.iter().reduce(|largest, load| if load.1 > largest.1 { load } else { largest }).cloned()
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

fn load(kind: BottleneckKind, stage: usize, seconds: f64) -> (Bottleneck, f64) {
    (Bottleneck { kind, stage_index: stage as u64, medium_id: None }, seconds)
}

/// Returns the compute and the transfers of each stage. What the source sends comes after what the
/// first stage sends.
fn single_loads(request: &PlanRequest, stages: &[Stage], traffic: &Traffic<'_>) -> Vec<(Bottleneck, f64)> {
    // While the data of a streamed transfer are on their way, the next transfer can begin.
    let seconds = |carried: &Carried<'_>| match request.options.cost_model.transfers {
        Transfers::Streamed => carried.longest_s(),
        Transfers::Acknowledged => carried.transfer_s(),
    };
    let mut loads = Vec::new();
    for (place, stage) in stages.iter().enumerate() {
        loads.push(load(BottleneckKind::Stage, place, stage.compute_s));
        for sent in traffic.carried.iter().filter(|carried| carried.sender == Some(place)) {
            let kind = if sent.receiver.is_none() { BottleneckKind::Sink } else { BottleneckKind::Hop };
            loads.push(load(kind, place, seconds(sent)));
        }
        for received in traffic.carried.iter().filter(|it| it.sender.is_none() && it.receiver == Some(place)) {
            loads.push(load(BottleneckKind::Source, place, seconds(received)));
        }
    }
    loads
}

/// Returns for each node the seconds of one pass for which it is busy if it does one thing at a time: the nodes of the stages,
/// the source and the sink.
pub(super) fn busy_nodes<'a>(request: &'a PlanRequest, stages: &'a [Stage]) -> BTreeMap<&'a str, f64> {
    let (Some(first), Some(last)) = (stages.first(), stages.last()) else { return BTreeMap::new() };
    let mut busy_s: BTreeMap<&str, f64> = BTreeMap::new();
    for stage in stages {
        *busy_s.entry(&stage.node_id).or_default() += receive_s(stage) + stage.compute_s + send_s(stage);
    }
    // The sum of the stage already contains a transfer from the source or to the sink. The node at
    // the other end is busy with it too.
    let (source, sink) = busy_ends(request, first, last);
    if let Some(source) = source {
        *busy_s.entry(source).or_default() += receive_s(first);
    }
    if let Some(sink) = sink {
        *busy_s.entry(sink).or_default() += send_s(last);
    }
    busy_s
}

/// Returns the source and the sink, each if something is sent from there or to there.
fn busy_ends<'a>(request: &'a PlanRequest, first: &Stage, last: &Stage) -> (Option<&'a str>, Option<&'a str>) {
    let constraints = &request.options.constraints;
    let source = constraints.source_node.as_deref().filter(|_| first.receive.is_some());
    let sink = constraints.sink_node.as_deref().filter(|_| last.send.is_some());
    (source, sink)
}

fn node_loads(request: &PlanRequest, stages: &[Stage]) -> Vec<(Bottleneck, f64)> {
    let (Some(first), Some(last)) = (stages.first(), stages.last()) else { return Vec::new() };
    let busy_s = busy_nodes(request, stages);
    let (source, sink) = busy_ends(request, first, last);
    let of_stage = |(place, stage): (usize, &Stage)| load(BottleneckKind::Node, place, busy_s[stage.node_id.as_str()]);
    let mut loads: Vec<(Bottleneck, f64)> = stages.iter().enumerate().map(of_stage).collect();
    loads.extend(source.map(|node| load(BottleneckKind::Source, 0, busy_s[node])));
    loads.extend(sink.map(|node| load(BottleneckKind::Sink, stages.len() - 1, busy_s[node])));
    loads
}
