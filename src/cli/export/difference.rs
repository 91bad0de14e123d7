//! How an export differs from the one in a folder.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use cutpoint_export::{Export, File};
use similar::TextDiff;

use super::folder;
use crate::cli::complain;
use crate::cli::exit::Exit;

/// Prints which files are new, changed or gone. The exit code is 0 if none is, 1 if some are, and 2 if that cannot be said.
pub(super) fn show(export: &Export, folder: &Path) -> Exit {
    match compare(export, folder).and_then(|lines| print(&lines).context("standard output").map(|()| lines)) {
        Ok(lines) if lines.is_empty() => Exit::Success,
        Ok(_) => Exit::Failure,
        Err(error) => {
            complain(&error);
            Exit::BadInput
        }
    }
}

fn compare(export: &Export, folder: &Path) -> anyhow::Result<String> {
    fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut text = String::new();
    for file in &export.files {
        text += &of_file(file, &folder.join(&file.path))?;
    }
    for path in folder::gone(export, folder)? {
        text += &format!("gone: {path}\n");
    }
    Ok(text)
}

fn of_file(file: &File, path: &Path) -> anyhow::Result<String> {
    let earlier = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(format!("new: {}\n", file.path)),
        bytes => bytes.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    if earlier == file.bytes {
        return Ok(String::new());
    }
    if file.holds_token {
        return Ok(format!("changed: {} (not shown: it holds the token)\n", file.path));
    }
    let (earlier, now) = (String::from_utf8_lossy(&earlier), String::from_utf8_lossy(&file.bytes));
    let difference = TextDiff::from_lines(earlier.as_ref(), now.as_ref());
    let unified = difference.unified_diff().context_radius(3).header("before", "after").to_string();
    Ok(format!("changed: {}\n{}", file.path, visible(&unified)))
}

/// Replaces control characters: a file of a stranger must not move the cursor of a terminal.
fn visible(text: &str) -> String {
    text.replace(|sign: char| sign.is_control() && sign != '\n' && sign != '\t', "\u{fffd}")
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
