//! Nodes that host stages: their device classes, and what their stages are by the profile.

use std::collections::{BTreeMap, BTreeSet};

use super::CalibrationInput;
use super::layers::TimedStage;
use super::paired::PairedStage;
use super::plan::Plan;
use super::site::Site;
use crate::cursor::is_id;
use crate::fault::Faults;
use crate::timings::profile::Profile;

/// Returns the class of each node that hosts a stage. Records a fault for each node without one.
pub(super) fn classes<'a>(
    input: &CalibrationInput<'a>,
    site: Option<&'a Site>,
    plans: &'a [Plan],
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    let hosts: BTreeSet<&str> =
        plans.iter().flat_map(|plan| &plan.stages).map(|stage| stage.node_id.as_str()).collect();
    for node in input.device_classes.keys().filter(|node| !hosts.contains(node.as_str())) {
        let action = "Give classes of nodes that host a stage";
        faults.record("--device-class", "", format!("node {node:?} hosts no stage of the placement"), action);
    }
    let mut classes = BTreeMap::new();
    for host in hosts {
        if site.is_some_and(|site| !site.nodes.contains_key(host)) {
            let action = "Give the cluster that the placement was planned on";
            faults.record("cluster", "/nodes", format!("there is no node {host:?}, which hosts a stage"), action);
        }
        let of_cluster = site.and_then(|site| site.nodes.get(host)?.device_class.as_deref());
        let given = input.device_classes.get(host).map(String::as_str);
        match given.or(of_cluster).or(input.device_class) {
            Some(class) if is_id(class) => {
                classes.insert(host.to_owned(), class.to_owned());
            }
            Some(_) => {
                let action = "Name the class in 1 to 256 characters";
                faults.record("--device-class", "", format!("the class of {host:?} is empty or too long"), action);
            }
            None => {
                let action = format!("Give --device-class {host}=NAME, or one name for all nodes without a class");
                faults.record("--device-class", "", format!("node {host:?} has no device class"), action);
            }
        }
    }
    classes
}

/// Returns a stage with its layers as the profile numbers them.
pub(super) fn timed<'a>(
    stage: &PairedStage<'_>,
    profile: &Profile,
    classes: &'a BTreeMap<String, String>,
    site: Option<&Site>,
    faults: &mut Faults,
) -> Option<TimedStage<'a>> {
    let mut layers = BTreeSet::new();
    for id in &stage.plan.layer_ids {
        match profile.layer(id) {
            Some(layer) => _ = layers.insert(layer),
            None => {
                let action = "Give the profile that the placement was planned with";
                faults.record(
                    "profile",
                    "/layers",
                    format!("there is no layer {id:?}, which the placement has"),
                    action,
                );
            }
        }
    }
    let node = &stage.plan.node_id;
    let flops_per_s = site.and_then(|site| site.nodes.get(node)?.flops_per_s);
    Some(TimedStage { layers, class: classes.get(node)?, flops_per_s, compute_s: stage.compute_s })
}
