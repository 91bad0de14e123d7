//! The options of a request beside its model and cluster: objective, constraints, cost model and
//! solver options.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::base::BasePlacement;
pub use super::constraints::{Colocation, Constraints, Pin};
use super::fault::FaultCode;
pub use super::objective::Objective;
use super::occupant::{Occupant, read_occupants};
pub use super::pipelines::PipelineOptions;
use super::pipelines::check_pipelines;
use super::read::Reader;

/// What a stage needs of its node's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MemoryModel {
    /// Parameters and state only, the paper's simplest reading.
    Params,
    /// Also the largest activation and the copies of the boundaries.
    #[default]
    ParamsAndActivations,
}

/// Where a model may be cut. A cut is a set of layers that contains all inputs of the model and, with each layer, every layer
/// whose tensor that one reads (a downward-closed set). Constant layers are in no cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CutPolicy {
    /// Every cut; all crossing tensors travel. What is best does not depend on the order in which the profile lists its layers.
    #[default]
    Any,
    /// Cuts that are the first so many layers of the profile's topological order.
    InOrder,
    /// Cuts that exactly one tensor crosses, the paper's candidate partition points.
    SingleTensor,
}

/// Whether a node sends, receives and computes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// All three at once: the period is the largest single stage time or hop.
    #[default]
    Full,
    /// One at a time: the period is the largest sum of a node.
    None,
}

/// Whether compute counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ComputeModel {
    /// As the profile and the nodes say.
    #[default]
    Profile,
    /// As zero, as in the paper.
    Ignore,
}

/// What happens to a node of which it is not known how fast it computes, if something is known of
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownCompute {
    /// It is a fault of the request: a misspelt device class would make the node infinitely fast.
    #[default]
    Refuse,
    /// What is not known counts as zero, with a warning.
    Free,
}

/// Whether a transfer's latency occupies what carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Transfers {
    /// No: latency delays what arrives, while the next transfer is on its way.
    #[default]
    Streamed,
    /// Yes: each transfer waits for an answer, so that its time with its latencies bounds the period. Media that nobody named
    /// are not summed.
    Acknowledged,
}

/// How memory, transfers and compute are counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct CostModel {
    /// What a stage needs of its node's memory.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub memory: MemoryModel,
    /// Extra copies of a stage's incoming and outgoing boundary in its memory: by default 1 with full overlap, else 0.
    #[cfg_attr(feature = "schema", schema(required = false, maximum = 64))]
    pub io_buffers: u64,
    /// Where the model may be cut.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub cuts: CutPolicy,
    /// Whether a node sends, receives and computes at once.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub overlap: Overlap,
    /// Whether compute counts.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub compute: ComputeModel,
    /// What happens to a node of which it is not known how fast it computes.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub unknown_compute: UnknownCompute,
    /// Bytes on the wire for each byte of a tensor: below 1 for compression or a smaller number format.
    #[cfg_attr(feature = "schema", schema(required = false, minimum = 1e-100, maximum = 1e100))]
    pub transfer_scale: f64,
    /// Bytes that a stage takes for each byte that it needs by the profile, for runtimes that take
    /// more. It is read to the nearest millionth, and a part of a byte counts as a whole byte.
    #[cfg_attr(feature = "schema", schema(required = false, minimum = 1e-6, maximum = 1e6))]
    pub memory_scale: f64,
    /// Bytes that each stage takes in addition, such as those of the runtime's process.
    #[cfg_attr(feature = "schema", schema(required = false, maximum = 9007199254740991_i64))]
    pub memory_overhead_bytes: u64,
    /// Whether a transfer's latency occupies what carries it.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub transfers: Transfers,
}

/// The algorithms that ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Quick heuristics for a first answer, then the best there is until proof or time limit.
    #[default]
    Auto,
    /// Proves the optimum or returns the best placement with a bound.
    Exact,
    /// The paper's: min-sum partition, then k-path matching by transfer-size classes.
    Kpath,
    /// The paper's greedy baseline: the same partition, best nearest-neighbour walk.
    Greedy,
    /// The paper's random baseline, made to respect memory.
    Random,
}

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct SolverOptions {
    /// The algorithm.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub algorithm: Algorithm,
    /// Seconds until the best so far is the answer.
    #[cfg_attr(feature = "schema", schema(required = false, exclusive_minimum = 0, maximum = 86400))]
    pub time_limit_s: f64,
    /// The relative gap at which a placement is good enough.
    #[cfg_attr(feature = "schema", schema(required = false, minimum = 0, exclusive_maximum = 1))]
    pub gap: f64,
    /// The seed of everything random: the same request and seed give the same placement.
    #[cfg_attr(feature = "schema", schema(required = false, maximum = 9007199254740991_i64))]
    pub seed: u64,
    /// With `max_throughput`, without a base, by `auto` or `exact`: the relative part by which the period may exceed the
    /// least one for the sake of a smaller latency.
    #[cfg_attr(feature = "schema", schema(required = false, minimum = 0, exclusive_maximum = 1))]
    pub tolerance: f64,
}

