//! The jobs that plan for deployments.

use std::collections::BTreeMap;
use std::time::Duration;

use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::occupant::Occupant;
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::request::PlanRequest;

use super::sight::Sight;
use crate::clock::Ids;
use crate::domain::deployment::DeploymentReason;
use crate::domain::id::{Id, IdKind};
use crate::store::deployments::site::NewPlan;
use crate::store::{JobCluster, JobModel, NewJob};

/// The longest time limit of a plan for the loss of a node.
const AHEAD: Duration = Duration::from_secs(2);

/// Makes jobs.
pub(crate) struct NewJobs<'i> {
    pub(crate) ids: &'i dyn Ids,
}

impl NewJobs<'_> {
    pub(crate) fn new_id(&self, kind: IdKind) -> Id {
        self.ids.id(kind)
    }

    /// Returns the job that plans for a deployment now.
    ///
    /// # Errors
    /// The options do not fit the cluster, in words.
    pub(crate) fn plan(&self, sight: &Sight, index: usize, reason: DeploymentReason) -> Result<NewPlan, String> {
        let request = request(sight, index, reason)?;
        Ok(self.job(sight, index, reason, request.options, None))
    }

    /// Returns the job that plans for the loss of a node.
    ///
    /// # Errors
    /// The options do not fit the cluster, in words.
    pub(crate) fn ahead(&self, sight: &Sight, index: usize, node: &str) -> Result<NewPlan, String> {
        let mut options = request(sight, index, DeploymentReason::NodeLost)?.options;
        options.constraints.exclude_nodes.push(node.to_owned());
        options.solver.time_limit_s = options.solver.time_limit_s.min(AHEAD.as_secs_f64());
        Ok(self.job(sight, index, DeploymentReason::NodeLost, options, Some(node.to_owned())))
    }

    fn job(
        &self,
        sight: &Sight,
        index: usize,
        reason: DeploymentReason,
        options: PlanOptions,
        lost_node: Option<String>,
    ) -> NewPlan {
        let row = &sight.seen[index].row;
        let job = NewJob {
            tenant: row.tenant.clone(),
            key_id: None,
            model: JobModel::Registered(row.model_id.clone()),
            cluster: JobCluster::Registered { id: sight.cluster.id.clone(), revision: sight.cluster.revision },
            options,
            labels: BTreeMap::from([("deployment".to_owned(), row.id.to_string())]),
            named_placements: Vec::new(),
            idempotency: None,
        };
        let (job_id, stamp) = (self.new_id(IdKind::Job), sight.stamp(index));
        NewPlan { job_id, job, deployment_id: row.id.clone(), reason, stamp, lost_node }
    }
}

/// Returns the request to plan a deployment beside what else runs. A plan for something that runs ships as little as the
/// policy allows.
pub(crate) fn request(sight: &Sight, index: usize, reason: DeploymentReason) -> Result<PlanRequest, String> {
    request_beside(sight, index, reason, sight.others(index))
}

/// Returns the request to plan a deployment beside these occupants.
pub(crate) fn request_beside(
    sight: &Sight,
    index: usize,
    reason: DeploymentReason,
    occupants: Vec<Occupant>,
) -> Result<PlanRequest, String> {
    let seen = &sight.seen[index];
    let mut subject = seen.subject.clone();
    let running = seen.applied.as_deref().filter(|_| subject.takes_base());
    // An improvement is asked for its pace, and others for little to ship.
    let ratio = if reason == DeploymentReason::Improvement { 1.0 } else { seen.row.policy.max_period_ratio };
    let base = running.and_then(|running| running.base().ok());
    subject.options.max_period_ratio = base.as_ref().map(|_| ratio);
    let words = |faults: Vec<Fault>| faults.iter().map(Fault::to_string).collect::<Vec<_>>().join(" ");
    subject.request(&sight.inventory, occupants, base).map_err(words)
}
