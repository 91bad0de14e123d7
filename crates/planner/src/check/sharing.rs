//! What several pipelines take of what they have in common: media, and with overlap `none` nodes.

use std::collections::BTreeMap;

use super::Evaluated;
use super::linear::{Program, Solution};
use super::pace::busy_nodes;
use super::route::Medium;
use crate::domain::explanation::Worth;
use crate::domain::options::{Overlap, Transfers};
use crate::domain::placement::MediumUse;
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

/// Returns the linear program of the rates, in parts of each pipeline's own pace, and the resources of its rows.
fn program<'a>(uses: &Uses<'a>, periods_s: &[f64]) -> (Program, Vec<Resource<'a>>) {
    let row = |users: &Vec<Use>| {
        let mut row = vec![0.0; periods_s.len()];
        users.iter().for_each(|it| row[it.pipeline] = it.seconds / periods_s[it.pipeline]);
        row
    };
    let rows = uses.iter().map(|(resource, users)| (*resource, row(users)));
    // A row that the own paces of all do not fill limits nothing.
    let full = rows.filter(|(_, row)| row.iter().sum::<f64>() > 1.0);
    let (resources, rows) = full.unzip();
    (Program { gains: periods_s.iter().map(|period_s| 1.0 / period_s).collect(), rows }, resources)
}

/// Returns a sum of rates per second that no rates of pipelines with these periods exceed. It is the largest possible sum
/// up to rounding. All periods are above 0.
pub(super) fn most_per_s(uses: &Uses<'_>, periods_s: &[f64]) -> f64 {
    program(uses, periods_s).0.proven_most()
}

/// Returns the rates per second with the largest sum, and what limits it. All periods are above 0.
pub(super) fn best_rates(uses: &Uses<'_>, periods_s: &[f64]) -> (Vec<f64>, Vec<Worth>) {
    let (program, resources) = program(uses, periods_s);
    let Solution { parts, prices } = program.solution();
    let worth = resources.into_iter().zip(prices).filter(|&(_, price)| price > 0.0);
    let worth = worth.map(|(resource, worth_per_s)| match resource {
        Resource::Medium(medium) => Worth { medium_id: Some(medium.id()), node_id: None, worth_per_s },
        Resource::Node(node) => Worth { medium_id: None, node_id: Some(node.to_owned()), worth_per_s },
    });
    (parts.iter().zip(&program.gains).map(|(part, gain)| part * gain).collect(), worth.collect())
}

/// Returns the media that two or more transfers use, each with the seconds that it is occupied in a period of all pipelines
/// together, the most occupied first.
pub(super) fn media(uses: &Uses<'_>, rates: &[f64]) -> Vec<MediumUse> {
    let sum: f64 = rates.iter().sum();
    // The part of all passes that each pipeline makes.
    let part = |pipeline: usize| if sum.is_finite() { rates[pipeline] / sum } else { 1.0 };
    let shared = uses.iter().filter_map(|(resource, users)| match resource {
        Resource::Medium(medium) if users.iter().map(|it| it.transfers).sum::<usize>() > 1 => Some((medium, users)),
        _ => None,
    });
    let occupied = shared.map(|(medium, users)| MediumUse {
        id: medium.id(),
        occupied_s: users.iter().map(|it| it.seconds * part(it.pipeline)).sum(),
    });
    let mut media: Vec<MediumUse> = occupied.collect();
    media.sort_by(|a, b| b.occupied_s.total_cmp(&a.occupied_s).then_with(|| a.id.cmp(&b.id)));
    media
}
