//! Why a model is refused: the cause, and what to do.

use std::io;

/// Why a file did not become a profile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source failed.
    #[error("the model could not be read: {0}")]
    Read(#[source] io::Error),
    /// The bytes are no ONNX model.
    #[error("this is no ONNX model: {detail}. Give the .onnx file that an exporter wrote")]
    NotOnnx {
        /// What is wrong.
        detail: String,
    },
    /// The file is damaged.
    #[error("the model is damaged at byte {position}: {detail}. Copy or export it again")]
    Malformed {
        /// Where reading stopped.
        position: u64,
        /// What is wrong.
        detail: String,
    },
    /// The model is larger than what is read.
    #[error("the model has more than {most} {what}. Simplify it, or export it without what it does not need")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        most: u64,
    },
    /// A tensor of the file contradicts itself.
    #[error("the tensor {tensor:?} is invalid: {detail}. Export the model again")]
    InvalidTensor {
        /// Its name; empty for that of an attribute.
        tensor: String,
        /// What is wrong.
        detail: String,
    },
    /// The data of a tensor is in another file, which may not be read.
    #[error(
        "the tensor {tensor:?} has its data in another file, {file:?}, which is not part of what was given. \
         Give the model as one file, or profile it from its folder"
    )]
    ExternalDataRefused {
        /// The tensor.
        tensor: String,
        /// The other file.
        file: String,
    },
    /// The data of a tensor is in another file, which is not usable.
    #[error(
        "the data of the tensor {tensor:?} in {file:?}: {detail}. Put the file that the exporter wrote beside the model"
    )]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// The other file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// An option names what the model does not have, or contradicts it.
    #[error("{option}: {detail}. {action}")]
    Option {
        /// The option as it was given.
        option: String,
        /// What is wrong.
        detail: String,
        /// What to do.
        action: String,
    },
    /// Dimensions of inputs are not known.
    #[error("{}", unset(inputs))]
    UnsetDimensions {
        /// The inputs with unknown dimensions.
        inputs: Vec<UnsetInput>,
    },
    /// The size of a tensor is not known.
    #[error(
        "the size of the tensor {tensor:?}, which {operator} of the node {node:?} makes, is not known: {reason}. {action}"
    )]
    Unsized {
        /// The tensor.
        tensor: String,
        /// The kind of operator that makes it.
        operator: String,
        /// The node that makes it.
        node: String,
        /// Why its size is not known.
        reason: String,
        /// What to set.
        action: String,
    },
    /// What a node reads does not fit together.
    #[error(
        "the node {node:?} ({operator}) does not fit what it reads: {detail}. Check the dimensions that you set, or export the model again"
    )]
    Misfit {
        /// The node.
        node: String,
        /// Its kind.
        operator: String,
        /// What does not fit.
        detail: String,
    },
    /// The model has something that no profile can hold.
    #[error("the node {node:?} ({operator}) is not supported: {reason}. {action}")]
    Unsupported {
        /// The node.
        node: String,
        /// Its kind.
        operator: String,
        /// Why.
        reason: String,
        /// What to do.
        action: String,
    },
    /// The graph contradicts itself.
    #[error("the graph is invalid: {detail}. Export the model again, or check it with onnx.checker")]
    Graph {
        /// What is wrong.
        detail: String,
    },
}

/// An input with dimensions that are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsetInput {
    /// Its name.
    pub name: String,
    /// Its dimensions as the file has them; `?` where it says nothing.
    pub dimensions: Vec<String>,
    /// The names of dimensions that are not set.
    pub symbols: Vec<String>,
}

fn unset(inputs: &[UnsetInput]) -> String {
    let mut parts = Vec::new();
    for input in inputs {
        let shape = input.dimensions.join(" x ");
        let whole: Vec<&str> = input
            .dimensions
            .iter()
            .map(|dimension| if dimension.parse::<u64>().is_ok() { dimension.as_str() } else { "N" })
            .collect();
        let whole = format!("give the whole shape as {}={}", input.name, whole.join("x"));
        let action = match input.symbols.as_slice() {
            [] => whole,
            symbols => {
                let each: Vec<String> = symbols.iter().map(|symbol| format!("{symbol}=N")).collect();
                format!("set {}, or {whole}", each.join(" and "))
            }
        };
        parts.push(format!("the input {:?} is {shape}: {action}", input.name));
    }
    format!("not all dimensions of the inputs are known. {}", parts.join("; "))
}
