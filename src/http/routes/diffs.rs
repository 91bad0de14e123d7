//! `/v1/placements/{id}/diff`: the changes from another placement to this one.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use cutpoint_planner::diff;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::explanation::PlacementDiff;
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::placed::Placed;
use cutpoint_planner::domain::placement::Status;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::IdKind;
use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::gate::caller::MayRead;
use crate::http::json;
use crate::http::problem::responses::{BadParameter, Conflict, Internal, NotFound, Refused, Unavailable};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::query::Parameters;
use crate::http::request::stored::{found, read_stored};
use crate::http::routes::placements::placement_id;
use crate::store::Placement;

/// The placement to compare with.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DiffParameters {
    /// The id of the placement that runs now.
    #[param(nullable = false)]
    pub base: String,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_diff))
}

/// Compare a placement with another
///
/// Returns the layers that move, the bytes to ship and their transfer time over the links of the placement's cluster,
/// and the changes of period and latency.
#[utoipa::path(
    get, path = "/v1/placements/{id}/diff", tag = "placements", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The placement."), DiffParameters),
    responses(
        (status = 200, description = "The changes from the base to the placement.", body = PlacementDiff),
        BadParameter, NotFound, Conflict, Refused, Internal, Unavailable,
    )
)]
async fn get_diff(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let base_id = query.id("base", IdKind::Placement);
    if base_id.is_none() && !query.was_given("base") {
        query.fault("base", FaultCode::Missing, "base is not given", "Name the placement to compare with");
    }
    query.finish()?;
    let placement = api.store.placement(&caller.tenant, &placement_id(&id)?).await?;
    // A faulty parameter has already ended the request.
    let base_id = base_id.ok_or_else(|| Problem::not_found("placement", ""))?;
    let base = found(api.store.placement(&caller.tenant, &base_id).await)?;
    let base = base.ok_or_else(|| Problem::not_found("placement", base_id.as_str()))?;
    let model = api.store.model_document(&caller.tenant, &placement.summary.model_id).await?;
    let revision = Some(placement.summary.cluster_revision);
    let (_, cluster) = api.store.cluster_document(&caller.tenant, &placement.summary.cluster_id, revision).await?;
    let bytes = model.len() + cluster.len() + placement.document.len() + base.document.len();
    let compared = compute(bytes, move || {
        // Reading a large model takes as long as reading both placements.
        let (placements, model) = thread::scope(|scope| {
            let placements = scope.spawn(|| Ok::<_, Problem>((placed(&base)?, placed(&placement)?)));
            let model = read_stored(&model, ModelProfile::from_json);
            (placements.join().unwrap_or_else(|panic| resume_unwind(panic)), model)
        });
        let ((base, placed), model) = (placements?, model?);
        let cluster = Arc::new(read_stored(&cluster, ClusterInventory::from_json)?);
        Ok::<PlacementDiff, Problem>(diff(&model, &cluster, &base, &placed))
    });
    Ok(json::value(StatusCode::OK, &compared.await?))
}

fn placed(row: &Placement) -> Result<Placed, Problem> {
    if row.summary.figures.status == Status::Infeasible {
        let detail = format!("{} proves that there is no placement", row.summary.id);
        return Err(Problem::new(ProblemType::Conflict, detail));
    }
    read_stored(&row.document, Placed::from_json)
}
