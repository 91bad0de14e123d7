//! Placements that somebody made by hand: stages that the checker accepts, as a document with what is known of the bound.

use crate::check::{Violation, check, evaluate, evaluate_pipelines};
use crate::domain::migration::Migration;
use crate::domain::occupant::OccupantEffect;
use crate::domain::options::Objective;
use crate::domain::placement::{MediumUse, Pipeline, PlacementDocument, Status, Termination, Warning};
use crate::domain::proposal::StageProposal;
use crate::domain::request::PlanRequest;

/// What is proven of every placement of a request.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct KnownBound {
    /// No placement has a smaller objective, seconds.
    pub lower_bound_s: Option<f64>,
    /// No placement needs fewer nodes.
    pub lower_bound_nodes: Option<u64>,
}

impl KnownBound {
    /// Returns what the document of a search proves of every other placement of its request.
    pub fn of(document: &PlacementDocument) -> Self {
        Self { lower_bound_s: document.lower_bound_s, lower_bound_nodes: document.lower_bound_nodes }
    }
}

/// What the checker computed of the proposed pipelines, of one or of several.
struct Figures {
    pipelines: Vec<Pipeline>,
    period_s: Option<f64>,
    throughput_per_s: Option<f64>,
    inferences_per_s: Option<f64>,
    latency_s: Option<f64>,
    media: Vec<MediumUse>,
    migration: Option<Migration>,
    occupants: Vec<OccupantEffect>,
    warnings: Vec<Warning>,
}

/// Returns the document of proposed pipelines. Its bound is the known one; where none is known it is the trivial one, 0 seconds
/// or 1 node.
///
/// # Errors
/// Every violation, if the checker does not accept the pipelines or a claim about them.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::domain::proposal::StageProposal;
/// use cutpoint_planner::domain::request::PlanRequest;
/// use cutpoint_planner::{KnownBound, by_hand};
/// use serde_json::json;
///
/// let request = PlanRequest::from_json(&json!({
///     "model": {"name": "one", "layers": [{"id": "conv", "param_bytes": 1, "output_bytes": 1, "flops": 20_000_000}], "edges": []},
///     "cluster": {"name": "shelf", "nodes": [{"id": "pi", "memory_bytes": 1_000_000, "flops_per_s": 1e9}]}
/// }))
/// .expect("the request is valid");
///
/// let stages = vec![StageProposal { node_id: "pi".to_owned(), layer_ids: vec!["conv".to_owned()] }];
/// let known = KnownBound { lower_bound_s: Some(0.01), lower_bound_nodes: None };
/// let document = by_hand(&request, &[stages], known).expect("it keeps to every rule");
/// assert_eq!((document.period_s, document.gap), (Some(0.02), Some(0.5)));
///
/// assert!(by_hand(&request, &[vec![]], known).is_err(), "the layer is nowhere");
/// ```
pub fn by_hand(
    request: &PlanRequest,
    pipelines: &[Vec<StageProposal>],
    known: KnownBound,
) -> Result<PlacementDocument, Vec<Violation>> {
    let figures = match pipelines {
        [stages] if !request.options.wants_several() => of_one(request, stages)?,
        _ => of_several(request, pipelines)?,
    };
    let document = written(request, figures, known);
    let violations = check(request, &document);
    if violations.is_empty() { Ok(document) } else { Err(violations) }
}

fn of_one(request: &PlanRequest, stages: &[StageProposal]) -> Result<Figures, Vec<Violation>> {
    let evaluated = evaluate(request, stages);
    let timed = evaluated.period_s.zip(evaluated.latency_s).zip(evaluated.bottleneck);
    let (true, Some(((period_s, latency_s), bottleneck))) = (evaluated.violations.is_empty(), timed) else {
        return Err(evaluated.violations);
    };
    let rate_per_s = evaluated.throughput_per_s;
    Ok(Figures {
        pipelines: vec![Pipeline { period_s, rate_per_s, latency_s, bottleneck, stages: evaluated.stages }],
        period_s: evaluated.period_s,
        throughput_per_s: evaluated.throughput_per_s,
        inferences_per_s: evaluated.inferences_per_s,
        latency_s: evaluated.latency_s,
        media: evaluated.media,
        migration: evaluated.migration,
        occupants: evaluated.occupants,
        warnings: evaluated.warnings,
    })
}

