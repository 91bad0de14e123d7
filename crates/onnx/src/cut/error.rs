//! Why a model is not cut: the cause, and what to do.

use std::io;
use std::path::PathBuf;

use crate::error::Error;

/// Why a model is not cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The model has no profile.
    #[error(transparent)]
    Model(#[from] Error),
    /// The placement has other layers than the model.
    #[error(
        "the placement is not one of this model as it is read here: {0}. Give the model that was planned, with the same dimensions, shapes and values as its profile was made with"
    )]
    OtherModel(Difference),
    /// A layer is in two stages.
    #[error("the layer {layer_id:?} is in the stages {first} and {second}. Give a placement as it was planned")]
    Twice {
        /// The layer.
        layer_id: String,
        /// The index of the first stage that lists it.
        first: usize,
        /// The index of the second.
        second: usize,
    },
    /// A placement has no stages.
    #[error("the placement has no stages. Give one with the status optimal or feasible")]
    NoStages,
    /// The outputs of an operator are in several stages.
    #[error(
        "the node {node:?} would be in the stages {first} and {second}, which list its outputs. Plan again with the groups of the profile"
    )]
    Split {
        /// The node.
        node: String,
        /// The index of one stage.
        first: usize,
        /// The index of the other.
        second: usize,
    },
    /// A node reads what a later stage makes.
    #[error(
        "the node {node:?} of stage {stage} reads {tensor:?}, which stage {maker} makes later. Give a placement as it was planned"
    )]
    Backwards {
        /// The node.
        node: String,
        /// The index of its stage.
        stage: usize,
        /// The tensor.
        tensor: String,
        /// The index of the stage that makes it.
        maker: usize,
    },
    /// The size of a tensor that travels depends on data.
    #[error(
        "the tensor {tensor:?}, which the node {node:?} makes, would leave stage {stage}, and data decides its size. Keep that node and the readers of its outputs in one stage with colocate, or set the shape {tensor}=N×… that it always has"
    )]
    Unsized {
        /// The tensor.
        tensor: String,
        /// The node that makes it.
        node: String,
        /// The index of the stage.
        stage: usize,
    },
    /// A random constant would differ between its copies.
    #[error(
        "the node {node:?} ({operator}) draws random numbers, and several stages need the same ones. Keep its readers in one stage with colocate"
    )]
    Random {
        /// The node.
        node: String,
        /// Its kind.
        operator: String,
    },
    /// A node cannot be written into the file of a stage.
    #[error("the node {node:?} cannot be copied into a stage: {reason}. {action}")]
    Node {
        /// The node.
        node: String,
        /// Why.
        reason: String,
        /// What to do.
        action: &'static str,
    },
    /// The file of a stage would be larger than what runtimes read.
    #[error(
        "the file {file} would have {bytes} bytes, and runtimes read at most 2 GiB: {reason}. Convert the model with onnx.save(…, save_as_external_data=True), or cut it into more stages"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// Its bytes.
        bytes: u64,
        /// What takes them.
        reason: String,
    },
    /// A file of the model cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file of a stage would take the place of a file of the model.
    #[error("{} is a file of the model and would be overwritten. Give another output folder", path.display())]
    Overwrites {
        /// The file.
        path: PathBuf,
    },
}

/// How a placement differs from the profile of a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The layers differ.
    #[error("{}", layers_text(unknown, missing))]
    Layers {
        /// Layers of the placement that the model lacks.
        unknown: Vec<String>,
        /// Layers of the model that the placement lacks.
        missing: Vec<String>,
    },
    /// Other tensors travel.
    #[error("{}", transfer_text(*boundary, unplanned, absent))]
    Tensors {
        /// The index of the stage that receives; the number of stages for the outputs.
        boundary: usize,
        /// Tensors that must travel and are not planned.
        unplanned: Vec<String>,
        /// Tensors that are planned and that nothing needs.
        absent: Vec<String>,
    },
    /// The sizes differ.
    #[error("what travels {} takes {planned} bytes by the plan and {found} bytes by the model", place_text(*boundary))]
    Bytes {
        /// The index of the stage that receives; the number of stages for the outputs.
        boundary: usize,
        /// Bytes of the plan.
        planned: u64,
        /// Bytes of the model.
        found: u64,
    },
}

fn layers_text(unknown: &[String], missing: &[String]) -> String {
    let unknown = (!unknown.is_empty()).then(|| format!("the model lacks {}", listed(unknown)));
    let missing = (!missing.is_empty()).then(|| format!("the placement lacks {}", listed(missing)));
    unknown.into_iter().chain(missing).collect::<Vec<_>>().join(", and ")
}

fn transfer_text(boundary: usize, unplanned: &[String], absent: &[String]) -> String {
    let unplanned = (!unplanned.is_empty()).then(|| format!("it does not list {}", listed(unplanned)));
    let absent = (!absent.is_empty()).then(|| format!("it lists {}, which nothing needs", listed(absent)));
    let differences = unplanned.into_iter().chain(absent).collect::<Vec<_>>().join(", and ");
    format!("of what travels {}, {differences}", place_text(boundary))
}

fn place_text(boundary: usize) -> String {
    format!("before stage {boundary}")
}

fn listed(names: &[String]) -> String {
    const MOST_NAMED: usize = 4;
    let named: Vec<String> = names.iter().take(MOST_NAMED).map(|name| format!("{name:?}")).collect();
    let named = named.join(", ");
    match names.len() {
        1 => format!("the layer {named}"),
        count if count <= MOST_NAMED => format!("the layers {named}"),
        count => format!("{count} layers ({named}, …)"),
    }
}
