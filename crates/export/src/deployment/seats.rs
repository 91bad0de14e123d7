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
    /// Sends inputs that are drawn, to try the pipelines: it deals them out among all.
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

/// Returns the processes of all pipelines: of each its stages in order, then a sink unless there is one elsewhere; and at last the
/// one feeder.
pub(super) fn seats<'a>(placement: &'a Placement, stages: Option<&StagesFile>, options: &Options) -> Vec<Seat<'a>> {
    let mut seats = Vec::new();
    let mut listening = BTreeMap::new();
    for (p, pipeline) in placement.pipelines.iter().enumerate() {
        let prefix = if placement.pipelines.len() > 1 { format!("p{p}-") } else { String::new() };
        let mut add = |role, stage: usize, name: String, node_id: &'a str, planned_bytes| {
            let before: &mut u16 = listening.entry(node_id).or_default();
            seats.push(Seat { role, pipeline: p, stage, name, node_id, nth: *before, planned_bytes });
            *before = before.saturating_add(1);
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
    }
    if options.feed.is_some() {
        seats.extend(placement.pipelines.first().map(|pipeline| {
            let first = &pipeline.stages[0];
            let listed = stages.and_then(|stages| stages.entry(0, 0)).map(|entry| bytes_of(&entry.inputs));
            Seat {
                role: Role::Feed,
                pipeline: 0,
                stage: 0,
                name: "feed".to_owned(),
                node_id: pipeline.source().unwrap_or(&first.node_id),
                nth: 0,
                planned_bytes: sent(first.receive.as_ref(), listed),
            }
        }));
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
