//! Bodies that are files of other programs: one that is read while it arrives, or several that are kept.

mod files;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use cutpoint_planner::domain::unit::counted;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::http::api::Api;
use crate::http::headers::idempotency;
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::arrival::{check_encoding, media_type};
use crate::store::Idempotency;

pub use files::File;

/// How faults and sources name a body that is a file itself.
pub const BODY: &str = "body";

/// A body that has not been read yet.
pub struct Upload {
    request: Request,
    keyed: Option<Keyed>,
    /// Holds a place among the imports that run at once. The work on the body takes it along: it runs to its end even if
    /// the caller has gone.
    permit: OwnedSemaphorePermit,
    limit: Limit,
}

/// A request with an idempotency key.
struct Keyed {
    key: String,
    /// The method and the path with the query, which say what is done with the body.
    operation: String,
}

/// How large a body may be, and how long it may take.
#[derive(Debug, Clone, Copy)]
struct Limit {
    kept_bytes: usize,
    streamed_bytes: usize,
    time: Duration,
    /// The longest pause.
    pause: Duration,
}

impl FromRequest<Api> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        check_encoding(request.headers())?;
        let key = idempotency::key(request.headers())?;
        let permit = Arc::clone(&api.imports).try_acquire_owned().map_err(|_| {
            let running = counted(api.limits.imports, "import");
            Problem::new(ProblemType::Unavailable, format!("{running} run already, and more must wait"))
        })?;
        let uri = request.uri();
        let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
        let operation = format!("{} {path}", request.method());
        let limit = Limit {
            kept_bytes: api.limits.body_bytes,
            streamed_bytes: api.limits.import_bytes,
            time: api.limits.import_timeout,
            pause: api.limits.body_timeout,
        };
        Ok(Self { request, keyed: key.map(|key| Keyed { key, operation }), permit, limit })
    }
}

impl Upload {
    fn is_multipart(&self) -> bool {
        media_type(self.request.headers()).eq_ignore_ascii_case("multipart/form-data")
    }
}

impl Keyed {
    /// Returns the key with the fingerprint of the request. `content` stands for the body.
    fn with(self, content: &impl Serialize) -> Idempotency {
        idempotency::of(self.key, &self.operation, content)
    }
}
