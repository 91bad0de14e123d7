//! Profiles from files of other planners, and profiles as they are.

use cutpoint_import::pipeedge::{self, Choice};
use cutpoint_import::{Imported, Report, dnn_partitioning};
use cutpoint_planner::domain::model::ModelProfile;

use super::{ModelFormat, ProfileArguments, Refusal};
use crate::cli::document;
use crate::cli::files::{Content, FileReader};

pub(super) fn read(
    arguments: &ProfileArguments,
    format: ModelFormat,
    reader: &mut FileReader,
) -> Result<Imported, Refusal> {
    let model = read_file(reader, &arguments.model)?;
    match format {
        ModelFormat::Pipeedge => pipeedge_model(arguments, &model, reader),
        ModelFormat::DnnPartitioning => {
            let name = arguments.name.as_deref().unwrap_or("model");
            Ok(dnn_partitioning::import(&model.file(), name)?.model)
        }
        ModelFormat::Profile | ModelFormat::Onnx => profile(&model),
    }
}

pub(super) fn read_file(reader: &mut FileReader, file: &std::path::Path) -> Result<Content, Refusal> {
    reader
        .read(file)
        .ok_or_else(|| Refusal::BadInput(std::mem::take(&mut reader.faults).iter().map(ToString::to_string).collect()))
}

fn pipeedge_model(
    arguments: &ProfileArguments,
    models: &Content,
    reader: &mut FileReader,
) -> Result<Imported, Refusal> {
    let types = arguments.device_types.as_ref().map(|file| read_file(reader, file)).transpose()?;
    let choice = Choice {
        model: arguments.wanted.as_deref(),
        batch_size: arguments.batch_size,
        dtype: arguments.dtype.as_deref(),
    };
    let types = types.as_ref().map(Content::file);
    let mut imported = pipeedge::models(&models.file(), types.as_ref(), &choice)?;
    let names: Vec<&str> = imported.iter().filter_map(|model| model.document["name"].as_str()).collect();
    if names.len() > 1 {
        let names = names.join(", ");
        let text = format!("{} has several models: {names}. Choose one with --model", models.name);
        return Err(Refusal::BadInput(vec![text]));
    }
    let Some(mut model) = imported.pop() else {
        return Err(Refusal::BadInput(vec![format!("{} has no model", models.name)]));
    };
    if let Some(name) = &arguments.name {
        model.document["name"] = name.as_str().into();
    }
    Ok(model)
}

/// Reads a profile of Cutpoint.
fn profile(file: &Content) -> Result<Imported, Refusal> {
    let document = document::parse(&file.bytes);
    let document = document
        .and_then(|document| ModelProfile::from_json(&document).map(|_| document))
        .map_err(|faults| Refusal::BadInput(faults.iter().map(|fault| format!("{}: {fault}", file.name)).collect()))?;
    Ok(Imported { document, report: Report::default() })
}
