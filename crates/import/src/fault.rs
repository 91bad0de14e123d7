//! What is wrong with imported files: every fault at once, each with its file and place.

use std::fmt;

use serde::Serialize;

/// The most faults that are recorded for one import.
pub const MAX_FAULTS: usize = 1000;

/// One fault of an imported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The name of the file, or of the option, as the caller gave it.
    pub file: String,
    /// Where in the file: a JSON pointer (also into YAML), or a line; empty for the whole file.
    pub place: String,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub action: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file)?;
        if !self.place.is_empty() {
            write!(out, " at {}", self.place)?;
        }
        write!(out, ": {}. {}", self.detail, self.action)
    }
}

/// Nothing was imported because the files have faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", lines(.faults))]
pub struct ImportError {
    /// Every fault, at least one and at most [`MAX_FAULTS`], in the order in which files were read.
    pub faults: Vec<Fault>,
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Collects faults while files are read.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn record(
        &mut self,
        file: &str,
        place: impl Into<String>,
        detail: impl Into<String>,
        action: impl Into<String>,
    ) {
        if self.0.len() < MAX_FAULTS {
            let (place, detail, action) = (place.into(), detail.into(), action.into());
            self.0.push(Fault { file: file.to_owned(), place, detail, action });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the error of an import that cannot go on.
    pub(crate) fn into_error(self) -> ImportError {
        ImportError { faults: self.0 }
    }

    /// Returns `Ok` if no fault was recorded.
    pub(crate) fn finish(self) -> Result<(), ImportError> {
        if self.0.is_empty() { Ok(()) } else { Err(ImportError { faults: self.0 }) }
    }
}
