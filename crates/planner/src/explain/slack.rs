//! The time of each stage and transfer, how much is to spare, and what binds. All are read from a
//! placement's figures.

use std::collections::BTreeMap;

use crate::domain::explanation::{
    MediumSlack, MemoryWarning, MemoryWarningCode, NextBottleneck, StageSlack, TransferSlack,
};
use crate::domain::options::{Overlap, Transfers};
use crate::domain::placement::{Bottleneck, BottleneckKind, MediumUse, PlacementDocument, Stage};
use crate::domain::request::PlanRequest;
use crate::domain::unit::bytes_text;
use crate::routes::{Medium, Routes};
use crate::shares::Shares;

/// A load within this relative difference of the period counts as the period.
const SAME: f64 = 1e-12;

/// Free memory below this share of a node's memory is little.
const LITTLE: f64 = 0.05;

/// The slack of each stage and transfer of a placement, and what binds.
#[derive(Debug, Default)]
pub(super) struct Slack {
    pub stages: Vec<StageSlack>,
    pub transfers: Vec<TransferSlack>,
    pub media: Vec<MediumSlack>,
    pub binding: Vec<Bottleneck>,
    pub next_bottleneck: Option<NextBottleneck>,
    pub warnings: Vec<MemoryWarning>,
}

/// A pipeline at a pace, and what else is done with what it uses.
#[derive(Clone, Copy)]
pub(super) struct Paced<'a> {
    /// Its stages. There is at least one.
    pub stages: &'a [Stage],
    /// Seconds from one pass to the next: the period, if it is the only pipeline.
    pub every_s: f64,
    /// What sets its period.
    pub bottleneck: &'a Bottleneck,
    /// The media that two or more transfers use, each with the seconds for which it is occupied in this time.
    pub media: &'a [MediumUse],
    /// With overlap `none`: seconds of this time for which nodes work for other pipelines.
    pub elsewhere_s: &'a BTreeMap<String, f64>,
}

/// Reads the slack of a document of one pipeline. It is empty if the document has no placement.
pub(super) fn slack(request: &PlanRequest, document: &PlacementDocument) -> Slack {
    let (Some(every_s), Some(pipeline)) = (document.period_s, document.pipeline()) else { return Slack::default() };
    let (stages, bottleneck, media) = (&pipeline.stages[..], &pipeline.bottleneck, &document.media[..]);
    if stages.is_empty() {
        return Slack::default();
    }
    slack_of(request, Paced { stages, every_s, bottleneck, media, elsewhere_s: &BTreeMap::new() })
}

