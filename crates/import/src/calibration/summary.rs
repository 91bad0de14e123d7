//! Means of what runners logged. They are those of `cutpoint-runner summarize`.

use std::collections::{BTreeMap, BTreeSet};

use super::inference::{Inference, Received};
use super::logs::{ProcessLog, Role};
use super::measurements::{
    AloneStage, LatencyOf, MeasuredHop, MeasuredLatency, MeasuredMemory, MeasuredPipeline, MeasuredStage, Transfers,
};
use super::runs::{self, Run};

/// A receiver that did not read for a while finds part of a frame in the kernel's buffers, and the frame seems to arrive
/// sooner, by at most that while. With this fraction of its time, the error is as small.
const MOST_BLOCKED: f64 = 0.02;

/// The logs of one pipeline, by role.
struct Pipeline<'a> {
    logs: Vec<&'a ProcessLog>,
    warm_up: u64,
    /// Runs in which one inference was in the pipeline at a time.
    alone: BTreeSet<u64>,
}

/// Returns what logs of one or more pipelines say together.
pub(super) fn pipelines(logs: &[ProcessLog], warm_up: u64) -> Vec<MeasuredPipeline> {
    let numbers: BTreeSet<u64> = logs.iter().map(|log| log.pipeline).collect();
    let of = |number: u64| logs.iter().filter(|log| log.pipeline == number).collect();
    numbers.into_iter().map(|number| pipeline(of(number), number, warm_up)).collect()
}

fn pipeline(logs: Vec<&ProcessLog>, number: u64, warm_up: u64) -> MeasuredPipeline {
    let runs = runs::of(&logs, warm_up);
    let overlap = logs.iter().find_map(|log| log.overlap.clone());
    let alone = runs.iter().filter(|run| run.window == Some(1)).map(|run| run.run).collect();
    let it = Pipeline { logs, warm_up, alone };
    let mut stages: BTreeMap<u64, Vec<&ProcessLog>> = BTreeMap::new();
    for log in &it.logs {
        if let Role::Stage { index, .. } = log.role {
            stages.entry(index).or_default().push(log);
        }
    }
    let mut hops: Vec<MeasuredHop> =
        stages.iter().filter_map(|(index, starts)| it.hop(format!("stage {index}"), starts)).collect();
    let sinks: Vec<&ProcessLog> = it.logs.iter().copied().filter(|log| log.role == Role::Sink).collect();
    hops.extend(it.hop("sink".to_owned(), &sinks));
    let (latency, latency_of) = latency(&runs).unzip();
    MeasuredPipeline {
        pipeline: number,
        overlap,
        period_s: runs::period_s(&runs),
        latency,
        latency_of,
        stages: stages.into_iter().filter_map(|(index, starts)| it.stage(index, &starts)).collect(),
        hops,
    }
}

/// Returns the latency in an empty pipeline where a run shows it, else that of all runs.
fn latency(runs: &[Run]) -> Option<(MeasuredLatency, LatencyOf)> {
    let of = |is_alone: bool| {
        let runs = runs.iter().filter(move |run| !is_alone || run.window == Some(1));
        runs.flat_map(|run| run.latencies()).collect::<Vec<f64>>()
    };
    let (alone, all) = (of(true), of(false));
    let (latencies, latency_of) =
        if alone.is_empty() { (all, LatencyOf::Stream) } else { (alone, LatencyOf::OneAtATime) };
    Some((MeasuredLatency { mean_s: mean(&latencies)?, count: latencies.len() as u64 }, latency_of))
}

impl Pipeline<'_> {
    /// Returns what counts of some processes: inferences of streams where there are any, else all; and those that were
    /// in the pipeline alone.
    fn counted<'l>(&self, logs: &[&'l ProcessLog]) -> (Vec<&'l Inference>, Vec<&'l Inference>) {
        let steady = logs.iter().flat_map(|log| &log.inferences).filter(|line| line.inference >= self.warm_up);
        let (alone, streamed): (Vec<_>, Vec<_>) = steady.partition(|line| self.alone.contains(&line.run));
        if streamed.is_empty() { (alone.clone(), alone) } else { (streamed, alone) }
    }

    fn stage(&self, index: u64, starts: &[&ProcessLog]) -> Option<MeasuredStage> {
        let last = starts.last()?;
        let Role::Stage { node_id, .. } = &last.role else { return None };
        let (counted, alone) = self.counted(starts);
        let means = |lines: &[&Inference], of: fn(&Inference) -> Option<f64>| {
            mean(&lines.iter().filter_map(|line| of(line)).collect::<Vec<_>>())
        };
        let compute = |line: &Inference| line.compute_s;
        let peak = starts.iter().filter_map(|log| log.peak_bytes).max();
        Some(MeasuredStage {
            index,
            node_id: node_id.clone(),
            counted: counted.len() as u64,
            compute_s: means(&counted, compute),
            received_bytes: means(&counted, |line| line.received.map(|frame| frame.bytes as f64)),
            sent_bytes: means(&counted, |line| line.sent_bytes.map(|bytes| bytes as f64)),
            pace_s: last.pace_s,
            memory: peak.map(|peak_bytes| MeasuredMemory { peak_bytes }),
            alone: means(&alone, compute).map(|compute_s| AloneStage { counted: alone.len() as u64, compute_s }),
        })
    }

    fn hop(&self, to: String, receivers: &[&ProcessLog]) -> Option<MeasuredHop> {
        let last = receivers.last()?;
        let awaits_all = last.overlap.as_deref() != Some("full");
        let transfers = |lines: Vec<&Inference>| {
            let frames = lines.into_iter().filter_map(|line| line.received);
            let awaited: Vec<Received> =
                frames.filter(|frame| awaits_all || frame.blocked_s <= MOST_BLOCKED * frame.seconds).collect();
            Transfers::of(&awaited)
        };
        let (counted, alone) = self.counted(receivers);
        let alone = Some(transfers(alone)).filter(|alone| alone.measured > 0);
        Some(MeasuredHop::new(last.receives_from.clone()?, to, transfers(counted), alone))
    }
}

impl Transfers {
    fn of(frames: &[Received]) -> Self {
        let seconds: f64 = frames.iter().map(|frame| frame.seconds).sum();
        let bytes: f64 = frames.iter().map(|frame| frame.bytes as f64).sum();
        let count = frames.len() as f64;
        let some = |figure: f64| (count > 0.0).then_some(figure);
        Self {
            measured: frames.len() as u64,
            bytes: some(bytes / count),
            transfer_s: some(seconds / count),
            goodput_bps: some(8.0 * bytes / seconds).filter(|bps| bps.is_finite()),
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
