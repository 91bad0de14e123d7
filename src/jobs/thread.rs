//! Threads of solves. Each solve has its own, at a lower priority than the threads that answer requests.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::oneshot;

/// The result of a solve, or the message of its panic.
pub(super) type Solving<T> = oneshot::Receiver<Result<T, String>>;

/// The niceness of a solve, of at most 19 (`man 2 nice`). At 10 the kernel gives it a tenth of the time of a thread
/// that answers requests, and wakes the latter first. A solve on an otherwise idle machine loses nothing.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Runs a solve on a new thread. The threads that it starts inherit its niceness.
///
/// # Errors
/// The system could not start a thread.
pub(super) fn solve_on_thread<T: Send + 'static>(solve: impl FnOnce() -> T + Send + 'static) -> io::Result<Solving<T>> {
    let (done, solving) = oneshot::channel();
    thread::Builder::new().name("solve".to_owned()).spawn(move || {
        lower_priority();
        // Nothing uses the state of the solve after a panic.
        let solved = catch_unwind(AssertUnwindSafe(solve)).map_err(|panic| words(&*panic));
        // The receiver is gone if the lease was lost or the service is shutting down.
        let _ = done.send(solved);
    })?;
    Ok(solving)
}

/// Lowers the priority of this thread. Only Linux has a niceness for each thread; elsewhere this does nothing.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the priority of a solve was not lowered");
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_comes_back_in_words() {
        let solve = |fails: bool| solve_on_thread(move || if fails { panic!("no {}", "way") } else { 7 }).unwrap();
        assert_eq!(solve(false).await.unwrap(), Ok(7));
        assert_eq!(solve(true).await.unwrap(), Err("no way".to_owned()));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_solve_and_the_threads_that_it_starts_lower_priority() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let own = niceness();
        let solve = move || (niceness(), thread::spawn(niceness).join().unwrap());
        let nicer = (own + NICENESS).min(19);
        assert_eq!(solve_on_thread(solve).unwrap().await.unwrap(), Ok((nicer, nicer)));
        assert_eq!(niceness(), own);
    }
}
