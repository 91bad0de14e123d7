//! Reads ONNX files as model profiles, without loading their weights.
//!
//! A layer of the profile is a tensor: an input, an initializer, or an output of an operator.
//! `docs/onnx.md` says how sizes and operations are computed.
//!
//! ```no_run
//! use cutpoint_onnx::{Options, read_file};
//!
//! let mut options = Options::default();
//! options.dimensions.insert("batch".to_owned(), 1);
//! let profile = read_file("model.onnx".as_ref(), &options)?;
//! println!("{}", serde_json::to_string(&profile.document).unwrap());
//! # Ok::<(), cutpoint_onnx::Error>(())
//! ```

pub mod cut;
pub mod error;
mod flops;
mod flow;
pub mod limits;
pub mod model;
pub mod options;
mod profile;
mod read;
mod shapes;
mod wire;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use error::Error;
pub use flow::{Branch, SetDimension, Source};
pub use model::Model;
pub use options::{ExternalData, Options};
pub use profile::{Document, Edge, Group, InputReport, Layer, OperatorReport, Profile, Report, TensorReport, Warning};

/// Reads a model and makes its profile. The weights pass by and are not kept.
///
/// # Errors
/// Returns an error if the source fails, the model is invalid or beyond the limits, the size of a
/// tensor is not known, or an option does not fit the model.
pub fn profile(reader: impl Read, options: &Options) -> Result<Profile, Error> {
    profile_model(&read_model(reader)?, options)
}

/// Makes the profile of a model that has been read.
///
/// # Errors
/// As [`profile`].
pub fn profile_model(model: &Model, options: &Options) -> Result<Profile, Error> {
    let (profile, _) = profile::profile_of(model, options, &flow::flow_of(model, options)?)?;
    Ok(profile)
}

/// Reads a model from a file and makes its profile. Data in other files must be below its folder,
/// after links are resolved.
///
/// # Errors
/// As [`profile`], and if the file cannot be opened.
pub fn read_file(path: &Path, options: &Options) -> Result<Profile, Error> {
    let options = Options { external_data: ExternalData::beside(path), ..options.clone() };
    profile(File::open(path).map_err(Error::Read)?, &options)
}

/// Reads a model without its weights.
///
/// # Errors
/// Returns an error if the source fails, the bytes are no ONNX model, or a limit is exceeded.
pub fn read_model(reader: impl Read) -> Result<Model, Error> {
    read::read_model(reader)
}
