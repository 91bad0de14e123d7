//! `/ui/keys`: the keys of the tenant, for administrators.

use axum::Router;
use axum::extract::Form;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::Page;
use super::layout::View;
use super::parts::{name as parts_name, table};
use super::text::time_text;
use super::visitor::{Standing, Visitor, id_of};
use crate::domain::id::IdKind;
use crate::domain::scope::Scope;
use crate::http::problem::{Problem, ProblemType};
use crate::store::{Key, NewKey};

/// The most characters of a name.
const LONGEST_NAME: usize = 256;

pub(super) fn routes() -> Router<Page> {
    Router::new().route("/ui/keys", get(show).post(create)).route("/ui/keys/revoke", post(revoke))
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
    list(&visitor, &html! {}).await
}

async fn list(visitor: &Visitor, told: &Markup) -> Result<Response, Problem> {
    let keys = keys_of(visitor).await?;
    let body = html! {
        h1 { "Keys" }
        p.lead { "Whoever has one of these keys may do in this tenant what its scope allows." }
        (told)
        @if keys.is_empty() {
            p.empty { "There are none: whoever reaches this service may do everything." }
        } @else {
            (table("Keys", &html! {
                thead { tr { th scope="col" { "name" } th scope="col" { "scope" } th scope="col" { "created, UTC" } th scope="col" { "state" } } }
                tbody {
                    @for key in &keys {
                        tr.off[key.revoked_at.is_some()] {
                            th scope="row" { (parts_name(&key.name)) }
                            td data-label="scope" { (key.scope.name()) }
                            td.time data-label="created, UTC" { (time_text(key.created_at)) }
                            td data-label="state" {
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
        (creation(keys.is_empty()))
    };
    Ok(View::new("Keys", body).page(visitor))
}

fn creation(is_first: bool) -> Markup {
    html! {
        section aria-labelledby="add" {
            h2 #add { "Create a key" }
            @if is_first {
                p.note { "After the first key every caller needs one, this page too. Begin with the scope admin, and keep it." }
            }
            form.inline method="post" action="/ui/keys" {
                div.field { label for="name" { "Name" } input #name name="name" required maxlength="256"; }
                div.field {
                    label for="scope" { "Scope" }
                    select #scope name="scope" {
                        @for (scope, meaning) in [(Scope::Read, "read"), (Scope::Plan, "plan, and read"), (Scope::Admin, "admin: delete, webhooks and keys, too")] {
                            option value=(scope.name()) selected[if is_first { scope == Scope::Admin } else { scope == Scope::Plan }] { (meaning) }
                        }
                    }
                }
                button { "Create" }
            }
        }
    }
}

#[derive(Deserialize)]
struct Entered {
    name: String,
    scope: String,
}

async fn create(visitor: Visitor, Form(entered): Form<Entered>) -> Result<Response, Problem> {
    administer(&visitor)?;
    let name = entered.name.trim();
    let is_name = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    let scope = Scope::ALL.into_iter().find(|scope| scope.name() == entered.scope);
    let Some(scope) = scope.filter(|_| is_name) else {
        let action = format!("Give 1 to {LONGEST_NAME} printable characters, and one of the scopes");
        let fault = Fault::new("/name", FaultCode::OutOfRange, "it is no name of a key, or no scope", action);
        return Err(Problem::invalid_request(vec![fault]));
    };
    let new = NewKey { tenant: visitor.tenant(), name: name.to_owned(), scope };
    let (key, text) = visitor.api.store.create_key(new).await?;
    let told = html! {
        div.note.good role="status" {
            p { "The key " (parts_name(&key.name)) " is shown only now. Keep it:" }
            p { code { (text.reveal()) } }
        }
    };
    list(&visitor, &told).await
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
