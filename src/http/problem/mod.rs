//! Problem details (RFC 9457): the format of every error, with a closed list of types.

pub mod import;
pub mod responses;
pub mod store_error;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::read::MAX_FAULTS;
use cutpoint_planner::domain::unit::counted;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The types of problem, a closed list. Each has one status and a page at `/problems/{name}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemType {
    /// The body is not valid JSON.
    MalformedBody,
    /// A query parameter or header is invalid.
    InvalidParameter,
    /// The caller presented no key, or an invalid one.
    Unauthenticated,
    /// The key does not allow this.
    InsufficientScope,
    /// No resource has this path or id.
    NotFound,
    /// The path does not support this method.
    MethodNotAllowed,
    /// The client took too long to send its request.
    RequestTimeout,
    /// The state of the resource does not allow this.
    Conflict,
    /// The job has no placement.
    NoPlacement,
    /// The resource changed since the caller read it.
    PreconditionFailed,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body is of another media type.
    UnsupportedMediaType,
    /// The document has faults.
    InvalidRequest,
    /// The idempotency key was used with another request before.
    IdempotencyKeyReused,
    /// The caller must name the version that it changes.
    PreconditionRequired,
    /// The key has reached a limit.
    TooManyRequests,
    /// A defect of Cutpoint.
    Internal,
    /// A stored resource is damaged.
    Damaged,
    /// The service cannot accept the request at the moment.
    Unavailable,
    /// There is no space to store the request.
    StorageFull,
}

impl ProblemType {
    /// Every type.
    pub const ALL: [Self; 20] = [
        Self::MalformedBody,
        Self::InvalidParameter,
        Self::Unauthenticated,
        Self::InsufficientScope,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::Conflict,
        Self::NoPlacement,
        Self::PreconditionFailed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidRequest,
        Self::IdempotencyKeyReused,
        Self::PreconditionRequired,
        Self::TooManyRequests,
        Self::Internal,
        Self::Damaged,
        Self::Unavailable,
        Self::StorageFull,
    ];

    /// Returns the URI reference of the type.
    pub fn uri(self) -> &'static str {
        match self {
            Self::MalformedBody => "/problems/malformed-body",
            Self::InvalidParameter => "/problems/invalid-parameter",
            Self::Unauthenticated => "/problems/unauthenticated",
            Self::InsufficientScope => "/problems/insufficient-scope",
            Self::NotFound => "/problems/not-found",
            Self::MethodNotAllowed => "/problems/method-not-allowed",
            Self::RequestTimeout => "/problems/request-timeout",
            Self::Conflict => "/problems/conflict",
            Self::NoPlacement => "/problems/no-placement",
            Self::PreconditionFailed => "/problems/precondition-failed",
            Self::BodyTooLarge => "/problems/body-too-large",
            Self::UnsupportedMediaType => "/problems/unsupported-media-type",
            Self::InvalidRequest => "/problems/invalid-request",
            Self::IdempotencyKeyReused => "/problems/idempotency-key-reused",
            Self::PreconditionRequired => "/problems/precondition-required",
            Self::TooManyRequests => "/problems/too-many-requests",
            Self::Internal => "/problems/internal",
            Self::Damaged => "/problems/damaged",
            Self::Unavailable => "/problems/unavailable",
            Self::StorageFull => "/problems/storage-full",
        }
    }

    /// Returns the HTTP status of the type.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody | Self::InvalidParameter => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::NoPlacement => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidRequest | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal | Self::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// Returns a short title, which is the same for every occurrence.
    pub fn title(self) -> &'static str {
        match self {
            Self::MalformedBody => "The body is not valid JSON",
            Self::InvalidParameter => "A query parameter or header is invalid",
            Self::Unauthenticated => "A valid key is required",
            Self::InsufficientScope => "The key does not allow this",
            Self::NotFound => "No resource has this path or id",
            Self::MethodNotAllowed => "The path does not support this method",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::Conflict => "The state of the resource does not allow this",
            Self::NoPlacement => "The job has no placement",
            Self::PreconditionFailed => "The resource changed since it was read",
            Self::BodyTooLarge => "The body is larger than the limit",
            Self::UnsupportedMediaType => "The body is of another media type",
            Self::InvalidRequest => "The document has faults",
            Self::IdempotencyKeyReused => "The idempotency key was used with another request before",
            Self::PreconditionRequired => "The request must name the version that it changes",
            Self::TooManyRequests => "The key has reached a limit",
            Self::Internal => "A defect of the service",
            Self::Damaged => "A stored resource is damaged",
            Self::Unavailable => "The service cannot accept the request at the moment",
            Self::StorageFull => "There is no space to store the request",
        }
    }

    /// Returns what the caller can do about it.
    pub fn action(self) -> &'static str {
        match self {
            Self::MalformedBody => "Send one JSON document (RFC 8259), nested at most 127 levels.",
            Self::InvalidParameter => "Correct every fault in `errors`; pointers begin with /query or /header.",
            Self::Unauthenticated => {
                "Send a key from `cutpoint key create` that was not revoked: `Authorization: Bearer cpk_…`."
            }
            Self::InsufficientScope => "Use a key with the scope that `detail` names.",
            Self::NotFound => "Check the path and the id; /openapi.json lists every path.",
            Self::MethodNotAllowed => "Use a method that the Allow header names.",
            Self::RequestTimeout => "Send the request again, without long pauses.",
            Self::Conflict => "Read the resource, then decide; `detail` names the obstacle.",
            Self::NoPlacement => "Read the job. If it has not ended, wait. If it failed, its error says why.",
            Self::PreconditionFailed => "Read the resource again and send its ETag in If-Match.",
            Self::BodyTooLarge => "Send a smaller document, or raise the limit of the service.",
            Self::UnsupportedMediaType => {
                "Send a Content-Type that the operation names (mostly application/json), with no Content-Encoding."
            }
            Self::InvalidRequest => "Correct every fault that `errors` names; each says what to do.",
            Self::IdempotencyKeyReused => "Use a new Idempotency-Key for a new request.",
            Self::PreconditionRequired => "Read the resource and send its ETag in If-Match.",
            Self::TooManyRequests => {
                "Send fewer requests at once, or wait until jobs have ended; Retry-After says when."
            }
            Self::Damaged => {
                "Restore the database from a backup, or repair the row that `detail` names; everything else can still be read."
            }
            Self::Internal => "Report it with the `instance`, which the service's log names too.",
            Self::Unavailable => "Send the request again later; Retry-After says when.",
            Self::StorageFull => {
                "Free space on the disk of the service, then send the request again; nothing of it was stored. Reads still work."
            }
        }
    }

    /// Returns the type for a status that the framework set.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::InsufficientScope,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::InvalidParameter,
            _ => Self::Internal,
        }
    }
}

impl Serialize for ProblemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.uri())
    }
}

/// An error (RFC 9457), as `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The type of problem, from a closed list. It is the path of a page about the type.
    #[serde(rename = "type")]
    #[schema(value_type = String, format = "uri-reference")]
    pub problem_type: ProblemType,
    /// A short title of the type.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// A description of this occurrence.
    pub detail: String,
    /// The request's id, as in the `x-request-id` header and the service's log.
    pub instance: String,
    /// Every fault of the request, if any. Pointers refer to the body; `/query/limit` refers to a query parameter and
    /// `/header/prefer` to a header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<Fault>,
}

