//! The nodes of which a request does not say how fast they compute.

use std::collections::BTreeMap;

use super::cluster::{ClusterInventory, Node};
use super::fault::FaultCode;
use super::model::ModelProfile;
use super::near::NearSpellings;
use super::options::{ComputeModel, PlanOptions, UnknownCompute};
use super::read::{MAX_FAULTS, Owner, Reader, Step};

/// How much of a node's compute is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The time of each layer that works.
    All,
    /// That of some.
    Some,
    /// That of none.
    Nothing,
}

/// The layers that have a time on each device class.
struct Timed<'a> {
    model: &'a ModelProfile,
    /// The layers that work, by their places in the model.
    working: Vec<usize>,
    /// For each device class, the number of these layers that have a time on it.
    by_class: BTreeMap<&'a str, usize>,
}

/// Where the document that was sent has its cluster, for the pointers of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterSource {
    /// The document contains the cluster under `cluster`.
    Inline,
    /// The document names the cluster by `cluster_id`.
    ById,
}

/// Returns the nodes that may host stages but are refused because it is not known how fast they
/// compute, by their places in the inventory. If anything is known of one of them, all must be
/// known.
pub fn refused_nodes(model: &ModelProfile, cluster: &ClusterInventory, options: &PlanOptions) -> Vec<usize> {
    let cost_model = &options.cost_model;
    if cost_model.compute == ComputeModel::Ignore || cost_model.unknown_compute == UnknownCompute::Free {
        return Vec::new();
    }
    Timed::new(model).refused(cluster, options)
}

/// Records a fault for each refused node.
pub(super) fn check(
    reader: &mut Reader,
    model: &ModelProfile,
    (source, cluster): (ClusterSource, &ClusterInventory),
    options: &PlanOptions,
) {
    let refused = refused_nodes(model, cluster, options);
    if refused.is_empty() {
        return;
    }
    let timed = Timed::new(model);
    let mut near = NearSpellings::new(timed.by_class.keys().copied());
    for index in refused.into_iter().take(MAX_FAULTS) {
        let node = &cluster.nodes[index];
        let below: Vec<Step> = match (source, &node.device_class) {
            (ClusterSource::ById, _) => vec!["cluster_id".into()],
            (ClusterSource::Inline, None) => vec!["cluster".into(), "nodes".into(), index.into()],
            (ClusterSource::Inline, Some(_)) => {
                vec!["cluster".into(), "nodes".into(), index.into(), "device_class".into()]
            }
        };
        let (detail, action) = timed.words(node, &mut near);
        reader.owned_by(Some(Owner::Node(node.id.clone())), |reader| {
            reader.fault_at(&below, FaultCode::UnknownCompute, detail, action);
        });
    }
}

impl<'a> Timed<'a> {
    fn new(model: &'a ModelProfile) -> Self {
        let working: Vec<usize> = (0..model.layers.len()).filter(|&layer| model.works(layer)).collect();
        Self { model, working, by_class: model.timed_layers() }
    }

    fn refused(&self, cluster: &ClusterInventory, options: &PlanOptions) -> Vec<usize> {
        let eligible = cluster.nodes.iter().enumerate().filter(|(_, node)| options.constraints.admit(node));
        let known: Vec<(usize, Known)> = eligible.map(|(index, node)| (index, self.known(node))).collect();
        if known.iter().all(|&(_, known)| known == Known::Nothing) {
            return Vec::new();
        }
        known.into_iter().filter(|&(_, known)| known != Known::All).map(|(index, _)| index).collect()
    }

    fn known(&self, node: &Node) -> Known {
        if node.flops_per_s.is_some() {
            return Known::All;
        }
        let times = node.device_class.as_deref().and_then(|class| self.by_class.get(class)).copied().unwrap_or(0);
        match times {
            times if times == self.working.len() => Known::All,
            0 => Known::Nothing,
            _ => Known::Some,
        }
    }

    /// Returns the detail and the action of the fault of a refused node.
    fn words(&self, node: &Node, near: &mut NearSpellings<'_>) -> (String, String) {
        let free = "or set cost_model.unknown_compute to \"free\", which counts what is not known as zero";
        let id = &node.id;
        let Some(class) = &node.device_class else {
            let detail =
                format!("node {id:?} has neither flops_per_s nor device_class, and other nodes compute in time");
            return (detail, format!("Give flops_per_s, or a device_class that the profile times, {free}"));
        };
        let (timed, all) = (self.by_class.get(class.as_str()).copied().unwrap_or(0), self.working.len());
        let lacking = if timed == 0 { "any".to_owned() } else { (all - timed).to_string() };
        let detail = format!(
            "node {id:?} has no flops_per_s, and its class {class:?} no time_s for {lacking} of the {all} layers that work: \
             {}",
            self.lacking_text(class, all - timed)
        );
        let spellings: Vec<String> =
            near.of(class).into_iter().filter(|&name| name != class).map(|name| format!("{name:?}")).collect();
        let action = match (spellings.as_slice(), self.by_class.contains_key(class.as_str())) {
            ([], false) => format!("Give flops_per_s, or a device_class that the profile times, {free}"),
            (_, false) => {
                format!("Correct the class (the profile times {}), give flops_per_s, {free}", spellings.join(", "))
            }
            (_, true) => format!("Give flops_per_s, or the missing time_s, {free}"),
        };
        (detail, action)
    }

    /// Names the first of `count` layers without a time on a class, and says how many more there are.
    fn lacking_text(&self, class: &str, count: usize) -> String {
        const MOST_NAMED: usize = 3;
        let lacking = self.working.iter().filter(|&&layer| self.model.picoseconds(layer, class).is_none());
        let named: Vec<String> =
            lacking.take(MOST_NAMED).map(|&layer| format!("{:?}", self.model.layers[layer].id)).collect();
        match count - named.len() {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}