impl Algorithm {
    /// Returns `true` if the algorithm searches for the best placement and is not one of the
    /// published baselines.
    pub fn searches(self) -> bool {
        matches!(self, Self::Auto | Self::Exact)
    }
}

impl Default for CostModel {
    fn default() -> Self {
        Self {
            memory: MemoryModel::default(),
            io_buffers: 1,
            cuts: CutPolicy::default(),
            overlap: Overlap::default(),
            compute: ComputeModel::default(),
            unknown_compute: UnknownCompute::default(),
            transfer_scale: 1.0,
            memory_scale: 1.0,
            memory_overhead_bytes: 0,
            transfers: Transfers::default(),
        }
    }
}

impl Default for SolverOptions {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), time_limit_s: 10.0, gap: 0.0, seed: 0, tolerance: 0.01 }
    }
}

impl CostModel {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 10] = [
        "memory",
        "io_buffers",
        "cuts",
        "overlap",
        "compute",
        "unknown_compute",
        "transfer_scale",
        "memory_scale",
        "memory_overhead_bytes",
        "transfers",
    ];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let memory_models =
            [("params", MemoryModel::Params), ("params_and_activations", MemoryModel::ParamsAndActivations)];
        let cut_policies =
            [("any", CutPolicy::Any), ("in_order", CutPolicy::InOrder), ("single_tensor", CutPolicy::SingleTensor)];
        let overlaps = [("full", Overlap::Full), ("none", Overlap::None)];
        let compute_models = [("profile", ComputeModel::Profile), ("ignore", ComputeModel::Ignore)];
        let unknown_compute = [("refuse", UnknownCompute::Refuse), ("free", UnknownCompute::Free)];
        let transfers = [("streamed", Transfers::Streamed), ("acknowledged", Transfers::Acknowledged)];
        let overlap =
            reader.optional(map, "overlap", |reader, value| reader.one_of(value, &overlaps)).unwrap_or_default();
        let io_buffers = reader.optional(map, "io_buffers", |reader, value| reader.integer(value, 0, 64));
        let by_overlap = if overlap == Overlap::Full { 1 } else { 0 };
        Some(Self {
            memory: reader
                .optional(map, "memory", |reader, value| reader.one_of(value, &memory_models))
                .unwrap_or_default(),
            io_buffers: io_buffers.unwrap_or(by_overlap),
            cuts: reader.optional(map, "cuts", |reader, value| reader.one_of(value, &cut_policies)).unwrap_or_default(),
            overlap,
            compute: reader
                .optional(map, "compute", |reader, value| reader.one_of(value, &compute_models))
                .unwrap_or_default(),
            unknown_compute: reader
                .optional(map, "unknown_compute", |reader, value| reader.one_of(value, &unknown_compute))
                .unwrap_or_default(),
            transfer_scale: reader.optional(map, "transfer_scale", Reader::positive).unwrap_or(1.0),
            memory_scale: reader
                .optional(map, "memory_scale", |reader, value| {
                    reader.number(value, "from 0.000001 to 1000000", |scale| (1e-6..=1e6).contains(&scale))
                })
                .unwrap_or(1.0),
            memory_overhead_bytes: reader.optional(map, "memory_overhead_bytes", Reader::size).unwrap_or(0),
            transfers: reader
                .optional(map, "transfers", |reader, value| reader.one_of(value, &transfers))
                .unwrap_or_default(),
        })
    }
}

impl SolverOptions {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 5] = ["algorithm", "time_limit_s", "gap", "seed", "tolerance"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let algorithms = [
            ("auto", Algorithm::Auto),
            ("exact", Algorithm::Exact),
            ("kpath", Algorithm::Kpath),
            ("greedy", Algorithm::Greedy),
            ("random", Algorithm::Random),
        ];
        let default = Self::default();
        let time_limit_s = reader.optional(map, "time_limit_s", |reader, value| {
            reader.number(value, "above 0 and at most 86400 (a day)", |seconds| seconds > 0.0 && seconds <= 86_400.0)
        });
        let part = |reader: &mut Reader, value: &Value| {
            reader.number(value, "of 0 or more and below 1", |part| (0.0..1.0).contains(&part))
        };
        let gap = reader.optional(map, "gap", part);
        let tolerance = reader.optional(map, "tolerance", part);
        Some(Self {
            algorithm: reader
                .optional(map, "algorithm", |reader, value| reader.one_of(value, &algorithms))
                .unwrap_or_default(),
            time_limit_s: time_limit_s.unwrap_or(default.time_limit_s),
            gap: gap.unwrap_or(default.gap),
            seed: reader.optional(map, "seed", Reader::size).unwrap_or(default.seed),
            tolerance: tolerance.unwrap_or(default.tolerance),
        })
    }
}

