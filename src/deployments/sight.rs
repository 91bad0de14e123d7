//! A cluster with its deployments, with all documents read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::occupant::{Occupant, read_occupants};
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::placed::Placed;
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::read::Reader;
use jiff::Timestamp;
use serde_json::Value;

use super::evaluate::{Outcome, Subject};
use super::measured::{Slow, slow};
use super::policy::{self, Figures, judge};
use crate::domain::deployment::{Applied, Condition, ConditionStatus, DeploymentReason};
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::store::deployments::fallbacks::Fallback;
use crate::store::deployments::site::{Plan, Site};
use crate::store::{ClusterSummary, Deployment, MeasurementSummary, Store, StoreError};

/// The most models and placements that are kept.
const MOST_KEPT: usize = 512;
/// The longest document that is kept, bytes.
const LONGEST_KEPT: usize = 4 << 20;

/// Models and placements that were read. Both are immutable. A model that somebody deploys is not deleted, and placements are
/// kept until any of them is deleted.
#[derive(Default)]
pub(crate) struct Kept {
    models: Mutex<BTreeMap<Id, Arc<ModelProfile>>>,
    placements: Mutex<Placements>,
}

#[derive(Default)]
struct Placements {
    /// The number of deletions of placements when they were read.
    deletions: u64,
    read: BTreeMap<Id, Arc<Placed>>,
}

/// A deployment with what it refers to.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) row: Deployment,
    pub(crate) subject: Subject,
    pub(crate) occupant: Option<Occupant>,
    pub(crate) applied: Option<Arc<Placed>>,
    pub(crate) proposed: Option<Arc<Placed>>,
    /// What was measured of placements that ran, the newest first.
    pub(crate) measured: Vec<Measured>,
    slow: OnceLock<Slow>,
}

/// Measurements of a placement.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) summary: MeasurementSummary,
    pub(crate) placed: Arc<Placed>,
}

/// A cluster with its deployments.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) cluster: ClusterSummary,
    pub(crate) inventory: Arc<ClusterInventory>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) proposals: BTreeMap<String, Vec<i64>>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) fallbacks: Vec<(Fallback, Option<Arc<Placed>>)>,
    pub(crate) changes: i64,
    occupancy: i64,
}

