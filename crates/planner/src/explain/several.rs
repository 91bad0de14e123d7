//! The slack of several pipelines at their rates, and what binds each.

use std::collections::{BTreeMap, BTreeSet};

use super::slack::{Paced, Slack, node_loads, slack_of, transfers};
use crate::domain::explanation::{MediumSlack, MemoryWarning, PipelineSlack};
use crate::domain::options::Overlap;
use crate::domain::placement::{MediumUse, Pipeline, PlacementDocument, Stage};
use crate::domain::request::PlanRequest;
use crate::routes::Routes;

/// Rounding of the linear program of the rates: rates that are this much below a limit, relatively, are at it.
const AT_LIMIT: f64 = 1e-9;

/// The slack of the pipelines of a document.
#[derive(Debug, Default)]
pub(super) struct SeveralSlack {
    pub pipelines: Vec<PipelineSlack>,
    /// Seconds of each period of all pipelines together.
    pub media: Vec<MediumSlack>,
    pub warnings: Vec<MemoryWarning>,
}

/// Reads the slack of a document of several pipelines. It is empty if the document has no placement.
pub(super) fn slack(request: &PlanRequest, document: &PlacementDocument) -> SeveralSlack {
    let Some(period_s) = document.period_s else { return SeveralSlack::default() };
    // Seconds from one pass of a pipeline to its next.
    let every_s = |it: &Pipeline| it.rate_per_s.map_or(it.period_s, |rate| 1.0 / rate);
    let busy = busy_parts(request, document);
    let routes = Routes::new(&request.cluster);
    let mut all = SeveralSlack::default();
    for (index, pipeline) in document.pipelines.iter().enumerate() {
        let every_s = every_s(pipeline);
        // Each medium is busy for the same part of any time.
        let scaled = |it: &MediumUse| MediumUse {
            id: it.id.clone(),
            occupied_s: if period_s > 0.0 { at_limit(it.occupied_s / period_s) * every_s } else { it.occupied_s },
        };
        let used = media_ids(&routes, request, &pipeline.stages);
        let media: Vec<MediumUse> = document.media.iter().filter(|it| used.contains(&it.id)).map(scaled).collect();
        let own = node_loads(&pipeline.stages, &transfers(&pipeline.stages));
        let elsewhere = busy.iter().map(|(node, part)| {
            let own_s = own.get(node).copied().unwrap_or(0.0);
            (node.clone(), (at_limit(*part) * every_s - own_s).max(0.0))
        });
        let paced = Paced {
            stages: &pipeline.stages,
            every_s: at_period(every_s, pipeline.period_s),
            bottleneck: &pipeline.bottleneck,
            media: &media,
            elsewhere_s: &elsewhere.collect(),
        };
        let Slack { stages, transfers, binding, warnings, .. } = slack_of(request, paced);
        all.warnings.extend(
            warnings.into_iter().map(|warning| MemoryWarning { pipeline_index: Some(index as u64), ..warning }),
        );
        let (period_s, rate_per_s) = (pipeline.period_s, pipeline.rate_per_s);
        all.pipelines.push(PipelineSlack { period_s, rate_per_s, stages, transfers, binding });
    }
    all.media = document
        .media
        .iter()
        .map(|it| MediumSlack {
            id: it.id.clone(),
            occupied_s: it.occupied_s,
            slack_s: (period_s - it.occupied_s).max(0.0),
        })
        .collect();
    all
}

/// Returns the media that the transfers of stages occupy.
fn media_ids(routes: &Routes<'_>, request: &PlanRequest, stages: &[Stage]) -> BTreeSet<String> {
    let place = |id: &String| request.cluster.node_index(id);
    let ends = transfers(stages).into_iter().filter_map(|it| place(&it.from_node_id).zip(place(&it.to_node_id)));
    let occupied = ends.filter_map(|(from, to)| routes.occupied(from, to)).flat_map(|(_, occupied)| occupied);
    occupied.map(|(medium, _)| routes.media.id(medium)).collect()
}

/// With overlap `none`: returns the part of the time for which each node works for all pipelines together. With `full` it is
/// empty.
fn busy_parts(request: &PlanRequest, document: &PlacementDocument) -> BTreeMap<String, f64> {
    let mut busy: BTreeMap<String, f64> = BTreeMap::new();
    if request.options.cost_model.overlap == Overlap::None {
        for (pipeline, rate) in document.pipelines.iter().filter_map(|it| Some((it, it.rate_per_s?))) {
            for (node, seconds) in node_loads(&pipeline.stages, &transfers(&pipeline.stages)) {
                *busy.entry(node).or_default() += seconds * rate;
            }
        }
    }
    busy
}

/// Returns a part of the time, or all of it if only rounding is missing.
fn at_limit(part: f64) -> f64 {
    if (1.0 - part).abs() <= AT_LIMIT { 1.0 } else { part }
}

/// Returns the time between two passes, or the period if only rounding is between the two.
fn at_period(every_s: f64, period_s: f64) -> f64 {
    if (every_s - period_s).abs() <= AT_LIMIT * period_s { period_s } else { every_s }
}
