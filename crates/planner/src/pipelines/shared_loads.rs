//! What pipelines on disjoint nodes take of what they may have in common: media, and with overlap `none` the source and the
//! sink.

use crate::cost::{Assignment, medium_loads, own_transfers, stage_times};
use crate::domain::options::Overlap;
use crate::instance::Instance;
use crate::routes::Medium;

/// What several pipelines may use: nobody can use it for more than all of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedResource {
    /// A medium.
    Medium(Medium),
    /// With overlap `none`: the node where inputs come from, which may be the sink too.
    Source,
    /// With overlap `none`: the node where outputs are wanted, if it is not the source.
    Sink,
}

/// Returns what one pass of a pipeline takes of each resource that other pipelines may use too, in seconds above 0, in the
/// order of the resources. No load is longer than the period of the pipeline alone.
pub fn shared_loads(instance: &Instance, assignment: &Assignment) -> Vec<(SharedResource, f64)> {
    let media = medium_loads(instance, assignment).into_iter();
    let mut loads: Vec<(SharedResource, f64)> =
        media.map(|load| (SharedResource::Medium(load.medium), load.seconds)).collect();
    if instance.overlap == Overlap::None {
        loads.push((SharedResource::Source, end_load(instance, assignment, true, instance.one_end)));
        if !instance.one_end {
            loads.push((SharedResource::Sink, end_load(instance, assignment, false, true)));
        }
    }
    loads.retain(|&(_, seconds)| seconds > 0.0);
    loads.sort_by_key(|&(resource, _)| resource);
    loads
}

/// Returns the seconds of one pass for which a node is busy that is the source, the sink or both.
fn end_load(instance: &Instance, assignment: &Assignment, is_source: bool, is_sink: bool) -> f64 {
    let host = if is_source { instance.source_host } else { instance.sink_host };
    let own_stage = assignment.stages.iter().position(|&(_, of_stage)| Some(of_stage) == host);
    if let (Some(stage), Some(host)) = (own_stage, host) {
        let [receive, compute, send] = stage_times(instance, assignment).nth(stage).unwrap_or_default();
        return receive + compute + send + own_transfers(instance, assignment, host);
    }
    let (Some(&(_, first)), Some(&(_, last))) = (assignment.stages.first(), assignment.stages.last()) else {
        return 0.0;
    };
    let sent_s = if is_source { instance.input_s[first] } else { 0.0 };
    let received_s = if is_sink { instance.output_s[last] } else { 0.0 };
    sent_s + received_s
}
