//! `/ui/sign-in` and `/ui/sign-out`: a session for the holder of an API key.

use axum::Router;
use axum::extract::{Form, Query};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::html;
use serde::Deserialize;

use super::Page;
use super::layout::View;
use super::visitor::{COOKIE, Standing, Visitor};
use crate::http::keyring::Identity;
use crate::http::problem::Problem;
use crate::store::sessions::SESSION_VALID;

pub(super) fn routes() -> Router<Page> {
    Router::new().route("/ui/sign-in", get(show).post(sign_in)).route("/ui/sign-out", post(sign_out))
}

#[derive(Default, Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Entered {
    #[serde(default)]
    key: String,
    #[serde(default)]
    next: String,
}

async fn show(visitor: Visitor, Query(Next { next }): Query<Next>) -> Response {
    match &visitor.standing {
        Standing::Stranger => form(&visitor, &next, false),
        _ => Redirect::to(inner(&next)).into_response(),
    }
}

fn form(visitor: &Visitor, next: &str, is_wrong: bool) -> Response {
    let body = html! {
        div.narrow {
            h1 { "Sign in" }
            p.lead { "This service asks for an API key. An administrator creates one with " code { "cutpoint key create" } "." }
            form.stack method="post" action="/ui/sign-in" {
                input type="hidden" name="next" value=(next);
                div.field {
                    label for="key" { "API key" }
                    input #key name="key" type="password" autocomplete="current-password" required autofocus
                        aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("key-fault")];
                    @if is_wrong { p.fault #key-fault { "This key is not valid here. Check that it is whole and was not revoked." } }
                }
                button.primary { "Sign in" }
            }
        }
    };
    View::new("Sign in", body).page(visitor)
}

async fn sign_in(visitor: Visitor, headers: HeaderMap, Form(entered): Form<Entered>) -> Result<Response, Problem> {
    let key = match visitor.api.keyring.identify(Some(entered.key.trim())).await? {
        Identity::Anonymous => return Ok(Redirect::to(inner(&entered.next)).into_response()),
        Identity::Known(key) => key,
        Identity::Missing | Identity::Wrong => {
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, form(&visitor, &entered.next, true)).into_response());
        }
    };
    let token = visitor.api.store.start_session(&key.id).await?;
    let response = Redirect::to(inner(&entered.next));
    with_cookie(response.into_response(), &headers, token.reveal(), SESSION_VALID.as_secs())
}

async fn sign_out(visitor: Visitor, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = &visitor.token {
        visitor.api.store.end_session(token).await?;
    }
    with_cookie(Redirect::to("/ui/sign-in").into_response(), &headers, "", 0)
}

fn with_cookie(mut response: Response, headers: &HeaderMap, value: &str, seconds: u64) -> Result<Response, Problem> {
    // Behind a proxy that speaks TLS the browser must not send the cookie without it.
    let by_tls = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let secure = if by_tls { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/ui; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::try_from(cookie).map_err(Problem::internal)?);
    Ok(response)
}

/// Returns a path of the page, and the first page for anything else, which could lead to another site.
fn inner(next: &str) -> &str {
    let is_inner = next.starts_with("/ui/") && next.bytes().all(|sign| sign.is_ascii_graphic() && sign != b'\\');
    if is_inner { next } else { "/ui/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        assert_eq!(inner("/ui/jobs?status=running"), "/ui/jobs?status=running");
        for other in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/ui/\r\nx: y", "/docs"] {
            assert_eq!(inner(other), "/ui/", "{other}");
        }
    }
}
