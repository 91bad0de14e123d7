//! Ctrl-C for commands that compute: the first asks for the best so far, the second ends the process.

use std::io;

/// The code with which a process ends that an interrupt killed, as shells count.
const INTERRUPTED: i32 = 130;

/// Calls `first` at the first interrupt and exits at the second, from a thread of its own.
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
