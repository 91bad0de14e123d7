//! Layers without an edge, and constants that no layer reads. Both are found from the edges as the
//! profile lists them.

use std::collections::BTreeSet;

use super::graph::Graph;
use crate::domain::model::ModelProfile;
use crate::domain::placement::{Warning, WarningCode};
use crate::domain::unit::counted;

/// Returns the warnings about such layers.
pub(super) fn warnings(model: &ModelProfile, graph: &Graph<'_>) -> Vec<Warning> {
    unconnected(model).into_iter().chain(unread(model, graph)).collect()
}

fn unconnected(model: &ModelProfile) -> Option<Warning> {
    let touched: BTreeSet<&str> = model.edges.iter().flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]).collect();
    let alone: Vec<&str> =
        model.layers.iter().map(|layer| layer.id.as_str()).filter(|id| !touched.contains(id)).collect();
    let first = alone.first().filter(|_| model.layers.len() > 1)?;
    let detail = if touched.is_empty() {
        format!("none of the {} layers of the model has an edge: each makes an output of the model", model.layers.len())
    } else {
        format!(
            "{} without an edge, {first:?} the first, of {} in all",
            counted(alone.len(), "layer"),
            model.layers.len()
        )
    };
    Some(Warning { code: WarningCode::LayersUnconnected, detail })
}

fn unread(model: &ModelProfile, graph: &Graph<'_>) -> Option<Warning> {
    let unread: Vec<usize> = graph.outputs().into_iter().filter(|&place| graph.is_constant(place)).collect();
    let first = &model.layers[*unread.first()?].id;
    let count = counted(unread.len(), "constant layer");
    let detail = format!("{count} that no layer reads, {first:?} the first: they are outputs that no input changes");
    Some(Warning { code: WarningCode::ConstantsUnread, detail })
}