impl Problem {
    /// Creates a problem of this type. Middleware adds the request's id.
    pub fn new(problem_type: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            problem_type,
            title: problem_type.title(),
            status: problem_type.status().as_u16(),
            detail: detail.into(),
            instance: String::new(),
            errors: Vec::new(),
        }
    }

    /// Creates the problem of a document with faults.
    pub fn invalid_request(errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::new(ProblemType::InvalidRequest, "") }.counted("document")
    }

    /// Creates the problem of a body that could not be parsed.
    pub fn malformed_body(errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::new(ProblemType::MalformedBody, "") }.counted("body")
    }

    /// Creates the problem of query parameters or headers with faults.
    pub fn invalid_parameters(errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::new(ProblemType::InvalidParameter, "") }.counted("request's head")
    }

    /// Creates the problem of an unknown id.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(ProblemType::NotFound, format!("there is no {what} {id:?}"))
    }

    /// Creates the problem of a defect of Cutpoint. The cause is logged and not sent to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed because of a defect");
        Self::new(ProblemType::Internal, "the service failed; its log has the cause under this instance")
    }

    /// Creates the problem for an error status that the framework set.
    pub(crate) fn of_framework(status: StatusCode) -> Self {
        let problem_type = ProblemType::of_status(status);
        if status == StatusCode::BAD_REQUEST {
            // The path is the only part of a request that the framework parses.
            return Self::new(problem_type, "a part of the path is not UTF-8 once it is decoded");
        }
        Self { status: status.as_u16(), ..Self::new(problem_type, problem_type.title()) }
    }

    /// Replaces the description of this occurrence.
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Adds these faults.
    pub fn with_errors(self, errors: Vec<Fault>) -> Self {
        Self { errors, ..self }
    }

    fn counted(mut self, what: &str) -> Self {
        self.detail = match self.errors.as_slice() {
            [fault] => fault.to_string(),
            faults if faults.len() >= MAX_FAULTS => format!("the {what} has many faults; these are the first"),
            faults => format!("the {what} has {}", counted(faults.len(), "fault")),
        };
        self
    }
}

impl IntoResponse for Problem {
    /// Returns an answer with the status and the problem as an extension. Middleware that knows the request's id writes
    /// the body.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        let headers = response.headers_mut();
        match self.problem_type {
            ProblemType::Unavailable | ProblemType::TooManyRequests => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // Space rarely becomes free without intervention.
            ProblemType::StorageFull => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            }
            // RFC 6750, section 3.
            ProblemType::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"cutpoint\""));
            }
            ProblemType::InsufficientScope => {
                let challenge = "Bearer realm=\"cutpoint\", error=\"insufficient_scope\"";
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_an_address_and_an_error_status() {
        for problem_type in ProblemType::ALL {
            assert!(problem_type.uri().starts_with("/problems/"), "{problem_type:?}");
            assert!(problem_type.status().is_client_error() || problem_type.status().is_server_error());
        }
        let addresses: std::collections::BTreeSet<&str> = ProblemType::ALL.iter().map(|kind| kind.uri()).collect();
        assert_eq!(addresses.len(), ProblemType::ALL.len());
    }

    #[test]
    fn errors_are_absent_where_there_are_none() {
        let json = serde_json::to_value(Problem::not_found("job", "job_1")).unwrap();
        assert_eq!(json["type"], "/problems/not-found");
        assert_eq!(json["status"], 404);
        assert!(json.get("errors").is_none());
    }
}
