//! How proposed stages lie on a model and a cluster: which layers and nodes they mean, and whether they cover the
//! model in order.

use std::collections::BTreeMap;
use std::ops::Range;

use super::walk::Walk;
use super::{StageProposal, Violation, ViolationCode};
use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::model::ModelProfile;

/// A proposed stage, found again in the model and the cluster.
pub(super) struct Laid<'a> {
    /// Its node; `None` where the cluster has none of that id.
    pub(super) node: Option<&'a Node>,
    /// Its layers by their places; `None` unless they are known and consecutive.
    pub(super) run: Option<Range<usize>>,
}

/// Finds each stage's node and layers, and records what is wrong with them.
pub(super) fn lay<'a>(
    model: &ModelProfile,
    cluster: &'a ClusterInventory,
    walk: &Walk<'_>,
    proposals: &[StageProposal],
    violations: &mut Vec<Violation>,
) -> Vec<Laid<'a>> {
    if proposals.is_empty() {
        violations.push(Violation::new(ViolationCode::NoStage, "there is no stage"));
        return Vec::new();
    }
    let nodes: BTreeMap<&str, &Node> = cluster.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut cover = Cover { stage_of: vec![None; model.layers.len()], next: 0 };
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
        laid.push(Laid { node, run: cover.run(walk, stage, &proposal.layer_ids, violations) });
    }
    cover.report_missing(model, violations);
    laid
}

/// Which layers stand in a stage so far.
struct Cover {
    stage_of: Vec<Option<usize>>,
    /// The place behind the last layer of the stages so far.
    next: usize,
}

impl Cover {
    /// Takes a stage's layers in; gives their places where they are known and consecutive.
    fn run(
        &mut self,
        walk: &Walk<'_>,
        stage: usize,
        layer_ids: &[String],
        violations: &mut Vec<Violation>,
    ) -> Option<Range<usize>> {
        if layer_ids.is_empty() {
            let detail = format!("stage {stage} has no layer");
            violations.push(Violation::new(ViolationCode::EmptyStage, detail).at(stage));
            return None;
        }
        let (mut unknown, mut twice, mut places, mut fresh) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for id in layer_ids {
            let Some(place) = walk.place(id) else {
                unknown.push(id.clone());
                continue;
            };
            places.push(place);
            if self.stage_of[place].is_some() {
                twice.push(id.clone());
            } else {
                self.stage_of[place] = Some(stage);
                fresh.push(place);
            }
        }
        if !unknown.is_empty() {
            let detail = format!("stage {stage} names {} that the model does not have", layers_text(&unknown));
            violations.push(Violation::new(ViolationCode::UnknownLayer, detail).at(stage).layers(unknown.clone()));
        }
        if !twice.is_empty() {
            let detail = format!("stage {stage} names {} that stand in a stage already", layers_text(&twice));
            violations.push(Violation::new(ViolationCode::LayerTwice, detail).at(stage).layers(twice));
        }
        // Unknown and repeated layers have their violation; the order is judged by the others.
        self.check_order(stage, layer_ids, &fresh, violations);
        self.next = fresh.last().map_or(self.next, |&last| last + 1);
        let consecutive = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
        match places.first() {
            Some(&first) if unknown.is_empty() && consecutive => Some(first..first + places.len()),
            _ => None,
        }
    }

    fn check_order(&self, stage: usize, layer_ids: &[String], fresh: &[usize], violations: &mut Vec<Violation>) {
        let Some(&first) = fresh.first() else { return };
        let detail = if fresh.windows(2).any(|pair| pair[1] != pair[0] + 1) {
            format!("the layers of stage {stage} are not consecutive in topological order")
        } else if first < self.next {
            format!("stage {stage} does not go on where the stage before it ends")
        } else {
            return;
        };
        let violation = Violation::new(ViolationCode::LayersOutOfOrder, detail).at(stage);
        violations.push(violation.layers(layer_ids.iter().cloned()));
    }

    fn report_missing(&self, model: &ModelProfile, violations: &mut Vec<Violation>) {
        let missing = model.layers.iter().zip(&self.stage_of).filter(|(_, stage)| stage.is_none());
        let missing: Vec<String> = missing.map(|(layer, _)| layer.id.clone()).collect();
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