impl Sight {
    /// Reads what a site refers to.
    pub(crate) async fn of(store: &Store, kept: &Kept, tenant: &Tenant, site: Site) -> Result<Self, StoreError> {
        let Site { cluster, inventory, deployments, proposals, plans, fallbacks, measured, changes, occupancy } = site;
        let mut seen = Vec::with_capacity(deployments.len());
        for row in deployments {
            let mut one = Seen::of(store, kept, tenant, row).await?;
            for (_, summary) in measured.iter().filter(|(id, _)| *id == one.row.id) {
                match kept.placement(store, tenant, &summary.placement_id).await {
                    Ok(placed) => one.measured.push(Measured { summary: summary.clone(), placed }),
                    // Nothing is measured of what was deleted.
                    Err(StoreError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            seen.push(one);
        }
        let mut ahead = Vec::with_capacity(fallbacks.len());
        for fallback in fallbacks {
            let placed = match &fallback.placement_id {
                Some(id) => match kept.placement(store, tenant, id).await {
                    Ok(placed) => Some(placed),
                    // It is planned anew.
                    Err(StoreError::NotFound { .. } | StoreError::Unreadable { .. }) => None,
                    Err(error) => return Err(error),
                },
                None => None,
            };
            ahead.push((fallback, placed));
        }
        let mut of_each: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (id, at) in proposals {
            of_each.entry(id).or_default().push(at);
        }
        let inventory = Arc::new(read(cluster.id.as_str(), &inventory, ClusterInventory::from_json)?);
        Ok(Self { cluster, inventory, seen, proposals: of_each, plans, fallbacks: ahead, changes, occupancy })
    }

    /// Returns when the policy of a deployment allows its next proposal, or `None` if it allows it now.
    pub(crate) fn next_allowed(&self, row: &Deployment, now: Timestamp) -> Option<Timestamp> {
        let proposals = self.proposals.get(row.id.as_str()).map_or(&[][..], Vec::as_slice);
        let at = policy::next_allowed(&row.policy, proposals, now.as_microsecond())?;
        Some(Timestamp::from_microsecond(at).unwrap_or(Timestamp::MAX))
    }

    /// Names the state of the cluster as a deployment meets it: the same name means that another plan would find nothing else.
    pub(crate) fn stamp(&self, index: usize) -> String {
        let slow = &self.slow(index).stamp;
        let state = format!("{}.{}", self.cluster.revision, self.occupancy);
        if slow.is_empty() { state } else { format!("{state}.{slow}") }
    }

    /// Returns what was measured of a deployment.
    pub(crate) fn slow(&self, index: usize) -> &Slow {
        self.seen[index].slow.get_or_init(|| slow(self, index))
    }

    /// Returns how a placement that runs stands on an inventory, and its figures there if it is valid.
    pub(crate) fn condition(
        &self,
        index: usize,
        outcome: Outcome,
        applied: &Applied,
        now: Timestamp,
    ) -> (Condition, Option<Figures>) {
        let (seen, today) = (&self.seen[index], outcome.valid());
        let slowdown = self.slow(index).slowdowns.get(&applied.placement_id).cloned();
        let status = match judge(&seen.row.policy, seen.subject.options.objective, applied, today) {
            ConditionStatus::Healthy if slowdown.is_some() => ConditionStatus::Degraded,
            status => status,
        };
        let before = &seen.row.condition;
        let condition = Condition {
            status,
            since: if status == before.status { before.since } else { now },
            cluster_revision: Some(self.cluster.revision),
            period_s: outcome.figures.map(|figures| figures.period_s),
            latency_s: outcome.figures.map(|figures| figures.latency_s),
            violations: outcome.violations,
            slowdown,
        };
        (condition, today)
    }

    /// Returns what a deployment meets on the cluster: what runs beside it, and the work that explains what was measured.
    pub(crate) fn others(&self, index: usize) -> Vec<Occupant> {
        self.known_others(index).into_iter().chain(self.slow(index).work.iter().cloned()).collect()
    }

    /// Returns what is known to run on the cluster beside a deployment.
    pub(crate) fn known_others(&self, index: usize) -> Vec<Occupant> {
        let others = self.seen.iter().enumerate().filter(|(other, _)| *other != index);
        others.filter_map(|(_, seen)| seen.occupant.clone()).collect()
    }

    /// Returns what runs on the cluster beside what is proposed for a deployment. Deployments that were planned together do
    /// not stay where they are, so that what they run does not count.
    pub(crate) fn others_of_proposal(&self, index: usize) -> Vec<Occupant> {
        if !self.seen[index].is_planned_together() {
            return self.others(index);
        }
        let stay = self.seen.iter().enumerate().filter(|(other, seen)| *other != index && !seen.is_planned_together());
        let stay = stay.filter_map(|(_, seen)| seen.occupant.clone());
        stay.chain(self.slow(index).work.iter().cloned()).collect()
    }
}

impl Seen {
    async fn of(store: &Store, kept: &Kept, tenant: &Tenant, row: Deployment) -> Result<Self, StoreError> {
        let model = kept.model(store, tenant, &row.model_id).await?;
        let options = options(&row.options).ok_or_else(|| unreadable(row.id.as_str(), "options", &row.options))?;
        let occupant = row.occupant.as_deref().map(|text| occupant(row.id.as_str(), text)).transpose()?;
        let applied = match &row.applied {
            Some(applied) => Some(kept.placement(store, tenant, &applied.placement_id).await?),
            None => None,
        };
        let proposed = match &row.proposed {
            Some(proposed) => Some(kept.placement(store, tenant, &proposed.placement_id).await?),
            None => None,
        };
        let (measured, slow) = (Vec::new(), OnceLock::new());
        Ok(Self { subject: Subject { model, options }, occupant, applied, proposed, measured, slow, row })
    }

    /// Returns `true` if it has a proposal that was made together with others.
    pub(crate) fn is_planned_together(&self) -> bool {
        self.row.proposed.as_ref().is_some_and(|proposed| proposed.reason == DeploymentReason::Together)
    }

    /// Returns the nodes that give its input and take its output, where its options name them.
    pub(crate) fn ends(&self) -> impl Iterator<Item = &String> {
        let constraints = &self.subject.options.constraints;
        constraints.source_node.iter().chain(&constraints.sink_node)
    }
}

impl Kept {
    /// Returns a model.
    pub(crate) async fn model(&self, store: &Store, tenant: &Tenant, id: &Id) -> Result<Arc<ModelProfile>, StoreError> {
        if let Some(model) = self.models.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(model.clone());
        }
        let text = store.model_document(tenant, id).await?;
        let model = Arc::new(read(id.as_str(), &text, ModelProfile::from_json)?);
        keep(&mut self.models.lock().unwrap_or_else(PoisonError::into_inner), id, &model, text.len());
        Ok(model)
    }

    /// Returns a placement.
    pub(crate) async fn placement(&self, store: &Store, tenant: &Tenant, id: &Id) -> Result<Arc<Placed>, StoreError> {
        let deletions = store.placement_deletions();
        {
            let mut placements = self.placements.lock().unwrap_or_else(PoisonError::into_inner);
            if placements.deletions != deletions {
                *placements = Placements { deletions, read: BTreeMap::new() };
            }
            if let Some(placed) = placements.read.get(id) {
                return Ok(placed.clone());
            }
        }
        let document = store.placement(tenant, id).await?.document;
        let placed = placed(id, &document)?;
        let mut placements = self.placements.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was deleted while it was read is not kept.
        if placements.deletions == deletions {
            keep(&mut placements.read, id, &placed, document.len());
        }
        Ok(placed)
    }

    /// Forgets the placements, since one of them was deleted by another server that did not say so yet.
    pub(crate) fn forget_placements(&self) {
        self.placements.lock().unwrap_or_else(PoisonError::into_inner).read.clear();
    }
}

/// Keeps a document, in place of all others if there are too many.
fn keep<T>(kept: &mut BTreeMap<Id, Arc<T>>, id: &Id, value: &Arc<T>, bytes: usize) {
    if bytes > LONGEST_KEPT {
        return;
    }
    if kept.len() >= MOST_KEPT {
        kept.clear();
    }
    kept.insert(id.clone(), value.clone());
}

/// Reads a placement document.
pub(crate) fn placed(id: &Id, document: &str) -> Result<Arc<Placed>, StoreError> {
    read(id.as_str(), document, Placed::from_json).map(Arc::new)
}

/// Returns the placement of a document, if it has one.
pub(crate) fn placed_of(document: &PlacementDocument) -> Option<Placed> {
    if document.pipelines.is_empty() {
        return None;
    }
    Placed::from_json(&serde_json::to_value(document).ok()?).ok()
}

/// Reads the options of a deployment.
pub(crate) fn options(value: &Value) -> Option<PlanOptions> {
    let mut reader = Reader::new();
    let options = PlanOptions::read(&mut reader, value.as_object()?);
    reader.finish(Some(options)).ok()
}

fn occupant(id: &str, text: &str) -> Result<Occupant, StoreError> {
    let read = |value: &Value| {
        let mut reader = Reader::new();
        let occupants = read_occupants(&mut reader, &Value::Array(vec![value.clone()]));
        reader.finish(occupants.and_then(|occupants| occupants.into_iter().next()))
    };
    self::read(id, text, read)
}

fn read<T, F: std::fmt::Debug>(
    id: &str,
    text: &str,
    read: impl FnOnce(&Value) -> Result<T, Vec<F>>,
) -> Result<T, StoreError> {
    let value = Reader::parse(text.as_bytes()).map_err(|faults| unreadable(id, "document", &format!("{faults:?}")))?;
    read(&value).map_err(|faults| unreadable(id, "document", &format!("{faults:?}")))
}

fn unreadable(id: &str, column: &str, value: &impl ToString) -> StoreError {
    StoreError::Unreadable { id: id.to_owned(), column: column.to_owned(), value: value.to_string() }
}
