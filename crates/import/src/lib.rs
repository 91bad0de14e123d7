//! Documents of Cutpoint from the files of other programs: cluster inventories from node lists and
//! measurements, model profiles from other planners, measured times into a profile, and both corrected by what a pipeline was
//! measured at.
//!
//! Everything here is pure: callers read files and pass their bytes. An import returns a document
//! (as JSON), which the planner's reader accepts, and a [`Report`] that says where each figure comes from.
//! Files within the limits never make it panic; files beyond them are faults.

mod cursor;
mod document;
mod fault;
mod input;
mod report;
mod source;
mod yaml;

pub mod calibration;
pub mod dnn_partitioning;
pub mod inventory;
pub mod pipeedge;
pub mod timings;

pub use fault::{Fault, ImportError, MAX_FAULTS};
pub use input::{InputFile, MAX_FILE_BYTES};
pub use report::{Imported, Report, Warning};
pub use source::{Origin, Source, describe};
pub use yaml::MAX_YAML_BYTES;