/// Reads the slack of a pipeline.
pub(super) fn slack_of(request: &PlanRequest, paced: Paced<'_>) -> Slack {
    let period_s = paced.every_s;
    let shares = Shares::new(request);
    let routes = Routes::new(&request.cluster).shared(&shares.of_link, &shares.of_medium);
    let mut transfers = transfers(paced.stages);
    let mut node_loads = node_loads(paced.stages, &transfers);
    for (node, seconds) in &mut node_loads {
        *seconds += paced.elsewhere_s.get(node).copied().unwrap_or(0.0);
    }
    let load_s = |node: &String| node_loads.get(node).copied().unwrap_or(0.0);
    let full = request.options.cost_model.overlap == Overlap::Full;
    for transfer in &mut transfers {
        let ends_s = load_s(&transfer.from_node_id).max(load_s(&transfer.to_node_id));
        let ends =
            request.cluster.node_index(&transfer.from_node_id).zip(request.cluster.node_index(&transfer.to_node_id));
        let occupied = ends.and_then(|(from, to)| routes.occupied(from, to)).map(|(_, occupied)| occupied);
        let occupied = occupied.unwrap_or_default();
        let of_medium = |medium: Medium| paced.media.iter().find(|it| it.id == routes.media.id(medium));
        let media_s =
            occupied.iter().filter_map(|&(medium, _)| Some(of_medium(medium)?.occupied_s)).fold(0.0, f64::max);
        if full && request.options.cost_model.transfers == Transfers::Streamed && !occupied.is_empty() {
            let bandwidth_bps = occupied.iter().map(|&(_, bandwidth_bps)| bandwidth_bps).fold(f64::INFINITY, f64::min);
            let scale = request.options.cost_model.transfer_scale;
            transfer.time_s = 8.0 * (transfer.bytes as f64 * scale) / bandwidth_bps;
        }
        let busy_s = if full { transfer.time_s } else { ends_s };
        transfer.slack_s = (period_s - busy_s.max(media_s)).max(0.0);
    }
    let stage = |stage: &Stage| StageSlack {
        index: stage.index,
        node_id: stage.node_id.clone(),
        time_s: stage.compute_s,
        slack_s: (period_s - if full { stage.compute_s } else { load_s(&stage.node_id) }).max(0.0),
        node_load_s: (!full).then(|| load_s(&stage.node_id)),
        memory_bytes: stage.memory_bytes,
        memory_capacity_bytes: stage.memory_capacity_bytes,
        free_bytes: stage.memory_capacity_bytes.saturating_sub(stage.memory_bytes),
    };
    let stages: Vec<StageSlack> = paced.stages.iter().map(stage).collect();
    let mut loads =
        if full { step_loads(&stages, &transfers) } else { all_node_loads(&stages, &transfers, &node_loads) };
    loads.extend(paced.media.iter().map(|medium| (medium_load(paced.bottleneck, medium), medium.occupied_s)));
    let medium = |it: &MediumUse| MediumSlack {
        id: it.id.clone(),
        occupied_s: it.occupied_s,
        slack_s: (period_s - it.occupied_s).max(0.0),
    };
    let media = paced.media.iter().map(medium).collect();
    let (binding, rest): (Vec<_>, Vec<_>) = loads.into_iter().partition(|(_, seconds)| is_at(*seconds, period_s));
    let warnings = stages.iter().filter_map(little_memory).collect();
    let binding = binding.into_iter().map(|(bottleneck, _)| bottleneck).collect();
    Slack { stages, transfers, media, binding, next_bottleneck: largest(&rest), warnings }
}

/// Returns a medium as what binds. Its stage is that of the bottleneck, or the first.
fn medium_load(bottleneck: &Bottleneck, medium: &MediumUse) -> Bottleneck {
    let is_same = bottleneck.medium_id.as_ref() == Some(&medium.id);
    let stage_index = if is_same { bottleneck.stage_index } else { 0 };
    Bottleneck { kind: BottleneckKind::Medium, stage_index, medium_id: Some(medium.id.clone()) }
}

fn is_at(seconds: f64, period_s: f64) -> bool {
    seconds >= period_s * (1.0 - SAME)
}

fn largest(loads: &[(Bottleneck, f64)]) -> Option<NextBottleneck> {
    let time_s = loads.iter().map(|&(_, seconds)| seconds).reduce(f64::max)?;
    let binding = loads.iter().filter(|(_, seconds)| is_at(*seconds, time_s)).map(|(bottleneck, _)| bottleneck.clone());
    Some(NextBottleneck { time_s, binding: binding.collect() })
}

/// Returns every transfer, with a slack of 0 that the caller fills in.
pub(super) fn transfers(stages: &[Stage]) -> Vec<TransferSlack> {
    let input = stages.first().and_then(|stage| Some((stage, stage.receive.as_ref()?)));
    let input = input.map(|(stage, receive)| TransferSlack {
        kind: BottleneckKind::Source,
        stage_index: stage.index,
        from_node_id: receive.from_node_id.clone(),
        to_node_id: stage.node_id.clone(),
        bytes: receive.bytes,
        time_s: receive.transfer_s,
        slack_s: 0.0,
    });
    let last = stages.len() - 1;
    let outputs = stages.iter().enumerate().filter_map(|(place, stage)| Some((place, stage, stage.send.as_ref()?)));
    let outputs = outputs.map(|(place, stage, send)| TransferSlack {
        kind: if place == last { BottleneckKind::Sink } else { BottleneckKind::Hop },
        stage_index: stage.index,
        from_node_id: stage.node_id.clone(),
        to_node_id: send.to_node_id.clone(),
        bytes: send.bytes,
        time_s: send.transfer_s,
        slack_s: 0.0,
    });
    input.into_iter().chain(outputs).collect()
}

