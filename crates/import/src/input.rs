//! Files that a caller has read, and how large they may be.

use serde_json::Value;

use crate::fault::Faults;

/// The most bytes of a JSON or CSV file.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// The largest whole number that every JSON reader keeps exactly: 2^53 − 1 (RFC 8259, section 6).
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The most seconds of all layers on a class together that a profile may hold.
pub(crate) const MAX_SECONDS: f64 = 1e7;

/// The most characters of an id or a label.
pub(crate) const MAX_ID_CHARS: usize = 256;

/// A file that the caller has read.
#[derive(Debug, Clone, Copy)]
pub struct InputFile<'a> {
    /// How faults and sources name the file.
    pub name: &'a str,
    /// The bytes of the file.
    pub content: &'a [u8],
}

impl<'a> InputFile<'a> {
    /// Returns the bytes without a byte-order mark. Records a fault for a file that is larger than
    /// `most` bytes.
    pub(crate) fn bytes(&self, most: usize, faults: &mut Faults) -> Option<&'a [u8]> {
        let content = self.content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.content);
        if content.len() > most {
            let detail = format!("the file has {} bytes, more than {most}", content.len());
            faults.record(self.name, "", detail, "Give a smaller file, for instance of fewer runs or nodes");
            return None;
        }
        Some(content)
    }

    /// Returns the text of the file. Records a fault for one that is too large or not UTF-8.
    pub(crate) fn text(&self, most: usize, faults: &mut Faults) -> Option<&'a str> {
        let content = self.bytes(most, faults)?;
        let text = std::str::from_utf8(content);
        if let Err(error) = text {
            let place = format!("byte {}", error.valid_up_to());
            faults.record(self.name, place, "the text is not UTF-8", "Save the file as UTF-8");
        }
        text.ok()
    }

    /// Reads the file as one JSON document. Records a fault for anything else.
    pub(crate) fn json(&self, faults: &mut Faults) -> Option<Value> {
        let mut documents = self.json_documents(faults)?;
        if documents.len() > 1 {
            let detail = format!("the file has {} JSON documents", documents.len());
            faults.record(self.name, "", detail, "Give one document");
            return None;
        }
        documents.pop()
    }

    /// Reads the file as JSON documents one after another, at least one.
    pub(crate) fn json_documents(&self, faults: &mut Faults) -> Option<Vec<Value>> {
        let content = self.bytes(MAX_FILE_BYTES, faults)?;
        let parsed: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(content).into_iter().collect();
        match parsed {
            Ok(documents) if documents.is_empty() => {
                faults.record(self.name, "", "the file is empty", "Give the JSON that the tool prints");
                None
            }
            Ok(documents) => Some(documents),
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                let action = match error.to_string() {
                    text if text.contains("recursion limit") => "Nest at most 127 levels",
                    text if text.contains("out of range") => "Give numbers that a double can hold",
                    _ => "Give the whole, unchanged JSON that the tool prints",
                };
                faults.record(self.name, place, format!("this is not valid JSON: {error}"), action);
                None
            }
        }
    }
}
