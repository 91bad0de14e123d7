//! Reads an ONNX file, with progress on a terminal.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use cutpoint_onnx::{Error, ExternalData, Options, Profile};
use indicatif::{ProgressBar, ProgressStyle};

use super::{ProfileArguments, Profiled, Refusal};
use crate::cli::files::is_standard;
use crate::import::onnx::imported;

pub(super) fn read(arguments: &ProfileArguments) -> Result<Profiled, Refusal> {
    let name = arguments.model.display().to_string();
    let profile = profile(arguments).map_err(|error| {
        let text = format!("{name}: {error}{}", flags_for(&error));
        if matches!(error, Error::Read(_)) {
            Refusal::Failure(anyhow::anyhow!(text))
        } else {
            Refusal::BadInput(vec![text])
        }
    })?;
    let imported = imported(&profile, &short_name(&arguments.model))
        .context("the profile cannot be written")
        .map_err(Refusal::Failure)?;
    Ok(Profiled { imported, onnx: Some(profile.report) })
}

/// Returns how sources name a file.
fn short_name(file: &Path) -> String {
    match file.file_name() {
        Some(name) if !is_standard(file) => name.to_string_lossy().into_owned(),
        _ => "standard input".to_owned(),
    }
}

/// Returns which flags do what an error asks for.
fn flags_for(error: &Error) -> &'static str {
    match error {
        Error::UnsetDimensions { .. } => ". Use --dim NAME=N for a dimension and --input NAME=NxNxN for a shape",
        Error::Unsized { .. } => ". Use --input NAME=NxNxN for a shape",
        Error::Unsupported { operator, .. } if operator == "If" => ". Use --value NAME=N for a value",
        _ => "",
    }
}

fn profile(arguments: &ProfileArguments) -> Result<Profile, Error> {
    let mut options = Options {
        name: arguments.name.clone(),
        batch_size: arguments.batch_size,
        external_data: ExternalData::Refuse,
        ..arguments.onnx.options()
    };
    if is_standard(&arguments.model) {
        return profile_of(std::io::stdin().lock(), None, &options);
    }
    options.external_data = ExternalData::beside(&arguments.model);
    let file = File::open(&arguments.model).map_err(Error::Read)?;
    let length = file.metadata().map_err(Error::Read)?.len();
    profile_of(file, Some(length), &options)
}

fn profile_of(source: impl Read, length: Option<u64>, options: &Options) -> Result<Profile, Error> {
    let bar = progress_bar(length);
    let profile = cutpoint_onnx::profile(bar.wrap_read(source), options);
    bar.finish_and_clear();
    profile
}

/// Returns a progress bar on standard error. It stays hidden if standard error is not a terminal.
fn progress_bar(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (ProgressBar::new(length), "{spinner} {bytes}/{total_bytes} {elapsed}"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
