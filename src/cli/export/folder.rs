//! The folder that an export is written to. A list in it says which files exports wrote, so that none is left behind unnoticed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path};

use anyhow::{Context, ensure};
use cutpoint_export::{Export, File};

/// The list: one path a line. It has no ending that `kubectl` would read.
const LIST: &str = ".cutpoint-export";

/// Writes the files, and says what an earlier export left behind, or removes it.
pub(super) fn write(export: &Export, folder: &Path, prune: bool) -> anyhow::Result<()> {
    let mut stale = gone(export, folder)?;
    for file in &export.files {
        write_file(file, &folder.join(&file.path))?;
    }
    if prune {
        for path in std::mem::take(&mut stale) {
            let whole = folder.join(&path);
            fs::remove_file(&whole).with_context(|| format!("{} cannot be removed", whole.display()))?;
            eprintln!("cutpoint: removed {}", whole.display());
        }
    }
    for path in &stale {
        eprintln!("cutpoint: {} is left of an earlier export; remove it, or give --prune", folder.join(path).display());
    }
    let paths: BTreeSet<&str> =
        export.files.iter().map(|file| file.path.as_str()).chain(stale.iter().map(String::as_str)).collect();
    let list = folder.join(LIST);
    let text: String = paths.iter().flat_map(|path| [path, "\n"]).collect();
    fs::write(&list, text).with_context(|| format!("{} cannot be written", list.display()))?;
    eprintln!(
        "{}: {}",
        folder.display(),
        export.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

/// Returns the files of earlier exports to a folder that are still there and that an export does not have.
pub(super) fn gone(export: &Export, folder: &Path) -> anyhow::Result<Vec<String>> {
    let list = folder.join(LIST);
    let text = match fs::read_to_string(&list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.with_context(|| format!("{} cannot be read", list.display()))?,
    };
    let ours = |path: &str| export.files.iter().any(|file| file.path == path);
    let mut gone = Vec::new();
    for path in text.lines().filter(|path| !ours(path)) {
        let is_inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(
            is_inside && !path.is_empty(),
            "{} names {path:?}, which is not in the folder; remove that line",
            list.display()
        );
        if folder.join(path).symlink_metadata().is_ok() {
            gone.push(path.to_owned());
        }
    }
    Ok(gone)
}

fn write_file(file: &File, path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let written = if file.is_private { write_private(path, &file.bytes) } else { fs::write(path, &file.bytes) };
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes a file that nobody but the user can read. One that is there may have other permissions: it is made anew.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
