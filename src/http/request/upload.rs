//! Bodies that are files of other programs: one that is read while it arrives, or several that are kept.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use cutpoint_import::InputFile;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::unit::counted;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::http::api::Api;
use crate::http::compute::compute_apart;
use crate::http::headers::idempotency;
use crate::http::problem::{Problem, ProblemType};
use crate::store::Idempotency;

/// Pieces of a body that wait to be read.
const WAITING: usize = 4;

/// The most files of a body.
const MOST_FILES: usize = 100_000;

/// How faults and sources name a body that is a file itself.
pub const BODY: &str = "body";

/// A body that has not been read yet.
pub struct Upload {
    head: HeaderMap,
    /// The method and the path with the query, which say what is done with the body.
    operation: String,
    request: Request,
    key: Option<String>,
    /// Holds a place among the imports that run at once.
    permit: OwnedSemaphorePermit,
    limit: Limit,
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

/// The files of a body.
pub struct Files {
    /// In the order of the body.
    pub files: Vec<File>,
    /// The caller's idempotency key with the fingerprint of this request.
    pub idempotency: Option<Idempotency>,
    permit: OwnedSemaphorePermit,
}

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
}

impl FromRequest<Api> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let head = request.headers().clone();
        let encoding = text_of(&head, header::CONTENT_ENCODING);
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            let detail = format!("the Content-Encoding is {encoding:?}, but must be absent");
            return Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
        }
        let key = idempotency::key(&head)?;
        let permit = std::sync::Arc::clone(&api.imports).try_acquire_owned().map_err(|_| {
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
        Ok(Self { head, operation, request, key, permit, limit })
    }
}

impl Upload {
    /// Runs work that reads the body while it arrives, on the blocking pool.
    ///
    /// # Errors
    /// 408 for a body that is late, 413 for one that is too large, 422 for one of several parts, and 400 for one that
    /// breaks off.
    pub async fn stream<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
    ) -> Result<(T, Option<Idempotency>), Problem> {
        if self.is_multipart() {
            return Err(not_one_file());
        }
        let (sender, chunks) = mpsc::channel(WAITING);
        let hasher = self.key.is_some().then(Sha256::new);
        let mut arriving = Arriving { chunks, chunk: Bytes::new(), hasher };
        let working = compute_apart(move || {
            let done = work(&mut arriving);
            // The rest counts for the fingerprint, too.
            let rest = io::copy(&mut arriving, &mut io::sink());
            (done, arriving.hasher.filter(|_| rest.is_ok()))
        });
        let body = self.request.into_body();
        let (fed, (done, hasher)) = futures::join!(feed(body, &self.head, sender, self.limit), working);
        drop(self.permit);
        fed?;
        let fingerprint = hasher.map(|hasher| hex(hasher.finalize().as_slice()));
        let idempotency =
            self.key.zip(fingerprint).map(|(key, hash)| idempotency::of(key, &self.operation, &hash.into()));
        Ok((done, idempotency))
    }

    /// Reads all files of the body. One that is a file itself has no name for its part.
    ///
    /// # Errors
    /// As [`Upload::stream`], but several files are taken.
    pub async fn files(self) -> Result<Files, Problem> {
        let limit = self.limit;
        let is_multipart = self.is_multipart();
        let reading = async {
            if is_multipart {
                parts(self.request, limit.kept_bytes).await
            } else {
                whole(self.request, limit.kept_bytes).await
            }
        };
        let files = tokio::time::timeout(limit.pause, reading).await.map_err(|_| late(limit.pause))??;
        let idempotency = self.key.map(|key| {
            let mut hasher = Sha256::new();
            for file in &files {
                for text in [file.part.as_bytes(), file.name.as_bytes(), &file.content] {
                    hasher.update((text.len() as u64).to_le_bytes());
                    hasher.update(text);
                }
            }
            idempotency::of(key, &self.operation, &hex(hasher.finalize().as_slice()).into())
        });
        Ok(Files { files, idempotency, permit: self.permit })
    }

    fn is_multipart(&self) -> bool {
        let essence = text_of(&self.head, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_owned();
        essence.eq_ignore_ascii_case("multipart/form-data")
    }
}

impl Files {
    /// Runs work on the files, on the blocking pool.
    pub async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce(&[File]) -> T + Send + 'static,
    ) -> (T, Option<Idempotency>) {
        let Self { files, idempotency, permit } = self;
        let done = compute_apart(move || work(&files)).await;
        drop(permit);
        (done, idempotency)
    }
}