/// The objective, the constraints, the cost model, the solver options, and what runs already.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct PlanOptions {
    /// The objective.
    pub objective: Objective,
    /// The constraints that a placement must keep.
    pub constraints: Constraints,
    /// How memory, transfers and compute are counted.
    pub cost_model: CostModel,
    /// How long and how precisely to search.
    pub solver: SolverOptions,
    /// The base: the placement that runs already, from which as few bytes as possible are to be
    /// shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BasePlacement>,
    /// The largest allowed ratio of the period of a placement that ships less to the least period.
    /// It is 1 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_period_ratio: Option<f64>,
    /// Placements of other models on the same cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub occupants: Vec<Occupant>,
    /// How many pipelines the answer may have. It has one if this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipelines: Option<PipelineOptions>,
}

impl PlanOptions {
    /// The field names within a request.
    pub const FIELDS: [&'static str; 8] =
        ["objective", "constraints", "cost_model", "solver", "base", "max_period_ratio", "occupants", "pipelines"];

    /// Returns `true` if the least period is the goal and nothing else comes before a small latency: the objective is
    /// `max_throughput`, there is no base, and the answer is one pipeline.
    pub fn wants_least_period(&self) -> bool {
        self.objective == Objective::MaxThroughput && self.base.is_none() && !self.wants_several()
    }

    /// Returns `true` if the answer may have several pipelines.
    pub fn wants_several(&self) -> bool {
        self.most_pipelines() > 1
    }

    /// Returns the most pipelines that the answer may have: 1 if the request does not ask for several, and `u64::MAX` if
    /// as many as help are wanted.
    pub fn most_pipelines(&self) -> u64 {
        self.pipelines.map_or(1, |pipelines| pipelines.most.unwrap_or(u64::MAX))
    }

    /// Returns the tolerance of the period that applies. It is 0 where the request's own is not used.
    pub fn period_tolerance(&self) -> f64 {
        if self.wants_least_period() && self.solver.algorithm.searches() { self.solver.tolerance } else { 0.0 }
    }

    /// Reads all options from a request's members. A member that is absent has its default.
    pub fn read(reader: &mut Reader, map: &Map<String, Value>) -> Self {
        let objective = reader.optional(map, "objective", Objective::read);
        let constraints = reader.optional(map, "constraints", Constraints::read).unwrap_or_default();
        // An objective that could not be read has its own faults and does not count as the default.
        if objective.is_some() || !map.contains_key("objective") {
            check_largest_period(reader, objective.unwrap_or_default(), &constraints);
        }
        let options = Self {
            objective: objective.unwrap_or_default(),
            constraints,
            cost_model: reader.optional(map, "cost_model", CostModel::read).unwrap_or_default(),
            solver: reader.optional(map, "solver", SolverOptions::read).unwrap_or_default(),
            // A base that could not be read has its own faults and does not count as absent.
            base: map
                .contains_key("base")
                .then(|| reader.optional(map, "base", BasePlacement::read).unwrap_or_default()),
            max_period_ratio: reader.optional(map, "max_period_ratio", |reader, value| {
                reader.number(value, "from 1 to 1e100", |ratio| (1.0..=1e100).contains(&ratio))
            }),
            occupants: reader.optional(map, "occupants", read_occupants).unwrap_or_default(),
            pipelines: reader.optional(map, "pipelines", PipelineOptions::read),
        };
        check_pipelines(reader, &options);
        options
    }
}

/// Checks that a largest period is given only if the objective is not about the period itself.
fn check_largest_period(reader: &mut Reader, objective: Objective, constraints: &Constraints) {
    if constraints.max_period_s.is_none() || objective == Objective::MinLatency {
        return;
    }
    let action = match objective {
        Objective::MinNodes { .. } => "Remove it, or give it as the objective's target_period_s",
        _ => "Remove it, or set the objective's kind to min_latency",
    };
    let detail = "max_period_s goes with the objective min_latency alone";
    reader.fault_at(&["constraints".into(), "max_period_s".into()], FaultCode::Conflict, detail, action);
}
