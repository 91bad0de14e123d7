//! Why a placement cannot be exported.

use crate::options::Format;

/// Why a placement cannot be exported. Each message names the thing and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The placement document cannot be read.
    #[error("this is not a placement document: {0}")]
    Placement(String),
    /// The document has no stages.
    #[error(
        "the placement has no stages. Give what `cutpoint plan --output json` prints, or a placement of the service; one with the \
         status infeasible or unknown cannot be exported"
    )]
    NoStages,
    /// `stages.json` cannot be read.
    #[error("this is not a stages.json of cutpoint cut: {0}")]
    Stages(String),
    /// `stages.json` was cut for another placement.
    #[error("{0}. Cut the model for this placement, and export with the stages.json of that cut")]
    OtherPlacement(String),
    /// An orchestrator needs an image.
    #[error(
        "{0} starts containers, and no image is given. Give the image of the runner, such as registry.local/cutpoint-runner:1, as \
         image"
    )]
    NoImage(Format),
    /// The token is nowhere.
    #[error(
        "stages.json has no token, and no other is given. Give the token of the pipeline, of at least 16 characters"
    )]
    NoToken,
    /// The token is too short, or not in one line.
    #[error("the token must have at least 16 characters and no control characters or spaces at its ends")]
    BadToken,
    /// A name that the target does not take.
    #[error(
        "the {what} {name:?} cannot be used: it has 1 to {longest} small letters, digits and -, begins with a letter and does not end \
         with -"
    )]
    Name {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// The most characters.
        longest: usize,
    },
    /// An image that no container runtime takes.
    #[error("the image {0:?} cannot be used: it must not be empty, nor hold spaces or control characters")]
    Image(String),
    /// It is not known where nodes can be reached.
    #[error("it is not known where {} can be reached. Give an address, host:port, for each, or a cluster whose nodes have addresses", listed(.0))]
    NoAddress(Vec<String>),
    /// Two processes would listen at one address.
    #[error(
        "two processes would listen at {0}. Give each node an address of its own, and ports that are further apart"
    )]
    SameAddress(String),
    /// There are more processes on a node than ports.
    #[error("the ports from {0} on do not suffice for all processes of a node. Give a smaller port")]
    Ports(u16),
    /// Where the files of stages come from does not suit the target.
    #[error("{0}")]
    StageFiles(&'static str),
    /// A node is named that the placement does not use.
    #[error("the placement does not use a node {0:?}. Give the id of one of its nodes")]
    UnknownNode(String),
    /// A file could not be written in its format.
    #[error("a defect of cutpoint, please report it: {0}")]
    Written(String),
}

fn listed(nodes: &[String]) -> String {
    nodes.iter().map(|node| format!("{node:?}")).collect::<Vec<_>>().join(", ")
}
