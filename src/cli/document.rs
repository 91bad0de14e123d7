//! Reads JSON documents of files or of standard input.

use std::path::Path;

use anyhow::Context;
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::read::{Reader, UTF_8_MARK};
use serde_json::Value;

/// Reads a document; `-` is standard input.
pub(super) fn read(file: &Path) -> anyhow::Result<Value> {
    let content = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin()).map(String::into_bytes)
    } else {
        std::fs::read(file)
    };
    let content = content.with_context(|| format!("{} cannot be read", file.display()))?;
    parse(&content)
        .map_err(|faults| anyhow::anyhow!(in_one_line(&faults)))
        .with_context(|| format!("{} is not JSON", file.display()))
}

/// Parses a document. A UTF-8 byte-order mark at its beginning is skipped.
///
/// # Errors
/// Returns why it is not JSON.
pub(super) fn parse(content: &[u8]) -> Result<Value, Vec<Fault>> {
    Reader::parse(content.strip_prefix(UTF_8_MARK).unwrap_or(content))
}

/// Returns faults in one line.
pub(super) fn in_one_line(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
