//! Reads JSON documents of files or of standard input.

use std::path::Path;

use anyhow::Context;
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
    let text = content.strip_prefix(UTF_8_MARK).unwrap_or(&content);
    parse(text).with_context(|| format!("{} is not JSON", file.display()))
}

/// Parses a document, with all of its faults in one error.
fn parse(text: &[u8]) -> anyhow::Result<Value> {
    Reader::parse(text)
        .map_err(|faults| anyhow::anyhow!(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}
