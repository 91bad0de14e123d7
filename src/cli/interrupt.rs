//! Signals that ask a command to end.

use std::io;

use anyhow::Context;

/// The code with which a process ends that an interrupt killed, as shells count.
const INTERRUPTED: i32 = 130;

/// For commands that compute: calls `first` at the first interrupt and exits at the second, from a thread of its own.
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

/// For commands that serve: waits for SIGTERM or Ctrl-C, from the moment of the call on.
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

/// For commands that serve: waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) fn asked_to_end() -> anyhow::Result<impl Future<Output = &'static str>> {
    Ok(async {
        // Without the signal there is nothing to wait for but the end of the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    })
}
