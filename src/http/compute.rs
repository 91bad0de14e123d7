//! Runs parsing and hashing. Large work is moved off the threads that answer requests.

/// The most bytes of JSON that are parsed on the async thread, which takes some hundred microseconds.
const SMALL_BYTES: usize = 64 << 10;

/// Runs work on `bytes` of JSON, on the blocking pool unless they are few.
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
            Err(_) => std::future::pending().await, // The runtime is shutting down, so no caller waits.
        },
    }
}
