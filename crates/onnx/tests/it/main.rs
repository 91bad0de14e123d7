//! Tests of the whole crate, on models that are encoded here.

mod cut;
mod encode;
mod external;
mod graphs;
mod hostile;
mod planner;
mod random;
mod sizes;
mod streams;

use cutpoint_onnx::{Error, Layer, Options, Profile, profile};

fn read(bytes: &[u8]) -> Profile {
    profile(bytes, &Options::default()).unwrap()
}

fn refuse(bytes: &[u8]) -> Error {
    profile(bytes, &Options::default()).unwrap_err()
}

fn layer<'a>(profile: &'a Profile, id: &str) -> &'a Layer {
    profile.document.layers.iter().find(|layer| &*layer.id == id).unwrap_or_else(|| panic!("no layer {id}"))
}

fn edges(profile: &Profile) -> Vec<(&str, &str)> {
    profile.document.edges.iter().map(|edge| (&*edge.from, &*edge.to)).collect()
}
