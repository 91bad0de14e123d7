//! Writes the placement document of a packing.

use std::collections::BTreeMap;

use super::packings::{Packing, Planned};
use crate::cost::{Costs, costs, medium_loads};
use crate::document::{
    self, bottleneck, byte_gap, cuts, loose, max_period_s, nothing_to_save, stages, unknown_compute, without_placement,
};
use crate::domain::migration::Migration;
use crate::domain::placement::{MediumUse, Pipeline, PlacementDocument, Status, Termination};
use crate::domain::request::PlanRequest;
use crate::instance::Instance;
use crate::migration::migration;
use crate::occupants::{self, Running};
use crate::routes::{Media, Medium};

/// What is claimed about a packing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Claim {
    /// No packing has a larger sum of rates, in passes per second; infinite if nothing is proven. `None` if nodes are counted.
    pub most_per_s: Option<f64>,
    /// No packing that reaches the target has fewer nodes. `None` if rates are summed.
    pub fewest_nodes: Option<u64>,
    /// With a base: what is claimed about the bytes shipped.
    pub replanning: Option<Replanning>,
    /// The reason why the search ended.
    pub termination: Termination,
}

/// What is claimed about the bytes that a packing ships.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Replanning {
    /// The smallest period of all pipelines together that was found, in seconds.
    pub least_period_s: f64,
    /// No packing within the allowed period ships fewer bytes.
    pub fewest_bytes: u64,
}

impl Claim {
    /// Returns (objective − bound) / objective.
    pub fn gap(&self, packing: &Packing) -> f64 {
        match (self.most_per_s, self.fewest_nodes) {
            (Some(most), _) if most > packing.rate_per_s => 1.0 - packing.rate_per_s / most,
            (None, Some(fewest)) => (packing.nodes() as f64 - fewest as f64) / packing.nodes() as f64,
            _ => 0.0,
        }
    }
}

/// Returns the document of a packing.
pub(super) fn with_packing(
    request: &PlanRequest,
    seed: u64,
    instance: &Instance,
    packing: &Packing,
    claim: Claim,
) -> PlacementDocument {
    let per_s = Some(packing.rate_per_s).filter(|rate| rate.is_finite());
    let period_s = per_s.map_or(0.0, |per_s| 1.0 / per_s);
    let inferences_per_s = per_s.map(|per_s| per_s * request.model.batch_size as f64);
    let lower_bound_s = claim.most_per_s.map(|most| if most == packing.rate_per_s { period_s } else { 1.0 / most });
    let migration = migrated(request, instance, packing, &claim, lower_bound_s);
    let (is_optimal, gap) = match &migration {
        Some(migration) => {
            let is_least = migration.least_period_s == lower_bound_s;
            (is_least && nothing_to_save(migration), byte_gap(migration))
        }
        None => (claim.gap(packing) == 0.0, claim.gap(packing)),
    };
    let pipelines: Vec<Pipeline> = packing.pipelines.iter().map(|it| pipeline(request, instance, it)).collect();
    let compute = packing.pipelines.iter().flat_map(|it| unknown_compute(request, instance, &it.assignment));
    let termination = if is_optimal { Termination::Optimal } else { claim.termination };
    let nothing = document::Claim { bound: 0.0, termination };
    PlacementDocument {
        status: if is_optimal { Status::Optimal } else { Status::Feasible },
        period_s: Some(period_s),
        throughput_per_s: per_s,
        throughput_upper_bound_per_s: claim.most_per_s.filter(|most| most.is_finite()),
        inferences_per_s: inferences_per_s.filter(|rate| rate.is_finite()),
        latency_s: pipelines.iter().map(|pipeline| pipeline.latency_s).reduce(f64::max),
        lower_bound_s,
        lower_bound_nodes: claim.fewest_nodes,
        gap: Some(gap),
        cuts: Some(cuts(instance)),
        media: media(request, instance, packing),
        migration,
        occupants: occupants::effects(request, instance, &running(packing)),
        warnings: loose(request).into_iter().chain(compute).collect(),
        pipelines,
        ..without_placement(request, seed, nothing, Vec::new())
    }
}

/// Returns what all pipelines ship together and the bounds of it, or `None` without a base.
fn migrated(
    request: &PlanRequest,
    instance: &Instance,
    packing: &Packing,
    claim: &Claim,
    lower_bound_s: Option<f64>,
) -> Option<Migration> {
    let Replanning { least_period_s, fewest_bytes } = claim.replanning?;
    let migration = migration(request, instance, packing.pipelines.iter().map(|it| &it.assignment))?;
    Some(Migration {
        lower_bound_bytes: Some(fewest_bytes),
        least_period_s: Some(least_period_s),
        max_period_s: Some(max_period_s(request, least_period_s, lower_bound_s.unwrap_or(0.0))),
        ..migration
    })
}

fn pipeline(request: &PlanRequest, instance: &Instance, planned: &Planned) -> Pipeline {
    let assignment = &planned.assignment;
    let Costs { period_s, latency_s } = costs(instance, assignment);
    Pipeline {
        period_s,
        rate_per_s: Some(planned.rate_per_s).filter(|rate| rate.is_finite()),
        latency_s,
        bottleneck: bottleneck(request, instance, assignment, period_s),
        stages: stages(request, instance, assignment),
    }
}

/// Returns the pipelines with the seconds from one pass to the next.
fn running(packing: &Packing) -> Vec<Running<'_>> {
    let pipelines = packing.pipelines.iter();
    pipelines.map(|it| Running { assignment: &it.assignment, every_s: 1.0 / it.rate_per_s }).collect()
}

/// The media that two or more transfers use, with the seconds that these take in a period of all pipelines together, the
/// most occupied first.
fn media(request: &PlanRequest, instance: &Instance, packing: &Packing) -> Vec<MediumUse> {
    let mut used: BTreeMap<Medium, (usize, f64)> = BTreeMap::new();
    for planned in &packing.pipelines {
        // The part of all passes that this pipeline takes.
        let part = if packing.rate_per_s.is_finite() { planned.rate_per_s / packing.rate_per_s } else { 1.0 };
        for load in medium_loads(instance, &planned.assignment) {
            let (transfers, occupied_s) = used.entry(load.medium).or_default();
            *transfers += load.transfers;
            *occupied_s += load.seconds * part;
        }
    }
    let media = Media::new(&request.cluster);
    let shared = used.into_iter().filter(|&(_, (transfers, _))| transfers > 1);
    let mut uses: Vec<MediumUse> =
        shared.map(|(medium, (_, occupied_s))| MediumUse { id: media.id(medium), occupied_s }).collect();
    uses.sort_by(|a, b| b.occupied_s.total_cmp(&a.occupied_s).then_with(|| a.id.cmp(&b.id)));
    uses
}
