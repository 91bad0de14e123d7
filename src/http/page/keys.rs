//! `/ui/keys`: the keys of the tenant, for administrators.

use axum::Router;
use axum::extract::Form;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::html;
use serde::Deserialize;

use super::Page;
use super::layout::View;
use super::parts::{name, table};
use super::text::time_text;
use super::visitor::{Standing, Visitor, id_of};
use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::problem::{Problem, ProblemType};
use crate::store::Key;

pub(super) fn routes() -> Router<Page> {
    Router::new().route("/ui/keys", get(show)).route("/ui/keys/revoke", post(revoke))
}

/// Refuses a visitor who is no administrator.
fn administer(visitor: &Visitor) -> Result<(), Problem> {
    match &visitor.standing {
        Standing::Stranger => Err(Problem::new(ProblemType::Unauthenticated, "sign in first")),
        _ if visitor.may(Scope::Admin) => Ok(()),
        _ => Err(Problem::new(ProblemType::InsufficientScope, "keys need the scope admin")),
    }
}

async fn keys_of(visitor: &Visitor) -> Result<Vec<Key>, Problem> {
    let tenant = visitor.tenant();
    let keys = visitor.api.store.keys().await?.readable;
    Ok(keys.into_iter().filter(|key| key.tenant == tenant).collect())
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    administer(&visitor)?;
    let keys = keys_of(&visitor).await?;
    let body = html! {
        h1 { "Keys" }
        p.lead { "A key is created on the command line, which shows it once: " code { "cutpoint key create --name … --scope plan" } "." }
        @if keys.is_empty() {
            p.empty { "There are none: whoever reaches this service may do everything." }
        } @else {
            (table("Keys", &html! {
                thead { tr { th scope="col" { "name" } th scope="col" { "scope" } th scope="col" { "created, UTC" } th scope="col" { "state" } } }
                tbody {
                    @for key in &keys {
                        tr.off[key.revoked_at.is_some()] {
                            th scope="row" { (name(&key.name)) }
                            td { (key.scope.name()) }
                            td.time { (time_text(key.created_at)) }
                            td {
                                @if let Some(at) = key.revoked_at { "revoked " (time_text(at)) } @else {
                                    form method="post" action="/ui/keys/revoke" {
                                        input type="hidden" name="key" value=(key.id);
                                        button.small.danger aria-label={ "Revoke " (key.name) } { "Revoke" }
                                    }
                                }
                            }
                        }
                    }
                }
            }))
        }
    };
    Ok(View::new("Keys", body).page(&visitor))
}

#[derive(Deserialize)]
struct Chosen {
    key: String,
}

async fn revoke(visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response, Problem> {
    administer(&visitor)?;
    let id = id_of(IdKind::Key, &chosen.key)?;
    // A key of another tenant does not exist for this one.
    if !keys_of(&visitor).await?.iter().any(|key| key.id == id) {
        return Err(Problem::not_found("key", &chosen.key));
    }
    visitor.api.store.revoke_key(&id).await?;
    Ok(Redirect::to("/ui/keys").into_response())
}
