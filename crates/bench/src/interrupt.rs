//! The end of a run: at its deadline, or when Ctrl-C is pressed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use cutpoint_planner::{Stop, StopReason};

/// The exit code of a process that Ctrl-C ended, as in shells: 128 plus the number of the signal.
const INTERRUPTED: i32 = 130;

/// Tells whether Ctrl-C was pressed.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts a thread that waits for Ctrl-C. The second Ctrl-C ends the process.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.context("the interrupt signal cannot be listened to")?;
        let pressed = Arc::new(AtomicBool::new(false));
        let told = pressed.clone();
        let wait = async move {
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            told.store(true, Ordering::Relaxed);
            eprintln!("cutpoint-bench: stopping with what is done; interrupt again to quit at once");
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(INTERRUPTED);
            }
        };
        std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || runtime.block_on(wait))?;
        Ok(Self(pressed))
    }

    /// Returns `true` once Ctrl-C was pressed.
    pub(super) fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The stop hook of one run.
pub(super) struct RunEnd<'a> {
    /// Ends all runs.
    pub(super) interrupt: &'a Interrupt,
    /// Ends this run.
    pub(super) deadline: Instant,
}

impl Stop for RunEnd<'_> {
    fn reason(&self) -> Option<StopReason> {
        if self.interrupt.has_come() {
            return Some(StopReason::Stopped);
        }
        (Instant::now() >= self.deadline).then_some(StopReason::TimeLimit)
    }
}
