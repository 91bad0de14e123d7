//! Documents from the files of other programs, for the command line and the service alike.

pub mod onnx;
