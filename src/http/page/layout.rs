//! The frame of every page.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::parts::name;
use super::visitor::{Standing, Visitor};
use crate::domain::scope::Scope;

/// The title of a page, and what stands in it.
pub(super) struct View {
    pub(super) title: String,
    pub(super) body: Markup,
    /// Seconds after which a browser without scripts loads the page again.
    pub(super) refresh_s: Option<u32>,
}

impl View {
    pub(super) fn new(title: impl Into<String>, body: Markup) -> Self {
        Self { title: title.into(), body, refresh_s: None }
    }

    /// Returns the whole page for a visitor.
    pub(super) fn page(self, visitor: &Visitor) -> Response {
        html_response(frame(&self, Some(visitor)))
    }
}

/// Returns an answer with a whole page or a piece of one.
pub(super) fn html_response(markup: Markup) -> Response {
    let html = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    ([html], markup.into_string()).into_response()
}

/// Returns a whole page. Without a visitor there are no links that a scope decides on.
pub(super) fn frame(view: &View, visitor: Option<&Visitor>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (view.title) " · Cutpoint" }
                link rel="icon" href="/ui/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(assets::style());
                script src=(assets::script()) defer {}
                @if let Some(seconds) = view.refresh_s {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top { (navigation(visitor)) }
                main #main { (view.body) }
                footer.bottom {
                    p {
                        "Cutpoint " (env!("CARGO_PKG_VERSION")) " · " a href="/docs/" { "API" }
                    }
                }
            }
        }
    }
}

fn navigation(visitor: Option<&Visitor>) -> Markup {
    let here = visitor.map_or("", |visitor| visitor.here.split('?').next().unwrap_or_default());
    let links = [
        ("/ui/placements", "Placements"),
        ("/ui/jobs", "Jobs"),
        ("/ui/models", "Models"),
        ("/ui/clusters", "Clusters"),
    ];
    let administrators = [("/ui/keys", "Keys"), ("/ui/webhooks", "Webhooks")];
    let shown = visitor.is_some_and(|visitor| visitor.may(Scope::Read));
    let is_administrator = visitor.is_some_and(|visitor| visitor.may(Scope::Admin));
    let links = links.iter().chain(administrators.iter().filter(|_| is_administrator));
    html! {
        nav aria-label="Main" {
            a.brand href="/ui/" { (logo()) "Cutpoint" }
            @if shown {
                ul {
                    @for (path, label) in links {
                        li { a href=(path) aria-current=[here.starts_with(path).then_some("page")] { (label) } }
                    }
                }
            }
        }
        @if let Some(visitor) = visitor {
            div.actions {
                @if visitor.may(Scope::Plan) { a.button.primary href="/ui/plan" { "Plan" } }
                @if let Standing::SignedIn(key) = &visitor.standing {
                    span.who title={ "Scope " (key.scope.name()) } { (name(&key.name)) }
                    form method="post" action="/ui/sign-out" { button.quiet { "Sign out" } }
                }
            }
        }
    }
}

/// The mark: a line of layers that is cut.
fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" aria-hidden="true" {
            rect x="1" y="8" width="6" height="8" rx="2" {}
            rect x="9" y="8" width="6" height="8" rx="2" {}
            rect.cut x="18.5" y="3" width="2" height="18" rx="1" {}
        }
    }
}
