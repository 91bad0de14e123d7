//! Measurements beside the plan that ran.

use std::collections::{BTreeMap, BTreeSet};

use super::measurements::{MeasuredHop, MeasuredPipeline, MeasuredStage, Measurements};
use super::plan::{PLACEMENT, Plan, PlannedStage, PlannedTransfer};
use crate::fault::Faults;

/// How faults name measurements.
const MEASURED: &str = "measurements";

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
    let mut by_number: BTreeMap<u64, &MeasuredPipeline> = BTreeMap::new();
    for measured in &measurements.pipelines {
        let number = measured.pipeline;
        if by_number.insert(number, measured).is_some() {
            faults.record(MEASURED, "", format!("pipeline {number} is listed twice"), "List it once");
        }
        if number >= plans.len() as u64 {
            let action = "Give the placement that ran, or leave out logs of others";
            faults.record(
                PLACEMENT,
                "/pipelines",
                format!("there is no pipeline {number}, which was measured"),
                action,
            );
        }
    }
    let mut paired = Vec::new();
    for (number, plan) in (0..).zip(plans) {
        match by_number.get(&number) {
            Some(measured) => paired.extend(pair_one(plan, measured, faults)),
            None => faults.record(
                MEASURED,
                "",
                format!("pipeline {number} was not measured"),
                "Give the logs of all of its processes",
            ),
        }
    }
    paired
}

fn pair_one<'a>(plan: &'a Plan, measured: &'a MeasuredPipeline, faults: &mut Faults) -> Option<Paired<'a>> {
    let mut of_index: BTreeMap<u64, &MeasuredStage> = BTreeMap::new();
    for stage in &measured.stages {
        let index = stage.index;
        if of_index.insert(index, stage).is_some() {
            faults.record(MEASURED, "", format!("stage {index} is listed twice"), "List it once");
        }
        if index >= plan.stages.len() as u64 {
            let action = "Give the placement that ran: these measurements are of another one";
            faults.record(PLACEMENT, "", format!("there is no stage {index}, which was measured"), action);
        }
    }
    let stages: Vec<PairedStage<'_>> = (0..)
        .zip(&plan.stages)
        .filter_map(|(index, stage)| pair_stage(index, stage, of_index.get(&index).copied(), faults))
        .collect();
    let transfers: Vec<PairedTransfer<'_>> =
        plan.transfers().into_iter().map(|plan| pair_transfer(plan, measured, faults)).collect();
    (stages.len() == plan.stages.len()).then_some(Paired { plan, measured, stages, transfers })
}

fn pair_stage<'a>(
    index: u64,
    plan: &'a PlannedStage,
    measured: Option<&'a MeasuredStage>,
    faults: &mut Faults,
) -> Option<PairedStage<'a>> {
    let node = &plan.node_id;
    let Some(measured) = measured else {
        let action = format!("Give the log of node {node}, pipeline-…-stage-{index}.jsonl");
        faults.record(MEASURED, "", format!("stage {index} on node {node:?} was not measured"), action);
        return None;
    };
    if measured.node_id != *node {
        let detail = format!("stage {index} ran on node {:?}, and the placement has it on {node:?}", measured.node_id);
        faults.record(MEASURED, "", detail, "Give the placement that ran");
        return None;
    }
    let Some(compute_s) = measured.compute_s.filter(|_| measured.counted >= LEAST_INFERENCES) else {
        let detail = format!("{} inferences of stage {index} count after the warm-up", measured.counted);
        let action = format!("Feed more: at least {LEAST_INFERENCES} beside those of the warm-up");
        faults.record(MEASURED, "", detail, action);
        return None;
    };
    Some(PairedStage { plan, measured, compute_s })
}

fn pair_transfer<'a>(
    plan: PlannedTransfer<'a>,
    measured: &'a MeasuredPipeline,
    faults: &mut Faults,
) -> PairedTransfer<'a> {
    let hop = measured.hops.iter().find(|hop| hop.to == plan.to);
    let bytes: BTreeSet<u64> = hop
        .into_iter()
        .flat_map(|hop| [Some(hop.transfers), hop.alone])
        .filter_map(|transfers| Some(transfers?.bytes?.round() as u64))
        .collect();
    if let Some(other) = bytes.into_iter().find(|&bytes| bytes != plan.bytes) {
        let detail = format!("{other} bytes travel to {}, and the placement says {}", plan.to, plan.bytes);
        faults.record(MEASURED, "", detail, "Give logs of this placement: these are of another model or of other cuts");
    }
    PairedTransfer { plan, measured: hop }
}
