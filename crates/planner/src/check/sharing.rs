//! What several pipelines take of what they have in common: media, and with overlap `none` nodes.

use std::collections::BTreeMap;

use super::Evaluated;
use super::linear::Program;
use super::pace::busy_nodes;
use super::route::Medium;
use crate::domain::options::{Overlap, Transfers};
use crate::domain::request::PlanRequest;

/// What one transfer or stage at a time uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource<'a> {
    Medium(Medium<'a>),
    Node(&'a str),
}

/// What a pipeline takes of a resource.
pub(super) struct Use {
    /// The pipeline, from 0.
    pub(super) pipeline: usize,
    /// Seconds of one pass.
    pub(super) seconds: f64,
    /// How many of its transfers use it.
    pub(super) transfers: usize,
}

/// For each resource its uses, at most one of each pipeline.
pub(super) type Uses<'a> = BTreeMap<Resource<'a>, Vec<Use>>;

/// Returns what each pipeline takes of each resource that counts.
pub(super) fn uses<'a>(request: &'a PlanRequest, pipelines: &'a [Evaluated<'a>]) -> Uses<'a> {
    let all_are_summed = request.options.cost_model.transfers == Transfers::Streamed;
    let mut uses: Uses<'a> = BTreeMap::new();
    for (pipeline, evaluated) in pipelines.iter().enumerate() {
        let occupations = evaluated.traffic.carried.iter().flat_map(|carried| &carried.occupations);
        for occupation in occupations.filter(|it| all_are_summed || it.medium.is_named()) {
            let users = uses.entry(Resource::Medium(occupation.medium)).or_default();
            match users.last_mut().filter(|last| last.pipeline == pipeline) {
                Some(last) => {
                    last.seconds += occupation.shared_s;
                    last.transfers += 1;
                }
                None => users.push(Use { pipeline, seconds: occupation.shared_s, transfers: 1 }),
            }
        }
        if request.options.cost_model.overlap == Overlap::None {
            for (node, seconds) in busy_nodes(request, &evaluated.evaluation.stages) {
                uses.entry(Resource::Node(node)).or_default().push(Use { pipeline, seconds, transfers: 0 });
            }
        }
    }
    uses
}

/// Returns a sum of rates per second that no rates of pipelines with these periods exceed. It is the largest possible sum
/// up to rounding. All periods are above 0.
pub(super) fn most_per_s(uses: &Uses<'_>, periods_s: &[f64]) -> f64 {
    let row = |users: &Vec<Use>| {
        let mut row = vec![0.0; periods_s.len()];
        users.iter().for_each(|it| row[it.pipeline] = it.seconds / periods_s[it.pipeline]);
        row
    };
    // A row that the own paces of all do not fill limits nothing.
    let rows: Vec<Vec<f64>> = uses.values().map(row).filter(|row| row.iter().sum::<f64>() > 1.0).collect();
    Program { gains: periods_s.iter().map(|period_s| 1.0 / period_s).collect(), rows }.proven_most()
}
