//! Signals that ask a command to end.

use std::io;

use anyhow::Context;

/// The exit code that shells report for a process that SIGINT killed: 128 + 2.
const INTERRUPTED: i32 = 130;

/// Calls `first` at the first interrupt and exits the process at the second. Commands that compute use it. It waits on
/// its own thread.
pub(super) fn listen(first: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let wait = async {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        first();
        eprintln!("cutpoint: stopping with the best so far; interrupt again to quit at once");
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    };
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || runtime.block_on(wait))?;
    Ok(())
}

/// Returns a future that waits for SIGTERM or Ctrl-C. The handlers are installed by the call itself.
#[cfg(unix)]
pub(super) fn asked_to_end() -> anyhow::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened to")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be listened to")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// Returns a future that waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) fn asked_to_end() -> anyhow::Result<impl Future<Output = &'static str>> {
    Ok(async {
        // Without the handler, Ctrl-C kills the process, so this future never has to complete.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    })
}
