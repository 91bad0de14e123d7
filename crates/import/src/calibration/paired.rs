//! Measurements beside the plan that ran.

use std::collections::BTreeMap;

use super::measurements::{MeasuredHop, MeasuredPipeline, MeasuredStage, Measurements};
use super::plan::{Plan, PlannedStage, PlannedTransfer};
use crate::fault::Faults;

/// How faults name measurements.
pub const MEASURED: &str = "measurements";

/// The fewest inferences that a mean is taken of.
const LEAST_INFERENCES: u64 = 10;

/// A pipeline that was planned and measured.
#[derive(Debug)]
pub(super) struct Paired<'a> {
    pub(super) plan: &'a Plan,
    pub(super) measured: &'a MeasuredPipeline,
    pub(super) stages: Vec<PairedStage<'a>>,
    pub(super) transfers: Vec<PairedTransfer<'a>>,
}

/// A stage that was planned and measured.
#[derive(Debug)]
pub(super) struct PairedStage<'a> {
    pub(super) plan: &'a PlannedStage,
    pub(super) measured: &'a MeasuredStage,
    /// Mean seconds of compute.
    pub(super) compute_s: f64,
}

/// A planned transfer, and what its receiver logged.
#[derive(Debug)]
pub(super) struct PairedTransfer<'a> {
    pub(super) plan: PlannedTransfer<'a>,
    pub(super) measured: Option<&'a MeasuredHop>,
}

/// Joins measurements and plans. Records a fault for each stage that is missing on one side or differs.
pub(super) fn pair<'a>(plans: &'a [Plan], measurements: &'a Measurements, faults: &mut Faults) -> Vec<Paired<'a>> {
    let mut by_number: BTreeMap<u64, (String, &MeasuredPipeline)> = BTreeMap::new();
    for (index, measured) in measurements.pipelines.iter().enumerate() {
        let (place, number) = (format!("/pipelines/{index}"), measured.pipeline);
        if number >= plans.len() as u64 {
            let detail = format!("there is no pipeline {number} in the placement");
            faults.record(MEASURED, &*place, detail, "Give the placement that ran, or leave out logs of others");
        }
        if by_number.insert(number, (place.clone(), measured)).is_some() {
            faults.record(MEASURED, place, format!("pipeline {number} is listed twice"), "List it once");
        }
    }
    let mut paired = Vec::new();
    for (number, plan) in (0..).zip(plans) {
        match by_number.get(&number) {
            Some((place, measured)) => paired.extend(pair_one(plan, measured, place, faults)),
            None => faults.record(
                MEASURED,
                "/pipelines",
                format!("pipeline {number} was not measured"),
                "Give the logs of all of its processes",
            ),
        }
    }
    paired
}

fn pair_one<'a>(
    plan: &'a Plan,
    measured: &'a MeasuredPipeline,
    place: &str,
    faults: &mut Faults,
) -> Option<Paired<'a>> {
    let mut of_index: BTreeMap<u64, (String, &MeasuredStage)> = BTreeMap::new();
    for (at, stage) in measured.stages.iter().enumerate() {
        let (place, index) = (format!("{place}/stages/{at}"), stage.index);
        if index >= plan.stages.len() as u64 {
            let action = "Give the placement that ran: these measurements are of another one";
            faults.record(MEASURED, &*place, format!("there is no stage {index} in the placement"), action);
        }
        if of_index.insert(index, (place.clone(), stage)).is_some() {
            faults.record(MEASURED, place, format!("stage {index} is listed twice"), "List it once");
        }
    }
    let stages: Vec<PairedStage<'_>> = (0..)
        .zip(&plan.stages)
        .filter_map(|(index, stage)| match of_index.get(&index) {
            Some((place, measured)) => pair_stage(stage, measured, place, faults),
            None => {
                let detail = format!("stage {index} on node {:?} was not measured", stage.node_id);
                let action = format!("Give the log of node {}, pipeline-…-stage-{index}.jsonl", stage.node_id);
                faults.record(MEASURED, format!("{place}/stages"), detail, action);
                None
            }
        })
        .collect();
    let transfers: Vec<PairedTransfer<'_>> =
        plan.transfers().into_iter().map(|plan| pair_transfer(plan, measured, place, faults)).collect();
    (stages.len() == plan.stages.len()).then_some(Paired { plan, measured, stages, transfers })
}

fn pair_stage<'a>(
    plan: &'a PlannedStage,
    measured: &'a MeasuredStage,
    place: &str,
    faults: &mut Faults,
) -> Option<PairedStage<'a>> {
    let (index, node) = (measured.index, &plan.node_id);
    if measured.node_id != *node {
        let detail = format!("stage {index} ran on node {:?}, and the placement has it on {node:?}", measured.node_id);
        faults.record(MEASURED, format!("{place}/node_id"), detail, "Give the placement that ran");
        return None;
    }
    let Some(compute_s) = measured.compute_s.filter(|_| measured.counted >= LEAST_INFERENCES) else {
        let detail = format!("{} inferences of stage {index} count after the warm-up", measured.counted);
        let action = format!("Feed more: at least {LEAST_INFERENCES} beside those of the warm-up");
        faults.record(MEASURED, place, detail, action);
        return None;
    };
    Some(PairedStage { plan, measured, compute_s })
}

fn pair_transfer<'a>(
    plan: PlannedTransfer<'a>,
    measured: &'a MeasuredPipeline,
    place: &str,
    faults: &mut Faults,
) -> PairedTransfer<'a> {
    let Some((at, hop)) = measured.hops.iter().enumerate().find(|(_, hop)| hop.to == plan.to) else {
        return PairedTransfer { plan, measured: None };
    };
    let transfers = [Some(hop.streamed()), hop.alone].into_iter().flatten();
    let mut bytes = transfers.filter_map(|transfers| Some(transfers.bytes?.round() as u64));
    if let Some(other) = bytes.find(|&bytes| bytes != plan.bytes) {
        let detail = format!("{other} bytes travel to {}, and the placement says {}", plan.to, plan.bytes);
        let action = "Give logs of this placement: these are of another model or of other cuts";
        faults.record(MEASURED, format!("{place}/hops/{at}"), detail, action);
    }
    PairedTransfer { plan, measured: Some(hop) }
}
