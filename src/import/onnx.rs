//! Profiles of ONNX files with where each of their figures comes from.

use cutpoint_import::{Imported, Origin, Report, Source, Warning, describe};
use cutpoint_onnx::{Document, Profile};
use serde_json::Value;

/// The name under which sources stand.
const TOOL: &str = "onnx";

/// Returns the profile of a file as an imported document.
///
/// # Errors
/// Returns an error if the document cannot be written as JSON.
pub fn imported(profile: &Profile, file: &str) -> serde_json::Result<Imported> {
    let sources = sources(profile, file);
    let mut document = serde_json::to_value(&profile.document)?;
    document["description"] = Value::String(describe(&profile.document.description, &sources));
    let warnings = profile.report.warnings.iter().map(warning).collect();
    Ok(Imported { document, report: Report { sources, warnings, ..Report::default() } })
}

fn warning(warning: &cutpoint_onnx::Warning) -> Warning {
    Warning {
        code: warning.code,
        detail: warning.detail.clone(),
        action: warning.action.to_owned(),
        about: warning.about.clone(),
    }
}

/// Returns where the figures of a profile come from.
fn sources(Profile { document, report }: &Profile, file: &str) -> Vec<Source> {
    let source = |figure: &str, origin, of: Vec<String>, note: Option<&str>| Source {
        figure: figure.to_owned(),
        of,
        origin,
        tool: Some(TOOL.to_owned()),
        files: vec![file.to_owned()],
        place: None,
        note: note.map(str::to_owned),
    };
    let mut sources = Vec::new();
    let (origin, note) = origin_of(report.batch_size_source);
    sources.push(source("batch_size", origin, vec![document.name.clone()], note));
    for dimension in &report.dimensions {
        let (origin, note) = origin_of(dimension.source);
        let figure = format!("dimensions/{}", dimension.name);
        sources.push(source(&figure, origin, vec![dimension.size.to_string()], note));
    }
    let stored = ids(document, |layer| layer.param_bytes > 0);
    sources.push(source("param_bytes", Origin::Stated, stored, Some("weights of the file")));
    for kind in [
        cutpoint_onnx::Source::File,
        cutpoint_onnx::Source::Set,
        cutpoint_onnx::Source::Computed,
        cutpoint_onnx::Source::Guessed,
        cutpoint_onnx::Source::Default,
    ] {
        let of = report.tensors.iter().filter(|tensor| tensor.source == kind);
        let (origin, note) = origin_of(kind);
        sources.push(source("output_bytes", origin, of.map(|tensor| tensor.layer_id.to_string()).collect(), note));
    }
    let has_rule = |op: &str| report.operators.iter().any(|operator| &*operator.kind == op && operator.has_rule);
    let counted = ids(document, |layer| layer.flops > 0 && has_rule(&layer.op));
    sources.push(source("flops", Origin::Derived, counted, Some("counted by the operators' rules")));
    let elements = ids(document, |layer| layer.flops > 0 && !has_rule(&layer.op));
    sources.push(source("flops", Origin::Guessed, elements, Some("one for each element, as there is no rule")));
    sources.retain(|source| !source.of.is_empty());
    sources
}

fn ids(document: &Document, is_wanted: impl Fn(&cutpoint_onnx::Layer) -> bool) -> Vec<String> {
    document.layers.iter().filter(|layer| is_wanted(layer)).map(|layer| layer.id.to_string()).collect()
}

/// Returns how much a figure is worth, and why.
fn origin_of(source: cutpoint_onnx::Source) -> (Origin, Option<&'static str>) {
    match source {
        cutpoint_onnx::Source::File => (Origin::Stated, None),
        cutpoint_onnx::Source::Set => (Origin::Stated, Some("set by an option")),
        cutpoint_onnx::Source::Computed => (Origin::Derived, Some("computed from the shapes of the inputs")),
        cutpoint_onnx::Source::Guessed => (Origin::Guessed, Some("the largest possible, or what looks like it")),
        cutpoint_onnx::Source::Default => (Origin::Default, Some("nothing says it")),
    }
}
