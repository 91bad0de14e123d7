//! `/ui/placements/{id}`: a placement, what is proven of it, and what would improve it.

mod claims;
mod data;
mod diff;
mod downloads;
mod explanation;
mod front;
mod head;
mod measured;
mod media;
mod overriding;
mod pipeline;
mod repair;
mod stage;
mod times;

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use cutpoint_planner::domain::placement::Status;
use maud::{Markup, html};
use serde::Deserialize;

use super::Page;
use super::layout::View;
use super::parts::name;
use super::visitor::Visitor;
use crate::http::problem::Problem;
use data::Shown;

pub(super) use repair::request_of;

pub(super) fn routes() -> Router<Page> {
    Router::new()
        .route("/ui/placements/{id}", get(show))
        .route("/ui/placements/{id}/stages/{pipeline}/{stage}", get(stage::show))
        .route("/ui/placements/{id}/explanation", get(explanation::show))
        .route("/ui/placements/{id}/diff", get(diff::show))
        .route("/ui/placements/{id}/override", get(overriding::show).post(overriding::save))
        .route("/ui/placements/{id}/repair", post(repair::plan))
        .route("/ui/placements/{id}/export", get(downloads::download))
}

/// Which point of the trade-off is shown.
#[derive(Default, Deserialize)]
struct Chosen {
    point: Option<usize>,
}

async fn show(visitor: Visitor, Path(id): Path<String>, Query(chosen): Query<Chosen>) -> Result<Response, Problem> {
    let shown = Shown::load(&visitor, &id).await?;
    Ok(View::new(shown.title(), body(&visitor, &shown, chosen.point).await?).page(&visitor))
}

async fn body(visitor: &Visitor, shown: &Shown, point: Option<usize>) -> Result<Markup, Problem> {
    let document = &shown.placement;
    let pipelines = shown.pipelines(point);
    let is_infeasible = document.status == Status::Infeasible;
    let compared = if is_infeasible {
        html! {}
    } else {
        diff::choice(visitor, shown).await?
    };
    Ok(html! {
        (head::head(shown))
        @if is_infeasible {
            (claims::reasons(&document.reasons))
        } @else {
            (head::figures(shown, &pipelines, point))
            (claims::claims(shown))
            (front::front(shown, point))
            (pipeline::pipelines(shown, &pipelines))
            (times::times(&pipelines))
            @if point.is_none() { (media::media(document)) }
            (measured::measured(shown))
        }
        (warnings(shown))
        (explanation::later(&shown.stored.id, is_infeasible))
        (overriding::link(shown))
        (compared)
        (downloads::downloads(shown))
    })
}

fn warnings(shown: &Shown) -> Markup {
    html! {
        @if !shown.placement.warnings.is_empty() {
            section aria-labelledby="warnings" {
                h2 #warnings { "To know" }
                ul.plain {
                    @for warning in &shown.placement.warnings { li.note { (name(&warning.detail)) } }
                }
            }
        }
    }
}
