//! Whether the edges of a model touch all of its layers, read off the edges as the profile lists them.

use std::collections::BTreeSet;

use crate::domain::model::ModelProfile;
use crate::domain::placement::{Warning, WarningCode};
use crate::domain::unit::counted;

/// What to say where a model of several layers has one that no edge touches.
pub(super) fn warning(model: &ModelProfile) -> Option<Warning> {
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
