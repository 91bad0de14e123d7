//! A body that is read while it arrives.

use std::io::{self, Read};

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{Limit, Upload};
use crate::http::compute::compute_apart;
use crate::http::problem::Problem;
use crate::http::problem::import::not_one_file;
use crate::http::request::arrival::{announced, broken, late, too_large};
use crate::store::Idempotency;

/// Pieces of a body that wait to be read.
const WAITING: usize = 4;

impl Upload {
    /// Runs work that reads the body while it arrives, on the blocking pool. What work leaves unread is read only if the
    /// fingerprint of an idempotency key needs it.
    ///
    /// # Errors
    /// 408 for a body that is late, 413 for one that is too large, 422 for one of several parts, 400 for one that breaks
    /// off, and the problem that work returns.
    pub async fn stream<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut dyn Read) -> Result<T, Problem> + Send + 'static,
    ) -> Result<(T, Option<Idempotency>), Problem> {
        if self.is_multipart() {
            return Err(not_one_file());
        }
        let Self { request, keyed, permit, limit } = self;
        let (sender, chunks) = mpsc::channel(WAITING);
        let hasher = keyed.is_some().then(Sha256::new);
        let mut arriving = Arriving { chunks, chunk: Bytes::new(), hasher };
        let working = compute_apart(move || -> Result<_, Problem> {
            let _permit = permit;
            // Nothing is stored of a body that cannot be used, so its fingerprint is of no use either.
            let done = work(&mut arriving)?;
            if arriving.hasher.is_some() && io::copy(&mut arriving, &mut io::sink()).is_err() {
                // The other side knows why the body ended early, and returns that.
                arriving.hasher = None;
            }
            let hash = arriving.hasher.map(|hasher| <[u8; 32]>::from(hasher.finalize()));
            Ok((done, hash))
        });
        let (head, body) = request.into_parts();
        let (fed, worked) = futures::join!(feed(body, &head.headers, sender, limit), working);
        fed?;
        let (done, hash) = worked?;
        Ok((done, keyed.zip(hash).map(|(keyed, hash)| keyed.with(&hash))))
    }
}

/// Sends the pieces of a body to their reader, until one of the two ends.
async fn feed(
    body: Body,
    headers: &HeaderMap,
    reader: mpsc::Sender<io::Result<Bytes>>,
    limit: Limit,
) -> Result<(), Problem> {
    let fed = tokio::time::timeout(limit.time, pieces(body, headers, &reader, limit));
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
    headers: &HeaderMap,
    reader: &mpsc::Sender<io::Result<Bytes>>,
    limit: Limit,
) -> Result<(), Problem> {
    announced(headers, limit.streamed_bytes)?;
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use axum::extract::Request;
    use tokio::sync::{Semaphore, oneshot};

    use super::*;
    use crate::http::request::upload::Keyed;

    /// An upload that holds the only place of `imports`.
    fn upload(body: &'static str, is_keyed: bool, imports: &Arc<Semaphore>) -> Upload {
        let minute = Duration::from_secs(60);
        Upload {
            request: Request::new(Body::from(body)),
            keyed: is_keyed.then(|| Keyed { key: "once".to_owned(), operation: "POST /".to_owned() }),
            permit: Arc::clone(imports).try_acquire_owned().unwrap(),
            limit: Limit { kept_bytes: 100, streamed_bytes: 100, time: minute, pause: minute },
        }
    }

    #[tokio::test]
    async fn what_work_leaves_unread_counts_for_the_key() {
        let imports = Arc::new(Semaphore::new(1));
        let first = |body: &mut dyn Read| {
            let mut first = [0];
            body.read_exact(&mut first).map_err(Problem::internal)?;
            Ok(first[0])
        };
        let mut fingerprints = Vec::new();
        for body in ["model and rest", "model", "model and rest"] {
            let (read, idempotency) = upload(body, true, &imports).stream(first).await.unwrap();
            assert_eq!(read, b'm');
            fingerprints.push(idempotency.unwrap().fingerprint);
        }
        assert_eq!(fingerprints[0], fingerprints[2]);
        assert_ne!(fingerprints[0], fingerprints[1]);
        assert!(upload("model", false, &imports).stream(first).await.unwrap().1.is_none());
    }

    #[tokio::test]
    async fn work_holds_its_place_after_its_caller_has_gone() {
        let imports = Arc::new(Semaphore::new(1));
        let (begin, begun) = oneshot::channel();
        let (end, ended) = mpsc::channel::<()>();
        let caller = tokio::spawn(upload("", false, &imports).stream(move |_| {
            begin.send(()).unwrap();
            // Fails as soon as the sender is dropped.
            let _ = ended.recv();
            Ok(())
        }));
        begun.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(imports.available_permits(), 0);
        drop(end);
        drop(imports.acquire().await.unwrap());
    }
}
