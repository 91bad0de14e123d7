//! Which processes there are, and on which nodes.

use std::collections::BTreeMap;

use crate::options::Options;
use crate::placement::{Pipeline, Placement, Transfer};
use crate::stages::{StagesFile, bytes_of};

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs a stage.
    Stage,
    /// Receives the outputs.
    Sink,
    /// Sends inputs that are drawn, to try a pipeline.
    Feed,
}

/// A process that is not connected yet.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    pub(super) role: Role,
    pub(super) pipeline: usize,
    pub(super) stage: usize,
    pub(super) name: String,
    pub(super) node_id: &'a str,
    /// How many processes of its node come before it and listen.
    pub(super) nth: u16,
    pub(super) planned_bytes: u64,
}

/// Returns the processes of all pipelines: their stages in order, then a sink unless there is one elsewhere, then the feeder.
pub(super) fn seats<'a>(placement: &'a Placement, stages: Option<&StagesFile>, options: &Options) -> Vec<Seat<'a>> {
    let mut seats = Vec::new();
    let mut listening = BTreeMap::new();
    for (p, pipeline) in placement.pipelines.iter().enumerate() {
        let prefix = if placement.pipelines.len() > 1 { format!("p{p}-") } else { String::new() };
        let mut add = |role, stage: usize, name: String, node_id: &'a str, planned_bytes| {
            let before: &mut u16 = listening.entry(node_id).or_default();
            seats.push(Seat { role, pipeline: p, stage, name, node_id, nth: *before, planned_bytes });
            if role != Role::Feed {
                *before = before.saturating_add(1);
            }
        };
        for (i, stage) in pipeline.stages.iter().enumerate() {
            add(Role::Stage, i, format!("{prefix}stage-{i}"), &stage.node_id, stage.memory_bytes);
        }
        let last = pipeline.stages.len() - 1;
        let entry = |stage: usize| stages.and_then(|stages| stages.entry(p, stage));
        if !has_own_sink(pipeline, p, stages, options) {
            let node_id = pipeline.sink().unwrap_or(&pipeline.stages[last].node_id);
            let bytes = sent(pipeline.stages[last].send.as_ref(), entry(last).map(|entry| bytes_of(&entry.outputs)));
            add(Role::Sink, last, format!("{prefix}sink"), node_id, bytes);
        }
        if options.feed.is_some() {
            let node_id = pipeline.source().unwrap_or(&pipeline.stages[0].node_id);
            let bytes = sent(pipeline.stages[0].receive.as_ref(), entry(0).map(|entry| bytes_of(&entry.inputs)));
            add(Role::Feed, 0, format!("{prefix}feed"), node_id, bytes);
        }
    }
    seats
}

/// Returns `true` if the user has a sink: an address of one was given, or the cut names one that is on no node of the plan.
fn has_own_sink(pipeline: &Pipeline, p: usize, stages: Option<&StagesFile>, options: &Options) -> bool {
    let entry = stages.and_then(|stages| stages.entry(p, pipeline.stages.len() - 1));
    let is_named = entry.is_some_and(|entry| entry.send_to.address.is_some());
    options.sink.is_some() || (is_named && pipeline.sink().is_none())
}

fn sent(planned: Option<&Transfer>, listed: Option<u64>) -> u64 {
    listed.or(planned.map(|transfer| transfer.bytes)).unwrap_or(0)
}
