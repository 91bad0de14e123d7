//! `models.yml`: chains of layers, with the times that `device_types.yml` has of them.

use std::collections::BTreeMap;

use super::device_types::DeviceType;
use super::times::{profiles, times};
use super::{BUFFERS, MEGA, TOOL};
use crate::cursor::{Cursor, is_id};
use crate::document::{Edge, Layer, Model};
use crate::fault::{Faults, ImportError};
use crate::input::{InputFile, MAX_SAFE_INTEGER};
use crate::report::{Imported, Report, Warning};
use crate::source::{Origin, Source, description};
use crate::yaml;

/// The id of the layer that holds a model's input.
const INPUT: &str = "input";

/// Which model, and which of its profiles.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// The model; all of the file where it is not given.
    pub model: Option<&'a str>,
    /// The microbatch. Must be given where profiles of several exist.
    pub batch_size: Option<u64>,
    /// The type of numbers, such as `torch.float32`. Must be given where profiles of several exist.
    pub dtype: Option<&'a str>,
}

/// Imports the models of `models.yml` as profiles, in the order of their names.
///
/// Times are under the names of device types. Without `device_types`, or where no type has times of a
/// model, it has none and its bytes are those of one input of 4-byte numbers.
///
/// # Errors
/// Returns every fault of both files.
pub fn models(
    models: &InputFile<'_>,
    device_types: Option<&InputFile<'_>>,
    choice: &Choice<'_>,
) -> Result<Vec<Imported>, ImportError> {
    let mut faults = Faults::default();
    let document = yaml::parse(models, &mut faults);
    let types_document = device_types.and_then(|file| Some((file.name, yaml::parse(file, &mut faults)?)));
    let types = types_document.as_ref().map(|(name, document)| Cursor::new(name, document));
    let types = types.map(|cursor| DeviceType::read_all(&cursor, &mut faults)).unwrap_or_default();
    let mut imported = Vec::new();
    let mut left_out = Vec::new();
    if let Some(document) = &document {
        let all = Cursor::new(models.name, document).members(&mut faults);
        let names = all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        for (name, cursor) in all.into_iter().filter(|(name, _)| choice.model.is_none_or(|wanted| wanted == *name)) {
            // PipeEdge's own files have a model without layers as a placeholder.
            if choice.model.is_none() && cursor.get("layers").is_some_and(|layers| layers.value == 0) {
                let warning =
                    Warning::new("model_left_out", format!("{name} has no layers"), "Nothing, if it is a placeholder");
                left_out.push(warning.about([name.to_owned()]));
                continue;
            }
            imported.extend(read_model(name, &cursor, &types, choice, &mut faults));
        }
        if imported.is_empty() && faults.is_empty() {
            let wanted = choice.model.map_or("model with layers".to_owned(), |name| format!("model {name:?}"));
            faults.record(models.name, "", format!("there is no {wanted}"), format!("Name one of: {names}"));
        }
    }
    faults.finish()?;
    for import in &mut imported {
        import.report.warnings.extend(left_out.iter().cloned());
    }
    Ok(imported)
}

