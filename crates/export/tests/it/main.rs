//! Exports of made placements, held against the types, schemas and readers of their targets.

mod compose;
mod documents;
mod drawings;
mod hostile;
mod kubernetes;
mod nomad;
mod several;
mod yaml;
