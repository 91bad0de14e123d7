//! The request of a job: the kept one if the job was submitted to this process, else the stored one.

use std::sync::Arc;

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::known_compute::ClusterSource;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::Value;

use super::Inner;
use crate::store::{Job, StoreError};

/// The reason why a job's request is not available.
pub(super) enum Unreadable {
    /// The database failed. A retry may succeed.
    Store(StoreError),
    /// The stored documents are not a valid request.
    Invalid(String),
}

impl From<StoreError> for Unreadable {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } | StoreError::Unreadable { .. } => Self::Invalid(format!("{error}.")),
            error => Self::Store(error),
        }
    }
}

/// Returns the kept request if the job was submitted to this process, else the stored one.
pub(super) async fn request(queue: &Inner, job: &Job) -> Result<Arc<PlanRequest>, Unreadable> {
    if let Some(request) = queue.requests.take(&job.id) {
        return Ok(request);
    }
    let model = queue.store.model_document(&job.tenant, &job.model_id).await?;
    let revision = Some(job.cluster_revision);
    let (_, cluster) = queue.store.cluster_document(&job.tenant, &job.cluster_id, revision).await?;
    let options = job.options.clone();
    let read = tokio::task::spawn_blocking(move || read_request(&model, &cluster, &options));
    let read = read.await.map_err(|panic| Unreadable::Invalid(format!("{panic}.")))?;
    let words = |faults: Vec<Fault>| faults.iter().map(Fault::to_string).collect::<Vec<_>>().join(" ");
    read.map(Arc::new).map_err(|faults| Unreadable::Invalid(words(faults)))
}

/// Reads a request from its documents.
pub(super) fn read_request(model: &str, cluster: &str, options: &str) -> Result<PlanRequest, Vec<Fault>> {
    let model = Arc::new(ModelProfile::from_json(&Reader::parse(model.as_bytes())?)?);
    let cluster = Arc::new(ClusterInventory::from_json(&Reader::parse(cluster.as_bytes())?)?);
    let mut reader = Reader::new();
    let options = match Reader::parse(options.as_bytes())? {
        Value::Object(map) => PlanOptions::read(&mut reader, &map),
        other => {
            reader.wrong_type(&other, "an object");
            PlanOptions::default()
        }
    };
    let request = PlanRequest::assemble(&mut reader, Some(model), (ClusterSource::ById, Some(cluster)), options);
    reader.finish(request)
}
