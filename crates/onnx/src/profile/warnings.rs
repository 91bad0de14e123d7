//! What a person should know of a profile.

use serde::Serialize;

use super::build::Builder;
use crate::flow::{Origin, Source};
use crate::limits::{FIRST_OPSET, LAST_OPSET};
use crate::model::Model;

/// The most names that a warning lists.
const MOST_NAMED: usize = 100;

/// What a person should know of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The kind of warning, in snake case.
    pub code: &'static str,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub action: &'static str,
    /// How many tensors, operators or dimensions it is about.
    pub count: usize,
    /// Their names, at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
}

impl Builder<'_> {
    /// Returns what a person should know of the profile.
    pub(super) fn warnings(&self, model: &Model) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut about = |code, detail: &str, action, names: Vec<&str>| {
            if !names.is_empty() {
                let (detail, count) = (detail.to_owned(), names.len());
                let about = names.into_iter().take(MOST_NAMED).map(str::to_owned).collect();
                warnings.push(Warning { code, detail, action, count, about });
            }
        };
        let unread = |wanted: fn(&Origin) -> bool| -> Vec<&str> {
            let tensors = self.flow.tensors.iter().zip(&self.live.tensors);
            let unread = tensors.filter(|(tensor, live)| !**live && wanted(&tensor.origin));
            unread.map(|(tensor, _)| tensor.name.as_str()).collect()
        };
        about(
            "inputs_left_out",
            "no output depends on these inputs, and they are left out",
            "Nothing, if the model does not need them",
            unread(|origin| *origin == Origin::Input),
        );
        about(
            "initializers_left_out",
            "no output depends on these initializers, and they are left out",
            "Nothing, if the model does not need them",
            unread(|origin| matches!(origin, Origin::Constant { is_node: false, .. })),
        );
        let operators = self.flow.operators.iter().zip(&self.live.operators);
        about(
            "operators_left_out",
            "no output depends on these operators, and they are left out",
            "Nothing, if the model does not need them",
            operators.filter(|(_, live)| !**live).map(|(operator, _)| operator.node.as_str()).collect(),
        );
        let guessed = self.tensors.iter().filter(|tensor| tensor.source == Source::Guessed);
        about(
            "largest_size_taken",
            "data decides the size of these tensors, and the largest possible one was taken",
            "Set their shapes as those of inputs, if you know better",
            guessed.map(|tensor| &*tensor.layer_id).collect(),
        );
        let unruled = self.kinds.keys().filter(|(_, has_rule)| !has_rule);
        about(
            "elements_counted",
            "there is no rule for the operations of these kinds, and each element counts as one",
            "Give measured times, if these operators take long",
            unruled.map(|(kind, _)| &**kind).collect(),
        );
        let defaults = self.flow.dimensions.iter().filter(|dimension| dimension.source == Source::Default);
        about(
            "dimensions_defaulted",
            "nothing says these dimensions, and they were set to 1",
            "Set them, if a pass takes more",
            defaults.map(|dimension| dimension.name.as_str()).collect(),
        );
        about(
            "shapes_differ",
            "shapes in the file differ from those computed, which were taken",
            "Check the dimensions that you set, or export the model again",
            self.flow.contradictions.iter().map(String::as_str).collect(),
        );
        about(
            "branch_taken",
            "these conditions are constant, and one branch is always taken",
            "Nothing, if the model is to run with these values",
            self.flow.branches.iter().map(|branch| branch.node.as_str()).collect(),
        );
        warnings.extend(of_version(model));
        warnings
    }
}

/// Returns what to say of a set of operators that is older or newer than those whose rules were
/// compared with runtimes.
fn of_version(model: &Model) -> Option<Warning> {
    let version = *model.opsets.get("")?;
    let is_known = (FIRST_OPSET..=LAST_OPSET).contains(&version);
    let detail =
        format!("operators of version {version} are read by the rules of versions {FIRST_OPSET} to {LAST_OPSET}");
    let action = "Compare the sizes with those of a runtime, or export the model with a known version";
    (!is_known).then(|| Warning { code: "version_unknown", detail, action, count: 0, about: Vec::new() })
}
