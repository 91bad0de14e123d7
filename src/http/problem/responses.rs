//! The error answers in the OpenAPI document: a type for each status, all with the schema `Problem`.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr};

use crate::http::problem::{Problem, ProblemType};

macro_rules! error_responses {
    ($($(#[$doc:meta])* $name:ident = $($problem_type:ident)|+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                answer(&[$(ProblemType::$problem_type),+])
            }
        }
    )+};
}

error_responses! {
    /// 400 of an operation without a body.
    BadParameter = InvalidParameter;
    /// 400 of an operation with a body.
    BadBody = MalformedBody | InvalidParameter;
    /// 401.
    Unauthenticated = Unauthenticated;
    /// 403.
    InsufficientScope = InsufficientScope;
    /// 429.
    TooManyRequests = TooManyRequests;
    /// 404.
    NotFound = NotFound;
    /// 408 of an operation with a body.
    Slow = RequestTimeout;
    /// 409.
    Conflict = Conflict;
    /// 409 of a job's placement.
    NoPlacement = NoPlacement;
    /// 412.
    Stale = PreconditionFailed;
    /// 413.
    TooLarge = BodyTooLarge;
    /// 415.
    WrongMedia = UnsupportedMediaType;
    /// 422 of an operation that takes no idempotency key.
    Invalid = InvalidRequest;
    /// 422 of an operation that takes one.
    InvalidOrReused = InvalidRequest | IdempotencyKeyReused;
    /// 422 of an operation without a body that takes an idempotency key.
    Reused = IdempotencyKeyReused;
    /// 428.
    VersionMissing = PreconditionRequired;
    /// 500.
    Internal = Internal | Damaged;
    /// 503.
    Unavailable = Unavailable;
    /// 507 of an operation that writes.
    StorageFull = StorageFull;
}

/// 401, 403 and 429 of every operation that needs a key.
#[derive(Debug, Clone, Copy)]
pub struct Refused;

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let each = [Unauthenticated::responses(), InsufficientScope::responses(), TooManyRequests::responses()];
        each.into_iter().flatten().collect()
    }
}

/// Returns the answer of problem types that share a status.
fn answer(problem_types: &[ProblemType]) -> BTreeMap<String, RefOr<Response>> {
    let first = problem_types[0];
    let titles: Vec<String> = problem_types.iter().map(|kind| format!("{}: `{}`.", kind.title(), kind.uri())).collect();
    let example = json!(Problem {
        instance: "01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90".to_owned(),
        ..Problem::new(first, first.action())
    });
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    let mut response =
        ResponseBuilder::new().description(titles.join(" ")).content("application/problem+json", content);
    if matches!(first, ProblemType::Unavailable | ProblemType::TooManyRequests | ProblemType::StorageFull) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build();
        let header =
            HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds until it is worth another try."));
        response = response.header("Retry-After", header.build());
    }
    BTreeMap::from([(first.status().as_str().to_owned(), RefOr::T(response.build()))])
}
