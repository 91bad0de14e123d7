//! The page: server-rendered HTML under `/ui/`, with one file for each view. A view asks the API's own routes for what it
//! shows and for every change, in the name of its visitor, so that tenants, scopes, limits and admission hold here too.

mod assets;
mod clusters;
mod filters;
mod guard;
mod home;
mod jobs;
mod keys;
mod layout;
mod models;
mod names;
mod parts;
mod placement;
mod placements;
mod plan;
mod problem;
mod sign_in;
mod text;
mod visitor;
mod webhooks;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;

use crate::http::api::Api;

pub(crate) use problem::{is_of_page, write as write_problem};

/// The state of the page's handlers.
#[derive(Clone)]
pub(crate) struct Page {
    /// The state of the API.
    api: Api,
    /// The API's routes, which the page calls.
    backend: Router,
}

impl FromRef<Page> for Api {
    fn from_ref(page: &Page) -> Self {
        page.api.clone()
    }
}

/// Returns the routes of the page, which calls `backend`, the API's routes without middleware.
pub(crate) fn routes(api: &Api, backend: Router) -> Router<Api> {
    let page = Page { api: api.clone(), backend };
    Router::new()
        .merge(home::routes())
        .merge(sign_in::routes())
        .merge(placement::routes())
        .merge(placements::routes())
        .merge(jobs::routes())
        .merge(models::routes())
        .merge(clusters::routes())
        // Files that are planned have the API's own limits.
        .merge(plan::routes().layer(DefaultBodyLimit::disable()))
        .merge(keys::routes())
        .merge(webhooks::routes())
        .layer(middleware::from_fn_with_state(page.clone(), guard::guard))
        .merge(assets::routes())
        .route("/", get(|| async { Redirect::to("/ui/") }))
        .route("/ui", get(|| async { Redirect::permanent("/ui/") }))
        .with_state(page)
}
