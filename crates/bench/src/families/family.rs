//! The families of instances: the properties of each, and its usual numbers of nodes.

use clap::ValueEnum;
use cutpoint_planner::domain::options::{ComputeModel, CostModel, CutPolicy, MemoryModel, Overlap};

/// A family of instances. The comments of the variants are the texts of `--help` and of the
/// summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Family {
    /// The paper's radio square and costs; all nodes have the same memory, between the model's
    /// largest block and the whole model.
    Paper,
    /// As paper, with log-normal shadowing of 6 dB on each pair of nodes.
    Shadowing,
    /// The paper's square and costs; memory 1 to 1.5 times the least with which all nodes together
    /// hold the model.
    Tight,
    /// Three types of nodes by memory (1 to 1.8 times the least) and speed; compute counts, cuts
    /// anywhere.
    Types,
    /// Each node has its own memory and speed and each pair its own latency, with the whole cost
    /// model.
    Differing,
    /// Few pairs of nodes are linked: each node with about six others; memory 1.3 to 3 times the
    /// least.
    Sparse,
    /// The two directions of a pair are drawn separately, one in five is missing, and memory
    /// differs.
    Asymmetric,
    /// The source and the sink are given nodes; compute counts, cuts anywhere.
    Pinned,
    /// The whole cost model with cuts anywhere: compute, activations and buffers count.
    WholeCosts,
    /// As paper, but each node does one thing at a time (overlap none).
    OneAtATime,
    /// As tight, but each node does one thing at a time (overlap none).
    OneAtATimeTight,
    /// NASNetLarge with cuts anywhere, over 1,000 positions; every other instance with the whole
    /// cost model.
    NasnetLarge,
    /// EfficientNetV2L with cuts anywhere, over 1,000 positions; every other instance with the
    /// whole cost model.
    #[value(name = "efficientnet-v2l")]
    EfficientnetV2L,
}

/// The most nodes of families with listed links: requests with more would be too large.
const MOST_NODES_WITH_LISTED_LINKS: u32 = 1_000;

impl Family {
    /// Returns its name, as in `--family`.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Returns its description.
    pub(super) fn description(self) -> String {
        self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    /// Returns the default numbers of nodes.
    pub(crate) fn usual_nodes(self) -> &'static [u32] {
        match self {
            Self::Paper => &[5, 10, 20, 50, 500, 2_000],
            Self::Tight | Self::Types | Self::OneAtATime => &[20, 50],
            Self::OneAtATimeTight => &[20],
            Self::WholeCosts => &[50, 500],
            _ => &[50],
        }
    }

    /// Returns the most nodes that can be asked for.
    pub(crate) fn most_nodes(self) -> u32 {
        match self {
            Self::Shadowing | Self::Types | Self::Differing | Self::Sparse | Self::Asymmetric => {
                MOST_NODES_WITH_LISTED_LINKS
            }
            _ => 10_000,
        }
    }

    /// Returns the name of its only model, or `None` if models are drawn.
    pub(super) fn own_model(self) -> Option<&'static str> {
        match self {
            Self::NasnetLarge => Some("NASNetLarge"),
            Self::EfficientnetV2L => Some("EfficientNetV2L"),
            _ => None,
        }
    }

    /// Returns the cost model of its instance with this number.
    pub(super) fn cost_model(self, number: usize) -> CostModel {
        let whole = CostModel::default();
        let any = CostModel { memory: MemoryModel::Params, ..whole };
        let free_compute = CostModel { compute: ComputeModel::Ignore, ..any };
        match self {
            Self::WholeCosts | Self::Differing => whole,
            Self::NasnetLarge | Self::EfficientnetV2L if number.is_multiple_of(2) => whole,
            Self::NasnetLarge | Self::EfficientnetV2L => free_compute,
            Self::Types | Self::Pinned => any,
            Self::Paper | Self::Shadowing | Self::Tight | Self::Sparse | Self::Asymmetric => {
                CostModel { cuts: CutPolicy::SingleTensor, ..free_compute }
            }
            Self::OneAtATime | Self::OneAtATimeTight => {
                let (cuts, overlap) = (CutPolicy::SingleTensor, Overlap::None);
                CostModel { cuts, overlap, io_buffers: 0, ..free_compute }
            }
        }
    }
}
