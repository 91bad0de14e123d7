//! Files that commands read whole, and documents that they write with what there is to say of them.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use cutpoint_import::{Fault, InputFile, MAX_FILE_BYTES, Warning};
use serde::Serialize;
use serde_json::Value;

use super::document;

/// A file that was read.
pub(super) struct Content {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Content {
    /// Returns the file as imports take it.
    pub(super) fn file(&self) -> InputFile<'_> {
        InputFile { name: &self.name, content: &self.bytes }
    }
}

/// Reads files and remembers all that could not be read.
#[derive(Default)]
pub(super) struct FileReader {
    /// What could not be read.
    pub(super) faults: Vec<Fault>,
    has_read_standard_input: bool,
}

impl FileReader {
    /// Reads a file of at most [`MAX_FILE_BYTES`], or standard input for `-`.
    pub(super) fn read(&mut self, path: &Path) -> Option<Content> {
        self.read_up_to(path, MAX_FILE_BYTES)
    }

    /// Reads a file with a limit of its own.
    pub(super) fn read_up_to(&mut self, path: &Path, most: usize) -> Option<Content> {
        let name = path.display().to_string();
        let is_standard_input = is_standard(path);
        if is_standard_input && std::mem::replace(&mut self.has_read_standard_input, true) {
            self.fault(&name, "standard input was read already", "Give - once");
            return None;
        }
        // One byte more than is allowed: the import then says that the file is too large.
        let most = most as u64 + 1;
        let mut bytes = Vec::new();
        let read = if is_standard_input {
            std::io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        if let Err(error) = read {
            self.fault(&name, &format!("the file cannot be read: {error}"), "Give a file that can be read");
            return None;
        }
        Some(Content { name, bytes })
    }

    /// Reads a JSON document.
    pub(super) fn json(&mut self, path: &Path) -> Option<Value> {
        let content = self.read(path)?;
        json(&content).map_err(|fault| self.faults.push(fault)).ok()
    }

    /// Returns the files of a folder whose names have an ending, in the order of their names, or the path itself.
    pub(super) fn list(&mut self, path: &Path, ending: &str) -> Vec<PathBuf> {
        if !path.is_dir() {
            return vec![path.to_owned()];
        }
        let name = path.display().to_string();
        let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.fault(&name, &format!("the folder cannot be read: {error}"), "Give a folder that can be read");
                return Vec::new();
            }
        };
        let paths = entries.into_iter().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
        if files.is_empty() {
            self.fault(&name, &format!("the folder has no .{ending} file"), "Give the folder of the results");
        }
        files.sort();
        files
    }

    fn fault(&mut self, file: &str, detail: &str, action: &str) {
        let (file, detail, action) = (file.to_owned(), detail.to_owned(), action.to_owned());
        self.faults.push(Fault { file, place: String::new(), detail, action });
    }
}

/// Reads the content of a file as one JSON document.
pub(super) fn json(content: &Content) -> Result<Value, Fault> {
    document::parse(&content.bytes).map_err(|faults| Fault {
        file: content.name.clone(),
        place: String::new(),
        detail: document::in_one_line(&faults),
        action: "Give a whole JSON document".to_owned(),
    })
}

/// Returns `true` for `-`, which stands for standard input and output.
pub(super) fn is_standard(file: &Path) -> bool {
    file == Path::new("-")
}

/// Prints warnings to standard error.
pub(super) fn say_warnings<'a>(warnings: impl IntoIterator<Item = &'a Warning>) {
    /// The most names in a line.
    const MOST_NAMED: usize = 8;
    for warning in warnings {
        let named = warning.about.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let about = match warning.about.len() {
            0 => String::new(),
            count if count > MOST_NAMED => format!(": {named} and {} more", count - MOST_NAMED),
            _ => format!(": {named}"),
        };
        say(&format!("{}{about}. {}", warning.detail, warning.action));
    }
}

/// Writes a document as JSON.
pub(super) fn write_json(file: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    if is_standard(file) {
        return write_to(std::io::stdout().lock(), value).context("standard output");
    }
    let written = File::create(file).map_err(anyhow::Error::from).and_then(|file| write_to(file, value));
    written.with_context(|| format!("{} cannot be written", file.display()))
}

/// Prints a line to standard error. It may have names from untrusted files, which must not move the
/// cursor.
pub(super) fn say(line: &str) {
    eprintln!("cutpoint: {}", line.replace(char::is_control, "\u{fffd}"));
}

fn write_to(target: impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    let mut target = BufWriter::new(target);
    serde_json::to_writer_pretty(&mut target, value)?;
    target.write_all(b"\n")?;
    Ok(target.flush()?)
}
