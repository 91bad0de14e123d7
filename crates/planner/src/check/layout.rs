//! Finds the layers and nodes of proposed stages, and checks that the stages partition the model:
//! each stage is the difference of two sets in a chain of downward-closed sets of layers that ends
//! with the whole model.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Graph;
use super::{StageProposal, Violation, ViolationCode};
use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::model::ModelProfile;

/// A proposed stage with its node and layers looked up.
pub(super) struct Laid<'a> {
    /// The node, or `None` if the cluster has none of that id.
    pub(super) node: Option<&'a Node>,
    /// The places of its layers that are known and not constant, in ascending order.
    pub(super) known: Vec<usize>,
    /// Whether the model has all of its layers, and at least one of them is not constant.
    is_whole: bool,
}

impl<'a> Laid<'a> {
    /// Returns the node and the layers of the stage, or `None` if one of them is unknown or all
    /// layers are constants.
    pub(super) fn whole(&self) -> Option<(&'a Node, &[usize])> {
        Some((self.node?, &self.known[..])).filter(|_| self.is_whole)
    }
}

/// Finds each stage's node and layers, and records violations.
pub(super) fn lay<'a>(
    model: &ModelProfile,
    cluster: &'a ClusterInventory,
    graph: &Graph<'_>,
    proposals: &[StageProposal],
    violations: &mut Vec<Violation>,
) -> Vec<Laid<'a>> {
    if proposals.is_empty() {
        violations.push(Violation::new(ViolationCode::NoStage, "there is no stage"));
        return Vec::new();
    }
    let nodes: BTreeMap<&str, &Node> = cluster.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut cover = Cover { model, graph, stage_of: vec![None; model.layers.len()] };
    let mut host_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut laid = Vec::with_capacity(proposals.len());
    for (stage, proposal) in proposals.iter().enumerate() {
        let node = nodes.get(proposal.node_id.as_str()).copied();
        if node.is_none() {
            let detail = format!("stage {stage}: no node of the cluster has the id {:?}", proposal.node_id);
            violations.push(Violation::new(ViolationCode::UnknownNode, detail).at(stage).node(&proposal.node_id));
        }
        match host_of.get(proposal.node_id.as_str()) {
            Some(first) => {
                let detail = format!("stage {stage} runs on {:?}, which runs stage {first} already", proposal.node_id);
                violations.push(Violation::new(ViolationCode::NodeUsedTwice, detail).at(stage).node(&proposal.node_id));
            }
            None => {
                host_of.insert(&proposal.node_id, stage);
            }
        }
        let (known, is_whole) = cover.take(stage, &proposal.layer_ids, violations);
        laid.push(Laid { node, known, is_whole });
    }
    cover.report_order(laid.len(), violations);
    cover.report_missing(violations);
    laid
}

/// The stages of the layers seen so far.
struct Cover<'a> {
    model: &'a ModelProfile,
    graph: &'a Graph<'a>,
    /// The first stage of each layer.
    stage_of: Vec<Option<usize>>,
}

impl Cover<'_> {
    /// Adds a stage's layers. Returns the places of those that are known and not constant, and
    /// whether all are known and at least one is not constant.
    fn take(&mut self, stage: usize, layer_ids: &[String], violations: &mut Vec<Violation>) -> (Vec<usize>, bool) {
        let (mut unknown, mut twice, mut places) = (Vec::new(), Vec::new(), BTreeSet::new());
        for id in layer_ids {
            let Some(place) = self.graph.place(id) else {
                unknown.push(id.clone());
                continue;
            };
            if self.graph.is_constant(place) {
                continue;
            }
            places.insert(place);
            if self.stage_of[place].is_some() {
                twice.push(id.clone());
            } else {
                self.stage_of[place] = Some(stage);
            }
        }
        if unknown.is_empty() && places.is_empty() {
            let but = if layer_ids.is_empty() { "" } else { " but constants, of which every stage may have a copy" };
            let detail = format!("stage {stage} has no layer{but}");
            let violation = Violation::new(ViolationCode::EmptyStage, detail).at(stage);
            violations.push(violation.layers(layer_ids.iter().cloned()));
        }
        let is_whole = unknown.is_empty() && !places.is_empty();
        if !unknown.is_empty() {
            let detail = format!("stage {stage} names {} that the model does not have", layers_text(&unknown));
            violations.push(Violation::new(ViolationCode::UnknownLayer, detail).at(stage).layers(unknown));
        }
        if !twice.is_empty() {
            let detail = format!("stage {stage} names {} that are in a stage already", layers_text(&twice));
            violations.push(Violation::new(ViolationCode::LayerTwice, detail).at(stage).layers(twice));
        }
        (places.into_iter().collect(), is_whole)
    }

    /// Reports each layer that reads the tensor of a later stage.
    fn report_order(&self, stages: usize, violations: &mut Vec<Violation>) {
        let mut early: Vec<Vec<(usize, usize)>> = vec![Vec::new(); stages];
        for (place, stage) in self.stage_of.iter().enumerate().filter_map(|(place, stage)| Some((place, (*stage)?))) {
            let later = |maker: &&usize| self.stage_of[**maker].is_some_and(|made_in| made_in > stage);
            if let Some(&maker) = self.graph.makers(place).iter().find(later) {
                early[stage].push((place, maker));
            }
        }
        for (stage, early) in early.iter().enumerate() {
            let Some(&(place, maker)) = early.first() else { continue };
            let id = |place: usize| &self.model.layers[place].id;
            let made_in = self.stage_of[maker].unwrap_or(stage);
            let more =
                if early.len() > 1 { format!(" (and {} more such layers)", early.len() - 1) } else { String::new() };
            let detail = format!(
                "stage {stage} has {:?}, which reads {:?} of the later stage {made_in}{more}",
                id(place),
                id(maker)
            );
            let violation = Violation::new(ViolationCode::LayersOutOfOrder, detail).at(stage);
            violations.push(violation.layers(early.iter().map(|&(place, _)| id(place).clone())));
        }
    }

    fn report_missing(&self, violations: &mut Vec<Violation>) {
        let is_missing = |place: &usize| self.stage_of[*place].is_none() && !self.graph.is_constant(*place);
        let missing = (0..self.stage_of.len()).filter(is_missing);
        let missing: Vec<String> = missing.map(|place| self.model.layers[place].id.clone()).collect();
        if !missing.is_empty() {
            let detail = format!("no stage has {}", layers_text(&missing));
            violations.push(Violation::new(ViolationCode::LayerMissing, detail).layers(missing));
        }
    }
}

fn layers_text(ids: &[String]) -> String {
    match ids {
        [id] => format!("the layer {id:?}"),
        [first, ..] => format!("{} layers, {first:?} first", ids.len()),
        [] => "no layer".to_owned(),
    }
}
