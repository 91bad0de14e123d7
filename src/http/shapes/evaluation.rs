//! What evaluations look like in JSON: those of one pipeline, and of several.

use cutpoint_planner::check::{self, EvaluatedPipeline, PipelinesEvaluation};
use cutpoint_planner::domain::explanation::Worth;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::joined::{Component, joined};

/// What a proposed placement costs, and everything that is wrong with it.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    #[serde(flatten)]
    whole: check::Evaluation,
    #[serde(flatten)]
    several: SeveralEvaluated,
}

/// What an evaluation of several pipelines adds.
#[derive(Debug, Serialize, ToSchema)]
struct SeveralEvaluated {
    /// Of `proposed_pipelines`: each, at the rates with the largest sum. `stages` is then empty, and `bottleneck` absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pipelines: Vec<EvaluatedPipeline>,
    /// Of `proposed_pipelines`: the media and nodes that several of them use for all of the time, with what more of each is
    /// worth.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    worth: Vec<Worth>,
}

impl From<check::Evaluation> for Evaluation {
    fn from(whole: check::Evaluation) -> Self {
        Self { whole, several: SeveralEvaluated { pipelines: Vec::new(), worth: Vec::new() } }
    }
}

impl From<PipelinesEvaluation> for Evaluation {
    fn from(several: PipelinesEvaluation) -> Self {
        let PipelinesEvaluation { pipelines, worth, .. } = several;
        let whole = check::Evaluation {
            period_s: several.period_s,
            throughput_per_s: several.throughput_per_s,
            inferences_per_s: several.inferences_per_s,
            latency_s: several.latency_s,
            stages: Vec::new(),
            bottleneck: None,
            media: several.media,
            migration: None,
            occupants: several.occupants,
            warnings: several.warnings,
            violations: several.violations,
        };
        Self { whole, several: SeveralEvaluated { pipelines, worth } }
    }
}

impl PartialSchema for Evaluation {
    fn schema() -> RefOr<Schema> {
        joined(
            "What a proposed placement costs, and everything that is wrong with it.",
            [check::Evaluation::schema(), SeveralEvaluated::schema()],
        )
    }
}

impl ToSchema for Evaluation {
    fn schemas(components: &mut Vec<Component>) {
        check::Evaluation::schemas(components);
        SeveralEvaluated::schemas(components);
    }
}
