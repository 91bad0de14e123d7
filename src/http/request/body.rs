//! Reads the body of a request: bytes to JSON, then to a domain type, collecting all faults.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use cutpoint_planner::domain::read::Reader;
use serde_json::Value;

use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::headers::idempotency;
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::arrival::{check_encoding, collect, late, media_type};
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
        let text = collected.map_err(|_| late(limit))??;
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

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = media_type(headers);
    if !media_type.eq_ignore_ascii_case("application/json") {
        let detail = format!("the Content-Type is {media_type:?}, but must be application/json");
        return Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
    }
    check_encoding(headers)
}
