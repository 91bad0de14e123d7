//! Puts measured times into a profile.

use std::path::Path;

use cutpoint_import::Imported;
use cutpoint_import::timings::{TimingOptions, TimingReport, apply};

use super::peers::read_file;
use super::{ProfileArguments, Refusal};
use crate::cli::files::FileReader;

/// Puts the times of a file into a profile. What there is to say of both is kept.
pub(super) fn put_in(
    arguments: &ProfileArguments,
    file: &Path,
    profile: Imported,
    reader: &mut FileReader,
) -> Result<Imported, Refusal> {
    let content = read_file(reader, file)?;
    let options = TimingOptions {
        format: arguments.timings_format,
        device_class: arguments.device_class.as_deref().unwrap_or_default(),
        session_s: arguments.session_s,
        ..TimingOptions::default()
    };
    let Imported { document, mut report } = apply(&profile.document, &content.file(), &options)?;
    report.sources.splice(0..0, profile.report.sources);
    report.warnings.splice(0..0, profile.report.warnings);
    report.cost_model = profile.report.cost_model;
    report.constraints = profile.report.constraints;
    Ok(Imported { document, report })
}

/// Returns how much was matched, in one line.
pub(super) fn summary(times: &TimingReport) -> String {
    let scale = times.scale.map_or(String::new(), |scale| format!(", scaled by {scale:.4}"));
    format!(
        "{:.1} % of {:.6} s matched: {} layers measured, {} estimated ({:.6} s){scale}; the profile takes {:.6} s on {}",
        100.0 * times.matched_share,
        times.measured_s,
        times.measured_layers,
        times.estimated.len(),
        times.estimated_s,
        times.profile_s,
        times.device_class,
    )
}
