//! Where parsing and hashing run: large work leaves the threads that answer everybody else.

/// Bytes of JSON that are read where they arrive: some hundred microseconds of work.
const SMALL_BYTES: usize = 64 << 10;

/// Runs work on `bytes` of JSON, on the blocking pool unless it is small.
pub async fn compute<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= SMALL_BYTES { work() } else { compute_apart(work).await }
}

/// Runs work on the blocking pool.
pub async fn compute_apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            // The router turns a panic into a problem.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await, // The runtime is shutting down; nobody waits for this any more.
        },
    }
}
