//! `/ui/placements`: the list of placements.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::get;
use maud::html;

use super::Page;
use super::filters::{Filter, filtered};
use super::home::placement_rows;
use super::layout::View;
use super::parts::pager;
use super::visitor::Visitor;
use crate::http::problem::Problem;

const FILTERS: [Filter; 6] = [
    Filter::Choice("status", "Claim", &["optimal", "feasible", "infeasible"]),
    Filter::Text("node_id", "Stage on node", ""),
    Filter::Text("label", "Label", "name=value"),
    Filter::Text("model_id", "Model", "mdl_…"),
    Filter::Text("cluster_id", "Cluster", "cls_…"),
    Filter::Choice("latest", "Newest only", &["true"]),
];

pub(super) fn routes() -> Router<Page> {
    Router::new().route("/ui/placements", get(list))
}

async fn list(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let query = filtered(query.as_deref(), &FILTERS);
    let placements = visitor.get(&format!("/v1/placements?{}", query.of_api("20"))).await?;
    let body = html! {
        h1 { "Placements" }
        (query.form("/ui/placements"))
        (placement_rows(&visitor, &placements).await?)
        (pager(&placements, "/ui/placements", &query.text()))
    };
    Ok(View::new("Placements", body).page(&visitor))
}
