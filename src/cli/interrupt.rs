//! Ctrl-C for commands that compute: the first asks for the best so far, the second ends the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The code with which a process ends that an interrupt killed, as shells count.
const INTERRUPTED: i32 = 130;

/// Sets `interrupted` at the first interrupt and exits at the second, from a thread of its own.
pub(super) fn listen(interrupted: Arc<AtomicBool>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        runtime.block_on(async {
            for is_first in [true, false] {
                if tokio::signal::ctrl_c().await.is_err() {
                    return;
                }
                if !is_first {
                    std::process::exit(INTERRUPTED);
                }
                interrupted.store(true, Ordering::Relaxed);
                eprintln!("cutpoint: stopping with the best so far; interrupt again to quit at once");
            }
        });
    })?;
    Ok(())
}