/// Sends the pieces of a body to their reader, until one of the two ends.
async fn feed(
    body: Body,
    head: &HeaderMap,
    reader: mpsc::Sender<io::Result<Bytes>>,
    limit: Limit,
) -> Result<(), Problem> {
    let fed = tokio::time::timeout(limit.time, pieces(body, head, &reader, limit));
    let problem = match fed.await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(problem)) => problem,
        Err(_) => late(limit.time),
    };
    // The reader must not take what came so far for the whole. It may have ended already.
    let _ = reader.send(Err(io::Error::other("the body did not arrive whole"))).await;
    Err(problem)
}

async fn pieces(
    body: Body,
    head: &HeaderMap,
    reader: &mpsc::Sender<io::Result<Bytes>>,
    limit: Limit,
) -> Result<(), Problem> {
    check_length(head, limit.streamed_bytes)?;
    let mut left = limit.streamed_bytes;
    let mut chunks = body.into_data_stream();
    loop {
        let next = tokio::select! {
            () = reader.closed() => return Ok(()),
            next = tokio::time::timeout(limit.pause, chunks.next()) => next,
        };
        let Some(chunk) = next.map_err(|_| late(limit.pause))? else { return Ok(()) };
        let chunk = chunk.map_err(broken)?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| too_large(limit.streamed_bytes))?;
        if reader.send(Ok(chunk)).await.is_err() {
            return Ok(());
        }
    }
}

/// A body while it arrives.
struct Arriving {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
    hasher: Option<Sha256>,
}

impl Read for Arriving {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let count = target.len().min(self.chunk.len());
        let taken = self.chunk.split_to(count);
        target[..count].copy_from_slice(&taken);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&taken);
        }
        Ok(count)
    }
}

async fn whole(request: Request, most: usize) -> Result<Vec<File>, Problem> {
    check_length(request.headers(), most)?;
    let mut content = Vec::new();
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(broken)?;
        if chunk.len() > most - content.len() {
            return Err(too_large(most));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(vec![File { part: String::new(), name: BODY.to_owned(), content: content.into() }])
}

async fn parts(request: Request, most: usize) -> Result<Vec<File>, Problem> {
    check_length(request.headers(), most)?;
    // The limit of the framework is another one, and this one holds.
    let request = request.map(|body| Body::new(http_body_util::Limited::new(body, most)));
    let misread = |error: axum::extract::multipart::MultipartError| match error.status().as_u16() {
        413 => too_large(most),
        _ => {
            Problem::malformed_body(Vec::new()).with_detail(format!("the parts cannot be read: {}", error.body_text()))
        }
    };
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|error| {
        Problem::malformed_body(Vec::new()).with_detail(format!("the parts cannot be read: {}", error.body_text()))
    })?;
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

fn check_length(head: &HeaderMap, most: usize) -> Result<(), Problem> {
    let announced = text_of(head, header::CONTENT_LENGTH).parse::<usize>().ok();
    if announced.is_some_and(|announced| announced > most) { Err(too_large(most)) } else { Ok(()) }
}

fn text_of(head: &HeaderMap, name: header::HeaderName) -> &str {
    head.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Returns the problem of a body with several parts where a file by itself is wanted.
pub fn not_one_file() -> Problem {
    let action = "Send the file by itself, as application/octet-stream";
    Problem::invalid_request(vec![Fault::new("", FaultCode::Conflict, "the body has several parts", action)])
}

/// Returns the problem of a part that does not go with the format.
pub fn unknown_part(part: &str, known: &[&str]) -> Problem {
    let action = format!("Remove it; known with this format: {}", known.join(", "));
    let detail = "this part does not go with the format";
    Problem::invalid_request(vec![Fault::new(format!("/{part}"), FaultCode::Conflict, detail, action)])
}

/// Returns the problem of a part that must be there once.
pub fn part_missing(part: &str, count: usize) -> Problem {
    let (code, detail) = match count {
        0 => (FaultCode::Missing, "this part is missing".to_owned()),
        count => (FaultCode::Duplicate, format!("this part is there {count} times")),
    };
    Problem::invalid_request(vec![Fault::new(format!("/{part}"), code, detail, "Give it once")])
}

fn too_large(most: usize) -> Problem {
    Problem::new(ProblemType::BodyTooLarge, format!("a body may have {}", counted(most, "byte")))
}

fn late(limit: Duration) -> Problem {
    Problem::new(ProblemType::RequestTimeout, format!("the body took longer than {} s", limit.as_secs_f64()))
}

fn broken(error: axum::Error) -> Problem {
    Problem::malformed_body(Vec::new()).with_detail(format!("the body broke off: {error}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
