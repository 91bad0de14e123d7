//! The wire format of Protocol Buffers, read from a stream.
//!
//! Existing crates do not fit. `prost` wants the whole message in memory. The reader of
//! `rten-onnx` wants a source that seeks, which an upload is not; it allocates what a length
//! claims before the bytes are there, and its recursion has no limit.

mod budget;
mod reader;

pub(crate) use reader::{Field, Kind, Reader};
