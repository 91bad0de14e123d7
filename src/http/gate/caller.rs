//! The caller of a request: its tenant and the scope of its key. A handler requests a scope through an argument, which
//! also provides the tenant that the store's operations require. So no handler can omit the check.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use cutpoint_planner::domain::unit::counted;
use tokio::sync::OwnedSemaphorePermit;

use crate::domain::id::Id;
use crate::domain::scope::Scope;
use crate::domain::tenant::Tenant;
use crate::http::api::Api;
use crate::http::gate::load_shedding::{ShownKey, refuse_key};
use crate::http::keyring::Identity;
use crate::http::problem::{Problem, ProblemType};
use crate::store::Key;

/// The caller of a request.
#[derive(Debug)]
pub struct Caller {
    /// Its tenant.
    pub tenant: Tenant,
    /// Its key, or `None` if no key is required.
    pub key_id: Option<Id>,
    /// The permit among the requests of its key, held until the answer.
    _permit: Option<OwnedSemaphorePermit>,
}

macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident = $scope:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Caller);

        impl FromRequestParts<Api> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
                caller(parts, api, Scope::$scope).await.map(Self)
            }
        }
    )+};
}

callers! {
    /// A caller that may read.
    MayRead = Read;
    /// A caller that may plan.
    MayPlan = Plan;
    /// A caller that may administer.
    MayAdminister = Admin;
}

/// The key of a request that the page makes for a visitor who has signed in. Nothing that arrives from outside has this
/// extension.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn(pub(crate) Arc<Key>);

/// Returns the caller if its key has this scope.
async fn caller(parts: &Parts, api: &Api, needed: Scope) -> Result<Caller, Problem> {
    let identity = match parts.extensions.get() {
        Some(SignedIn(key)) => Identity::Known(Arc::clone(key)),
        None => api.keyring.identify(shown(&parts.headers)).await?,
    };
    let key = match identity {
        Identity::Anonymous => return Ok(Caller { tenant: Tenant::default(), key_id: None, _permit: None }),
        Identity::Missing => return Err(Problem::new(ProblemType::Unauthenticated, "the request has no key")),
        Identity::Wrong => {
            return Err(Problem::new(ProblemType::Unauthenticated, "the key is not valid here"));
        }
        Identity::Known(key) => key,
    };
    if let Some(ShownKey(slot)) = parts.extensions.get() {
        // A request has one caller, so the key is set once.
        slot.get_or_init(|| key.id.clone());
    }
    if !key.scope.allows(needed) {
        let detail =
            format!("this needs the scope {}, and {} has the scope {}", needed.name(), key.id, key.scope.name());
        return Err(Problem::new(ProblemType::InsufficientScope, detail));
    }
    let Some(permit) = api.keyring.request(&key.id) else {
        let most = api.keyring.most().requests;
        let detail = format!("the service answers {} of this key already", counted(most, "request"));
        return Err(refuse_key("requests_per_key", detail));
    };
    Ok(Caller { tenant: key.tenant.clone(), key_id: Some(key.id.clone()), _permit: Some(permit) })
}

/// Returns the token after `Bearer` (RFC 6750) in the only `Authorization` header.
fn shown(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).into_iter();
    let (first, None) = (given.next()?, given.next()) else { return Some("") };
    // A header without a bearer token counts as a wrong key and not as a missing one.
    let Some((scheme, key)) = first.to_str().ok().and_then(|text| text.split_once(' ')) else { return Some("") };
    Some(if scheme.eq_ignore_ascii_case("bearer") { key.trim() } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_with(values: &[&str]) -> Option<String> {
        let headers: HeaderMap = values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect();
        shown(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_key_is_read_and_nothing_else() {
        assert_eq!(shown_with(&[]), None);
        assert_eq!(shown_with(&["Bearer abc"]).unwrap(), "abc");
        assert_eq!(shown_with(&["bEARER  abc "]).unwrap(), "abc");
        for wrong in [&["Basic abc"][..], &["abc"], &["Bearer"], &["Bearer a", "Bearer b"], &[""]] {
            assert_eq!(shown_with(wrong).unwrap(), "", "{wrong:?}");
        }
    }
}
