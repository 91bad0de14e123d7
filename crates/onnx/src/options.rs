//! What a caller decides: dimensions, shapes and values that the file leaves open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How a model is read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of the profile; that of the graph where absent.
    pub name: Option<String>,
    /// Inputs that one pass takes at once; guessed where absent.
    pub batch_size: Option<u64>,
    /// Numbers for dimensions that the file names, such as `batch`.
    pub dimensions: BTreeMap<String, u64>,
    /// Shapes of inputs, or of tensors whose size depends on data.
    pub shapes: BTreeMap<String, Vec<u64>>,
    /// Integers that inputs hold, for inputs that decide a branch or a shape.
    pub values: BTreeMap<String, Vec<i64>>,
    /// Whether other files may hold data of the model.
    pub external_data: ExternalData,
}

/// Whether a model may have data in other files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ExternalData {
    /// Such a model is refused.
    #[default]
    Refuse,
    /// The files are below this folder. Only small tensors are read.
    Below(PathBuf),
}

impl ExternalData {
    /// Admits data in the folder of a model and below.
    pub fn beside(model: &Path) -> Self {
        let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self::Below(folder.unwrap_or(Path::new(".")).to_owned())
    }
}

/// Reads a dimension such as `batch=1`.
///
/// # Errors
/// Returns an error if the text has another form.
pub fn parse_dimension(text: &str) -> Result<(String, u64), Error> {
    let fault = || fault(text, "a dimension is a name and a positive number", "Write it as batch=1");
    let (name, number) = text.rsplit_once('=').ok_or_else(fault)?;
    match number.trim().parse() {
        Ok(number) if number > 0 && !name.is_empty() => Ok((name.to_owned(), number)),
        _ => Err(fault()),
    }
}

/// Reads a shape such as `images=1x3x640x640`, or `threshold=` for a scalar.
///
/// # Errors
/// Returns an error if the text has another form.
pub fn parse_shape(text: &str) -> Result<(String, Vec<u64>), Error> {
    let fault = || fault(text, "a shape is a name and numbers with x between them", "Write it as images=1x3x640x640");
    let (name, list) = text.rsplit_once('=').ok_or_else(fault)?;
    let dimensions = list.split(['x', ',']).filter(|_| !list.is_empty()).map(|number| number.trim().parse());
    match dimensions.collect::<Result<Vec<u64>, _>>() {
        Ok(shape) if !name.is_empty() => Ok((name.to_owned(), shape)),
        _ => Err(fault()),
    }
}

/// Reads the values of an input such as `sr=16000` or `size=640,480`.
///
/// # Errors
/// Returns an error if the text has another form.
pub fn parse_values(text: &str) -> Result<(String, Vec<i64>), Error> {
    let fault = || fault(text, "values are a name and integers with commas between them", "Write them as sr=16000");
    let (name, list) = text.rsplit_once('=').ok_or_else(fault)?;
    match list.split(',').map(|number| number.trim().parse()).collect::<Result<Vec<i64>, _>>() {
        Ok(values) if !name.is_empty() => Ok((name.to_owned(), values)),
        _ => Err(fault()),
    }
}

fn fault(option: &str, detail: &str, action: &str) -> Error {
    Error::Option { option: option.to_owned(), detail: detail.to_owned(), action: action.to_owned() }
}
