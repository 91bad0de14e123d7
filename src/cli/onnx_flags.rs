//! The flags that set what an ONNX file leaves open, for commands that read one.

use clap::Args;
use cutpoint_onnx::Options;
use cutpoint_onnx::options::{parse_dimension, parse_shape, parse_values};

/// Flags that set sizes and values which an ONNX file leaves open.
#[derive(Debug, Args)]
pub(super) struct OnnxFlags {
    /// Number of a dimension that the file names; may be given several times.
    #[arg(long = "dim", value_name = "NAME=N", value_parser = parse_dimension)]
    dimensions: Vec<(String, u64)>,
    /// Shape of an input, or of a tensor whose size depends on data; may be given several times.
    #[arg(long = "input", value_name = "NAME=NxNxN", value_parser = parse_shape)]
    shapes: Vec<(String, Vec<u64>)>,
    /// Integers that an input holds, where they decide a branch or a shape; may be given several times.
    #[arg(long = "value", value_name = "NAME=N,N", value_parser = parse_values)]
    values: Vec<(String, Vec<i64>)>,
}

impl OnnxFlags {
    /// Returns each flag, and `true` if it is given.
    pub(super) fn given(&self) -> [(&'static str, bool); 3] {
        [
            ("--dim", !self.dimensions.is_empty()),
            ("--input", !self.shapes.is_empty()),
            ("--value", !self.values.is_empty()),
        ]
    }

    /// Returns the options that the flags stand for.
    pub(super) fn options(&self) -> Options {
        Options {
            dimensions: self.dimensions.iter().cloned().collect(),
            shapes: self.shapes.iter().cloned().collect(),
            values: self.values.iter().cloned().collect(),
            ..Options::default()
        }
    }
}
