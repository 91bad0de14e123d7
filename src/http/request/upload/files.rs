//! Bodies of one or several files, which are kept.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use cutpoint_import::InputFile;
use sha2::{Digest, Sha256};

use super::{BODY, Upload};
use crate::http::compute::compute_apart;
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::arrival::{announced, collect, late, too_large};
use crate::store::Idempotency;

/// The most files of a body.
const MOST_FILES: usize = 100_000;

/// A file of a body.
#[derive(Debug)]
pub struct File {
    /// The name of its part; empty for a body that is a file itself.
    pub part: String,
    /// How faults and sources name it.
    pub name: String,
    /// Its bytes.
    pub content: Bytes,
}

impl File {
    /// Returns the file as imports take it.
    pub fn input(&self) -> InputFile<'_> {
        InputFile { name: &self.name, content: &self.content }
    }

    /// Returns what tells the file from another.
    fn fingerprint(&self) -> (&str, &str, [u8; 32]) {
        (&self.part, &self.name, Sha256::digest(&self.content).into())
    }
}

impl Upload {
    /// Reads all files of the body, and runs work on them, on the blocking pool. A body that is a file itself has no name
    /// for its part.
    ///
    /// # Errors
    /// 408 for a body that is late, 413 for one that is too large, 400 for one that breaks off or whose parts cannot be
    /// read, and the problem that work returns.
    pub async fn files<T: Send + 'static>(
        self,
        work: impl FnOnce(&[File]) -> Result<T, Problem> + Send + 'static,
    ) -> Result<(T, Option<Idempotency>), Problem> {
        let is_multipart = self.is_multipart();
        let Self { request, keyed, permit, limit } = self;
        let reading = async {
            if is_multipart { parts(request, limit.kept_bytes).await } else { whole(request, limit.kept_bytes).await }
        };
        let files = tokio::time::timeout(limit.pause, reading).await.map_err(|_| late(limit.pause))??;
        compute_apart(move || {
            let _permit = permit;
            let done = work(&files)?;
            let fingerprints = || files.iter().map(File::fingerprint).collect::<Vec<_>>();
            Ok((done, keyed.map(|keyed| keyed.with(&fingerprints()))))
        })
        .await
    }
}

async fn whole(request: Request, most: usize) -> Result<Vec<File>, Problem> {
    let (head, body) = request.into_parts();
    let content = collect(body, &head.headers, most).await?;
    Ok(vec![File { part: String::new(), name: BODY.to_owned(), content }])
}

async fn parts(request: Request, most: usize) -> Result<Vec<File>, Problem> {
    announced(request.headers(), most)?;
    // The limit of the framework is another one, and this one holds.
    let request = request.map(|body| Body::new(http_body_util::Limited::new(body, most)));
    let unreadable =
        |text: String| Problem::malformed_body(Vec::new()).with_detail(format!("the parts cannot be read: {text}"));
    let misread = |error: axum::extract::multipart::MultipartError| match error.status().as_u16() {
        413 => too_large(most),
        _ => unreadable(error.body_text()),
    };
    let multipart = Multipart::from_request(request, &()).await;
    let mut multipart = multipart.map_err(|error| unreadable(error.body_text()))?;
    let mut files = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(misread)? {
        if files.len() == MOST_FILES {
            return Err(Problem::new(ProblemType::BodyTooLarge, format!("a body may have {MOST_FILES} parts")));
        }
        let part = field.name().unwrap_or_default().to_owned();
        let name = field.file_name().filter(|name| !name.is_empty()).unwrap_or(&part).to_owned();
        let content = field.bytes().await.map_err(misread)?;
        files.push(File { part, name, content });
    }
    Ok(files)
}
