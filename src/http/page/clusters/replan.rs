//! What a node that was switched off touches, and planning anew from there.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::id::{Id, IdKind};
use crate::domain::scope::Scope;
use crate::http::page::home::submit;
use crate::http::page::names::Names;
use crate::http::page::parts::{items, name, str_of};
use crate::http::page::placement::request_of;
use crate::http::page::text::encoded;
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;

/// Writes the newest placements that use a node, each with a button that plans it anew.
pub(super) async fn touched(visitor: &Visitor, cluster_id: &Id, node: &str) -> Result<Markup, Problem> {
    let path = format!("/v1/placements?cluster_id={cluster_id}&latest=true&status=optimal&status=feasible&limit=50");
    let newest = visitor.get(&path).await?;
    let uses = |placement: &&Value| items(placement, "node_ids").iter().any(|id| id == node);
    let touched: Vec<&Value> = items(&newest, "items").iter().filter(uses).collect();
    let mut names = Names::default();
    for placement in &touched {
        names.model(visitor, str_of(placement, "model_id")).await?;
    }
    Ok(html! {
        section aria-labelledby="touched" {
            h2 #touched { (name(node)) " is off" }
            @if touched.is_empty() {
                p.note.good { "No newest placement of a model uses it." }
            } @else {
                ul.cards {
                    @for placement in touched {
                        li {
                            h3 { a href={ "/ui/placements/" (str_of(placement, "id")) } { (name(names.of(str_of(placement, "model_id")))) } }
                            p { "Its newest placement has a stage on " (name(node)) "." }
                            @if visitor.may(Scope::Plan) {
                                form method="post" action={ "/ui/clusters/" (cluster_id) "/replan" } {
                                    input type="hidden" name="placement" value=(str_of(placement, "id"));
                                    button.primary { "Replan and see what moves" }
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The placement to begin from.
#[derive(Deserialize)]
pub(super) struct Chosen {
    placement: String,
}

/// Plans a placement anew on the newest revision of its cluster, so that as little as possible moves.
pub(super) async fn replan(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let cluster_id = id_of(IdKind::Cluster, &id)?;
    let base = id_of(IdKind::Placement, &chosen.placement)?;
    let mut request = request_of(&visitor, &base).await?;
    request.remove("base");
    request.remove("cluster_revision");
    request.insert("cluster_id".to_owned(), json!(cluster_id));
    // Only the throughput is weighed against what is shipped.
    if request.get("objective").is_some_and(|objective| objective["kind"] == "max_throughput") {
        request.insert("base_placement_id".to_owned(), json!(base));
    }
    let job = submit(&visitor, &Value::Object(request)).await?;
    let target = match job["placement_id"].as_str().filter(|_| job["status"] == "succeeded") {
        Some(placement) => format!("/ui/placements/{placement}/diff?base={}", encoded(base.as_str())),
        None => format!("/ui/jobs/{}", str_of(&job, "id")),
    };
    Ok(Redirect::to(&target).into_response())
}
