//! Profiles of TensorRT: what `trtexec --exportProfile` writes.

use super::fused;
use super::kernel::Kernel;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;

const MILLISECOND: f64 = 1e-3;

/// Reads the mean time of each layer of the engine.
pub(super) fn read(file: &InputFile<'_>, faults: &mut Faults) -> Option<Vec<Kernel>> {
    let document = file.json(faults)?;
    let entries = Cursor::new(file.name, &document).items(faults);
    // The first entry counts the iterations.
    let layers = entries.iter().filter(|entry| entry.get("count").is_none() || entry.get("name").is_some());
    let kernels: Vec<Kernel> = layers.filter_map(|layer| read_layer(layer, faults)).collect();
    if kernels.is_empty() {
        faults.record(file.name, "", "there is no layer", "Give what trtexec --exportProfile=FILE writes");
        return None;
    }
    Some(kernels)
}

fn read_layer(layer: &Cursor<'_>, faults: &mut Faults) -> Option<Kernel> {
    let name = layer.required(&["name"], faults).and_then(|name| name.text(faults));
    let mean = layer.required(&["averageMs"], faults).and_then(|mean| mean.amount(faults));
    let name = name?;
    Some(Kernel { name: name.to_owned(), operators: fused::tensorrt(name), seconds: mean? * MILLISECOND })
}
