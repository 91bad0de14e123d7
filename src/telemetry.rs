//! Set-up of tracing: log lines on standard error, for people or as JSON.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Log lines could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter's text is not one.
    #[error("the log filter is not usable: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody has set them up already.
    #[error("logging was set up before: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends everything that passes `filter` to standard error.
///
/// # Errors
/// A filter that cannot be read, or a second call in one process.
pub fn start(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            registry.with(fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal())).try_init()?;
        }
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(stderr)).try_init()?,
    }
    Ok(())
}