fn of_several(request: &PlanRequest, pipelines: &[Vec<StageProposal>]) -> Result<Figures, Vec<Violation>> {
    let evaluated = evaluate_pipelines(request, pipelines);
    let mut whole = Vec::with_capacity(pipelines.len());
    for pipeline in evaluated.pipelines {
        let timed = pipeline.period_s.zip(pipeline.latency_s).zip(pipeline.bottleneck);
        let Some(((period_s, latency_s), bottleneck)) = timed else { continue };
        let rate_per_s = pipeline.rate_per_s;
        whole.push(Pipeline { period_s, rate_per_s, latency_s, bottleneck, stages: pipeline.stages });
    }
    if !evaluated.violations.is_empty() || whole.len() < pipelines.len() {
        return Err(evaluated.violations);
    }
    // The fastest stands first, as in the documents of a search.
    whole.sort_by(|a, b| b.rate_per_s.unwrap_or(f64::INFINITY).total_cmp(&a.rate_per_s.unwrap_or(f64::INFINITY)));
    Ok(Figures {
        pipelines: whole,
        period_s: evaluated.period_s,
        throughput_per_s: evaluated.throughput_per_s,
        inferences_per_s: evaluated.inferences_per_s,
        latency_s: evaluated.latency_s,
        media: evaluated.media,
        migration: evaluated.migration,
        occupants: evaluated.occupants,
        warnings: evaluated.warnings,
    })
}

fn written(request: &PlanRequest, figures: Figures, known: KnownBound) -> PlacementDocument {
    let options = &request.options;
    let counts_nodes = matches!(options.objective, Objective::MinNodes { .. });
    let nodes: usize = figures.pipelines.iter().map(|pipeline| pipeline.stages.len()).sum();
    let lower_bound_s = (!counts_nodes).then(|| known.lower_bound_s.unwrap_or(0.0));
    let lower_bound_nodes = counts_nodes.then(|| known.lower_bound_nodes.unwrap_or(1));
    let (objective, bound) = match options.objective {
        Objective::MinNodes { .. } => (nodes as f64, lower_bound_nodes.unwrap_or(1) as f64),
        Objective::MinLatency => (figures.latency_s.unwrap_or(0.0), lower_bound_s.unwrap_or(0.0)),
        Objective::MaxThroughput | Objective::Tradeoff => {
            (figures.period_s.unwrap_or(0.0), lower_bound_s.unwrap_or(0.0))
        }
    };
    let migration = figures.migration.map(|migration| with_claims(request, migration, figures.period_s, bound));
    let gap = match &migration {
        // With a base the gap is that of the bytes, of which nothing is known.
        Some(migration) => f64::from(u8::from(migration.shipped_bytes > 0)),
        None if objective > 0.0 => (objective - bound) / objective,
        None => 0.0,
    };
    let several = options.wants_several();
    let most_per_s = lower_bound_s.filter(|bound| several && *bound > 0.0).map(|bound| 1.0 / bound);
    PlacementDocument {
        status: Status::Feasible,
        termination: Termination::ByHand,
        algorithm: options.solver.algorithm,
        seed: options.solver.seed,
        period_s: figures.period_s,
        throughput_per_s: figures.throughput_per_s,
        throughput_upper_bound_per_s: most_per_s,
        inferences_per_s: figures.inferences_per_s,
        latency_s: figures.latency_s,
        latency_is_least: options.wants_least_period().then_some(false),
        least_period_s: figures.period_s.filter(|_| options.wants_least_period()),
        fastest: None,
        lower_bound_s,
        lower_bound_nodes,
        gap: Some(gap),
        cuts: None,
        pipelines: figures.pipelines,
        media: figures.media,
        front: Vec::new(),
        migration,
        occupants: figures.occupants,
        warnings: figures.warnings,
        reasons: Vec::new(),
        solve_s: 0.0,
        solver_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Adds to a migration what a document claims of it: nothing is known of the fewest bytes.
fn with_claims(request: &PlanRequest, migration: Migration, period_s: Option<f64>, bound_s: f64) -> Migration {
    let least_period_s = period_s.unwrap_or(0.0);
    let allowed_s = request.options.max_period_ratio.unwrap_or(1.0) * bound_s;
    Migration {
        lower_bound_bytes: Some(0),
        least_period_s: Some(least_period_s),
        max_period_s: Some(least_period_s.max(allowed_s)),
        ..migration
    }
}
