//! The visitor of a page, and requests to the API in the visitor's name.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use super::Page;
use crate::domain::id::{Id, IdKind};
use crate::domain::scope::Scope;
use crate::domain::session::SessionToken;
use crate::domain::tenant::Tenant;
use crate::http::api::Api;
use crate::http::gate::caller::SignedIn;
use crate::http::keyring::Identity;
use crate::http::problem::Problem;
use crate::store::Key;

/// The name of the cookie with the token of a session.
pub(super) const COOKIE: &str = "cutpoint_session";

/// Who looks at a page.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) api: Api,
    backend: Router,
    pub(super) standing: Standing,
    /// The token of the session, if there is one.
    pub(super) token: Option<SessionToken>,
    /// The path and query of the page.
    pub(super) here: String,
}

/// What a visitor may do.
#[derive(Clone)]
pub(super) enum Standing {
    /// Everything: the service needs no key.
    Anonymous,
    /// What the key of the session allows.
    SignedIn(Arc<Key>),
    /// Nothing before signing in.
    Stranger,
}

impl Visitor {
    /// Returns the visitor of a request.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn of(page: &Page, headers: &HeaderMap, uri: &Uri) -> Result<Self, Problem> {
        let token = cookie(headers);
        let standing = match page.api.keyring.identify(None).await? {
            Identity::Anonymous => Standing::Anonymous,
            _ => match &token {
                Some(token) => key_of(&page.api, token).await?.map_or(Standing::Stranger, Standing::SignedIn),
                None => Standing::Stranger,
            },
        };
        let here = uri.path_and_query().map_or("/ui/", |path| path.as_str()).to_owned();
        Ok(Self { api: page.api.clone(), backend: page.backend.clone(), standing, token, here })
    }

    /// Returns `true` if the visitor's key has this scope, or no key is needed.
    pub(super) fn may(&self, scope: Scope) -> bool {
        match &self.standing {
            Standing::Anonymous => true,
            Standing::SignedIn(key) => key.scope.allows(scope),
            Standing::Stranger => false,
        }
    }

    /// Returns the tenant whose resources the visitor sees.
    pub(super) fn tenant(&self) -> Tenant {
        match &self.standing {
            Standing::SignedIn(key) => key.tenant.clone(),
            Standing::Anonymous | Standing::Stranger => Tenant::default(),
        }
    }

    /// Asks the API for a resource.
    ///
    /// # Errors
    /// The API's problem.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Problem> {
        self.read(path).await
    }

    /// Asks the API for a resource of a type.
    ///
    /// # Errors
    /// The API's problem.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        json(self.send(Method::GET, path, HeaderMap::new(), Body::empty()).await?).await
    }

    /// Sends a document to the API.
    ///
    /// # Errors
    /// The API's problem.
    pub(super) async fn post(&self, path: &str, document: &Value) -> Result<Value, Problem> {
        self.change(Method::POST, path, None, document).await
    }

    /// Sends a document to the API with a method; `etag` names the version that it changes.
    ///
    /// # Errors
    /// The API's problem.
    pub(super) async fn change(
        &self,
        method: Method,
        path: &str,
        etag: Option<&str>,
        document: &Value,
    ) -> Result<Value, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(etag) = etag {
            let quoted = HeaderValue::try_from(format!("\"{etag}\"")).map_err(Problem::internal)?;
            headers.insert(header::IF_MATCH, quoted);
        }
        json(self.send(method, path, headers, Body::from(document.to_string())).await?).await
    }

    /// Sends a request to the API's routes, as it would arrive from outside with the visitor's key.
    ///
    /// # Errors
    /// The API's problem.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Response, Problem> {
        let mut request = Request::builder().method(method).uri(path).body(body).map_err(Problem::internal)?;
        *request.headers_mut() = headers;
        if let Standing::SignedIn(key) = &self.standing {
            request.extensions_mut().insert(SignedIn(Arc::clone(key)));
        }
        let Ok(mut response) = self.backend.clone().oneshot(request).await;
        let status = response.status();
        match response.extensions_mut().remove::<Problem>() {
            Some(problem) => Err(problem),
            None if status.is_client_error() || status.is_server_error() => Err(Problem::of_framework(status)),
            None => Ok(response),
        }
    }
}

impl FromRequestParts<Page> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _page: &Page) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal("a page without its guard"))
    }
}

/// Reads the JSON of an answer.
///
/// # Errors
/// It is not the document that was expected: a defect of Cutpoint.
pub(super) async fn json<T: DeserializeOwned>(response: Response) -> Result<T, Problem> {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.map_err(Problem::internal)?;
    let bytes = if bytes.is_empty() { &b"null"[..] } else { &bytes };
    serde_json::from_slice(bytes).map_err(Problem::internal)
}

/// Parses the id in a path, so that it can be a part of another path.
///
/// # Errors
/// 404 for a text that is no id of this kind.
pub(super) fn id_of(kind: IdKind, text: &str) -> Result<Id, Problem> {
    Id::parse(kind, text).ok_or_else(|| Problem::not_found(kind.name(), text))
}

/// Copies a header of a request to one for the API.
pub(super) fn copied(from: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    names.iter().filter_map(|name| Some((name.clone(), from.get(name)?.clone()))).collect()
}

async fn key_of(api: &Api, token: &SessionToken) -> Result<Option<Arc<Key>>, Problem> {
    match api.store.session_key(token).await? {
        Some(key_id) => Ok(api.keyring.valid(&key_id).await?),
        None => Ok(None),
    }
}

fn cookie(headers: &HeaderMap) -> Option<SessionToken> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| SessionToken::parse(value).filter(|_| name == COOKIE))
}
