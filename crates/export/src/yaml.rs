//! YAML that readers of versions 1.1 and 1.2 understand alike.

use serde::Serialize;

use crate::error::ExportError;

/// Returns a document that begins with `---`, so that documents can follow each other.
pub(crate) fn document(value: &impl Serialize) -> Result<String, ExportError> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false, yaml_12: false };
    let mut text = String::from("---\n");
    serde_saphyr::to_fmt_writer_with_options(&mut text, value, options)
        .map_err(|error| ExportError::Written(error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