fn read_model(
    name: &str,
    cursor: &Cursor<'_>,
    types: &[DeviceType<'_>],
    choice: &Choice<'_>,
    faults: &mut Faults,
) -> Option<Imported> {
    if !is_id(name) {
        cursor.fault(faults, "the name of the model is empty or too long", "Give 1 to 256 characters");
    }
    let memory = numbers(cursor, "mem_MB", faults);
    let outputs = numbers(cursor, "parameters_out", faults);
    let input = cursor.required(&["parameters_in"], faults);
    let layers = cursor.required(&["layers"], faults).and_then(|layers| layers.bytes(1.0, faults));
    let profiles = profiles(name, cursor, types, choice, faults)?;
    let (memory, outputs, input, layers) = (memory?, outputs?, input?, layers?);
    for (list, length) in [("mem_MB", memory.len()), ("parameters_out", outputs.len())] {
        if length as u64 != layers || layers == 0 {
            let detail = format!("{list} has {length} numbers for {layers} layers");
            cursor.fault(faults, detail, "Give one number for each layer, and at least one layer");
            return None;
        }
    }
    let (batch_size, dtype) =
        profiles.first().map_or((1, "torch.float32"), |(_, profile)| (profile.batch_size, profile.dtype));
    let unit = bytes_of(dtype, cursor, faults)? as f64 * batch_size as f64;
    let input_bytes = input.bytes(unit, faults);
    let output_bytes: Option<Vec<u64>> = outputs.iter().map(|number| number.bytes(unit, faults)).collect();
    let param_bytes: Option<Vec<u64>> = memory.iter().map(|number| number.bytes(MEGA, faults)).collect();
    let times = times(&profiles, layers, faults)?;
    let (input_bytes, output_bytes, mut param_bytes) = (input_bytes?, output_bytes?, param_bytes?);
    let largest = param_bytes.iter().chain(&output_bytes).chain([&input_bytes]).max().copied().unwrap_or(0);
    if largest > MAX_SAFE_INTEGER / BUFFERS {
        cursor.fault(faults, format!("a layer has {largest} bytes"), "Give smaller numbers");
        return None;
    }
    // The first stage receives nothing, so it lacks all but one of the buffers that the cost model
    // gives every stage.
    let first = &mut param_bytes[0];
    *first = first.saturating_sub((BUFFERS - 1) * input_bytes);
    let sources = sources(name, cursor, &times, param_bytes.len());
    let mut warnings = Vec::new();
    if times.is_empty() {
        let detail = format!("no device type has times of {name}");
        let action = "Profile the model with PipeEdge's profiler, and give device_types.yml";
        warnings.push(Warning::new("times_missing", detail, action));
    }
    let document = Model {
        name: name.to_owned(),
        description: description(&sources),
        batch_size,
        layers: chain(input_bytes, &param_bytes, &output_bytes, &times),
        edges: (0..param_bytes.len()).map(|index| Edge { from: id(index), to: id(index + 1) }).collect(),
        groups: Vec::new(),
    };
    let report = Report { sources, warnings, cost_model: Some(super::cost_model()), ..Report::default() };
    Some(Imported { document: document.into_value(), report })
}

/// Returns the input layer and all others.
fn chain(
    input_bytes: u64,
    param_bytes: &[u64],
    output_bytes: &[u64],
    times: &BTreeMap<&str, (Cursor<'_>, Vec<f64>)>,
) -> Vec<Layer> {
    let input = Layer {
        id: id(0),
        op: "Input".to_owned(),
        output_bytes: input_bytes,
        activation_bytes: Some(0),
        ..Layer::default()
    };
    let others = param_bytes.iter().zip(output_bytes).enumerate().map(|(index, (&param_bytes, &output_bytes))| Layer {
        id: id(index + 1),
        op: "Layer".to_owned(),
        param_bytes,
        output_bytes,
        activation_bytes: Some(0),
        time_s: times.iter().map(|(class, (_, seconds))| ((*class).to_owned(), seconds[index])).collect(),
    });
    std::iter::once(input).chain(others).collect()
}

/// The id of a layer. PipeEdge counts layers from 1.
fn id(index: usize) -> String {
    if index == 0 { INPUT.to_owned() } else { format!("layer-{index}") }
}

fn numbers<'a>(cursor: &Cursor<'a>, name: &str, faults: &mut Faults) -> Option<Vec<Cursor<'a>>> {
    let list = cursor.required(&[name], faults)?;
    let is_list = list.value.is_array();
    let items = list.items(faults);
    is_list.then_some(items)
}

/// Returns the bytes of a number of a type, as PyTorch names it.
fn bytes_of(dtype: &str, cursor: &Cursor<'_>, faults: &mut Faults) -> Option<u64> {
    let bytes = match dtype.trim_start_matches("torch.") {
        "float64" | "double" | "int64" => 8,
        "float32" | "float" | "int32" => 4,
        "float16" | "half" | "bfloat16" | "int16" => 2,
        "int8" | "uint8" | "quint8" | "qint8" => 1,
        _ => {
            cursor.fault(
                faults,
                format!("{dtype:?} has an unknown size"),
                "Profile with torch.float32, float16 or int8",
            );
            return None;
        }
    };
    Some(bytes)
}

fn sources(
    name: &str,
    cursor: &Cursor<'_>,
    times: &BTreeMap<&str, (Cursor<'_>, Vec<f64>)>,
    layers: usize,
) -> Vec<Source> {
    let ids = |from: usize| (from..=layers).map(id);
    let stated = |figure: &str, list: &str| {
        let place = format!("{}/{list}", cursor.pointer);
        Source::new(figure, Origin::Stated).by(TOOL, cursor.file).at(&place)
    };
    let buffers = "less the buffers that the first stage does not have";
    let batch = if times.is_empty() { Origin::Default } else { Origin::Stated };
    let mut sources = vec![
        Source::new("batch_size", batch).of(name),
        stated("param_bytes", "mem_MB").of_all(ids(2)),
        Source { origin: Origin::Derived, ..stated("param_bytes", "mem_MB").of(id(1)).because(buffers) },
        stated("output_bytes", "parameters_in").of(id(0)),
        stated("output_bytes", "parameters_out").of_all(ids(1)),
        Source::new("activation_bytes", Origin::Default).of_all(ids(0)).because("0: PipeEdge counts buffers alone"),
    ];
    for (class, (list, _)) in times {
        let source = Source::new(format!("time_s/{class}"), Origin::Measured).by(TOOL, list.file);
        sources.push(source.at(&list.pointer).of_all(ids(1)));
    }
    sources
}
