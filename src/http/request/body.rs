//! Reads the body of a request: bytes to JSON, then to a domain type, collecting all faults.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::unit::counted;
use futures::StreamExt;
use serde_json::Value;

use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::headers::idempotency;
use crate::http::problem::{Problem, ProblemType};
use crate::store::Idempotency;

/// Defines the schema of a request document and the list of its fields. Other fields are refused.
macro_rules! document {
    ($(#[$about:meta])* pub struct $document:ident { $($(#[$meaning:meta])* pub $field:ident: $type:ty,)+ }) => {
        $(#[$about])*
        pub struct $document { $($(#[$meaning])* pub $field: $type,)+ }

        impl $document {
            /// Field names of the document.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
        }
    };
}

pub(crate) use document;

/// A parsed JSON body that is not validated yet.
#[derive(Debug)]
pub struct Document {
    /// The parsed JSON.
    pub value: Value,
    /// The length of its text, bytes.
    pub bytes: usize,
    /// The caller's idempotency key with the fingerprint of this request.
    pub idempotency: Option<Idempotency>,
}

impl Document {
    /// Reads the document into a domain type.
    ///
    /// # Errors
    /// 422 with every fault.
    pub async fn read<T: Send + 'static>(
        self,
        read: impl FnOnce(&mut Reader, &Value) -> Option<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reader, value) = self.draft(read).await?;
        reader.finish(Some(value)).map_err(Problem::invalid_request)
    }

    /// Reads the document without resolving ids. The reader collects the faults, and more may follow.
    ///
    /// # Errors
    /// 422 with every fault if nothing can be read.
    pub async fn draft<T: Send + 'static>(
        self,
        read: impl FnOnce(&mut Reader, &Value) -> Option<T> + Send + 'static,
    ) -> Result<(Reader, T), Problem> {
        let drafted = compute(self.bytes, move || {
            let mut reader = Reader::new();
            match read(&mut reader, &self.value) {
                Some(value) => Ok((reader, value)),
                None => Err(reader.finish(None::<()>).err().unwrap_or_default()),
            }
        });
        drafted.await.map_err(Problem::invalid_request)
    }
}

impl FromRequest<Api> for Document {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        check_media_type(&head.headers)?;
        let key = idempotency::key(&head.headers)?;
        let limit = api.limits.body_timeout;
        let collected = tokio::time::timeout(limit, collect(body, &head.headers, api.limits.body_bytes)).await;
        let text = collected.map_err(|_| {
            Problem::new(ProblemType::RequestTimeout, format!("the body took longer than {} s", limit.as_secs_f64()))
        })??;
        let operation = format!("{} {}", head.method, head.uri.path());
        let bytes = text.len();
        let parsed = compute(bytes, move || {
            let value = Reader::parse(&text)?;
            let idempotency = key.map(|key| idempotency::of(key, &operation, &value));
            Ok((value, idempotency))
        });
        let (value, idempotency) = parsed.await.map_err(Problem::malformed_body)?;
        Ok(Self { value, bytes, idempotency })
    }
}

const MOST_SET_ASIDE_BYTES: usize = 1 << 20;

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text_of = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text_of(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = format!("the Content-Type is {essence:?}, but must be application/json");
        return Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
    }
    let encoding = text_of(header::CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        let detail = format!("the Content-Encoding is {encoding:?}, but must be absent");
        return Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
    }
    Ok(())
}

/// Reads the whole body, at most `limit` bytes.
async fn collect(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > limit) {
        return Err(too_large(limit));
    }
    // A client can announce any length at no cost, so the initial allocation is limited.
    let mut text = Vec::with_capacity(announced.unwrap_or(0).min(limit).min(MOST_SET_ASIDE_BYTES));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|error| Problem::malformed_body(Vec::new()).with_detail(format!("the body broke off: {error}")))?;
        if chunk.len() > limit.saturating_sub(text.len()) {
            return Err(too_large(limit));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text.into())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemType::BodyTooLarge, format!("a body may have {}", counted(limit, "byte")))
}
