//! Draws a placement into an SVG file.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use cutpoint_export::{Documents, ExportError, Format, Options, export};
use cutpoint_planner::domain::placement::PlacementDocument;

use super::input;

/// Writes the drawing of a placement; `-` is standard output. Without stages there is nothing to draw, which a message says.
pub(super) fn write(placement: &PlacementDocument, file: &Path) -> anyhow::Result<()> {
    let document = serde_json::to_value(placement)?;
    let documents = Documents { placement: &document, stages: None, cluster: None };
    let drawing = match export(documents, Format::Svg, &Options::default()) {
        Err(ExportError::NoStages) => {
            eprintln!("cutpoint: --svg {}: there is no placement to draw", file.display());
            return Ok(());
        }
        drawing => drawing?,
    };
    let bytes = &drawing.files[0].bytes;
    if input::is_standard_input(file) {
        // As it is, so that a closed pipe is told from other errors.
        io::stdout().lock().write_all(bytes)?;
        return Ok(());
    }
    std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))
}