/// Returns the seconds for which each node receives, computes and sends. They are summed in the
/// order of the cost model: first a node's own stage, then its transfers as the source or the sink
/// of stages elsewhere.
pub(super) fn node_loads(stages: &[Stage], transfers: &[TransferSlack]) -> BTreeMap<String, f64> {
    let mut loads: BTreeMap<String, f64> = BTreeMap::new();
    for stage in stages {
        let receive_s = stage.receive.as_ref().map_or(0.0, |receive| receive.transfer_s);
        let send_s = stage.send.as_ref().map_or(0.0, |send| send.transfer_s);
        loads.insert(stage.node_id.clone(), receive_s + stage.compute_s + send_s);
    }
    let mut own: BTreeMap<String, f64> = BTreeMap::new();
    for transfer in transfers {
        match transfer.kind {
            BottleneckKind::Source => *own.entry(transfer.from_node_id.clone()).or_default() += transfer.time_s,
            BottleneckKind::Sink => *own.entry(transfer.to_node_id.clone()).or_default() += transfer.time_s,
            _ => {}
        }
    }
    for (node, seconds) in own {
        *loads.entry(node).or_default() += seconds;
    }
    loads
}

/// With overlap `full`: returns the load of each stage and transfer.
fn step_loads(stages: &[StageSlack], transfers: &[TransferSlack]) -> Vec<(Bottleneck, f64)> {
    let of_transfer =
        |it: &TransferSlack| (Bottleneck { kind: it.kind, stage_index: it.stage_index, medium_id: None }, it.time_s);
    let (input, outputs): (Vec<_>, Vec<_>) = transfers.iter().partition(|it| it.kind == BottleneckKind::Source);
    let mut loads: Vec<(Bottleneck, f64)> = input.into_iter().map(of_transfer).collect();
    for stage in stages {
        loads.push((
            Bottleneck { kind: BottleneckKind::Stage, stage_index: stage.index, medium_id: None },
            stage.time_s,
        ));
        loads.extend(outputs.iter().filter(|it| it.stage_index == stage.index).map(|it| of_transfer(it)));
    }
    loads
}

/// With overlap `none`: returns the load of each node that hosts a stage, and of a source or sink
/// that hosts none.
fn all_node_loads(
    stages: &[StageSlack],
    transfers: &[TransferSlack],
    node_loads: &BTreeMap<String, f64>,
) -> Vec<(Bottleneck, f64)> {
    let load = |kind, stage_index, node: &String| (Bottleneck { kind, stage_index, medium_id: None }, node_loads[node]);
    let mut loads: Vec<(Bottleneck, f64)> =
        stages.iter().map(|stage| load(BottleneckKind::Node, stage.index, &stage.node_id)).collect();
    let mut named: Vec<&String> = stages.iter().map(|stage| &stage.node_id).collect();
    for transfer in transfers {
        let end = match transfer.kind {
            BottleneckKind::Source => &transfer.from_node_id,
            BottleneckKind::Sink => &transfer.to_node_id,
            _ => continue,
        };
        if !named.contains(&end) {
            named.push(end);
            loads.push(load(transfer.kind, transfer.stage_index, end));
        }
    }
    loads
}

fn little_memory(stage: &StageSlack) -> Option<MemoryWarning> {
    let little = (stage.free_bytes as f64) < LITTLE * stage.memory_capacity_bytes as f64;
    little.then(|| MemoryWarning {
        code: MemoryWarningCode::LittleMemoryFree,
        pipeline_index: None,
        stage_index: stage.index,
        node_id: stage.node_id.clone(),
        detail: format!(
            "stage {} leaves {} of the {} of {} free",
            stage.index,
            bytes_text(stage.free_bytes),
            bytes_text(stage.memory_capacity_bytes),
            stage.node_id
        ),
    })
}
