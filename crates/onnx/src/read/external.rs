//! Data in files beside the model.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::values_of_bytes;
use crate::error::Error;
use crate::limits::MOST_VALUES;
use crate::model::{Tensor, Values};

/// Returns the values of a small tensor whose data is in another file, or `None` if it is large.
/// Checks that the file is below the model's folder and has all of the data.
///
/// # Errors
/// Returns an error if the path leads out of the folder, or the file is not there or too short.
pub(crate) fn read_external_values(
    folder: &Path,
    tensor: &Tensor,
    (file, offset, length): (&str, u64, Option<u64>),
) -> Result<Option<Values>, Error> {
    let fault = |detail: String| Error::ExternalData { tensor: tensor.name.clone(), file: file.to_owned(), detail };
    let path = path_below(folder, file).map_err(&fault)?;
    let mut source = File::open(&path).map_err(|error| fault(error.to_string()))?;
    let metadata = source.metadata().map_err(|error| fault(error.to_string()))?;
    let bytes = tensor.bytes();
    if length.is_some_and(|length| length != bytes) {
        return Err(fault(format!("the model says that {bytes} bytes have another length there")));
    }
    let available = metadata.len().saturating_sub(offset);
    if !metadata.is_file() || available < bytes {
        return Err(fault(format!("it has {available} of the tensor's {bytes} bytes")));
    }
    if bytes > 8 * MOST_VALUES {
        return Ok(None);
    }
    let mut data = Vec::new();
    let read = source.seek(SeekFrom::Start(offset)).and_then(|_| source.take(bytes).read_to_end(&mut data));
    read.map_err(|error| fault(error.to_string()))?;
    Ok(values_of_bytes(tensor.element, tensor.elements(), &data))
}

/// Returns the path of a file below a folder after links are resolved.
pub(crate) fn path_below(folder: &Path, file: &str) -> Result<PathBuf, String> {
    let relative = Path::new(file);
    if !relative.components().all(|component| matches!(component, Component::Normal(_) | Component::CurDir)) {
        return Err("its path must be relative and must not contain `..`".to_owned());
    }
    let folder = folder.canonicalize().map_err(|error| format!("the model's folder: {error}"))?;
    let path = folder.join(relative).canonicalize().map_err(|error| error.to_string())?;
    if path.starts_with(&folder) { Ok(path) } else { Err("a link leads out of the model's folder".to_owned()) }
}
