//! Name, batch size, warnings and report: what is said of the profile as a whole.

use super::{Layout, Profile};
use std::sync::Arc;

use super::build::Builder;
use super::document::{Document, Layer};
use super::report::{InputReport, OperatorReport, Report};
use crate::error::Error;
use crate::flow::{FlowTensor, Origin, Source};
use crate::limits::MOST_BYTES;
use crate::model::{ElementType, Model};
use crate::options::Options;

impl Builder<'_> {
    /// Completes the profile.
    ///
    /// # Errors
    /// Returns an error if a sum is too large for a profile.
    pub(super) fn finish(self, model: &Model, options: &Options) -> Result<(Profile, Layout), Error> {
        for (what, sum) in [
            ("bytes of tensors", self.sum(|layer| layer.output_bytes)),
            ("bytes of parameters", self.sum(|layer| layer.param_bytes)),
            ("operations", self.sum(|layer| layer.flops)),
        ] {
            if sum > MOST_BYTES {
                return Err(Error::Limit { what, most: MOST_BYTES });
            }
        }
        let (batch_size, batch_size_source) = self.batch_size(options);
        let warnings = self.warnings(model);
        let name = options.name.clone().unwrap_or_else(|| model.graph.name.clone());
        let name: String = name.chars().take(256).collect();
        let document = Document {
            name: if name.is_empty() { "model".to_owned() } else { name },
            description: description(model),
            batch_size,
            layers: self.layers,
            edges: self.edges,
            groups: self.groups,
        };
        let report = Report {
            batch_size_source,
            dimensions: self.flow.dimensions.clone(),
            inputs: self
                .flow
                .tensors
                .iter()
                .filter(|tensor| tensor.origin == Origin::Input)
                .map(input_report)
                .collect(),
            tensors: self.tensors,
            operators: self.kinds.into_iter().map(operator_report).collect(),
            branches: self.flow.branches.clone(),
            warnings,
        };
        let layout =
            Layout { live: self.live, constant: self.constant, layer_of: self.layer_of, tensor_of: self.tensor_of };
        Ok((Profile { document, report }, layout))
    }

    fn sum(&self, size: fn(&Layer) -> u64) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(size(layer)))
    }

    /// Without a dimension of that name, the first of an image or volume is taken.
    fn batch_size(&self, options: &Options) -> (u64, Source) {
        let set = options.batch_size.map(|size| (size, Source::Set));
        if let Some(batch) = set.or(self.flow.batch).filter(|&(size, _)| size > 0) {
            return batch;
        }
        let mut inputs = self.flow.tensors.iter().filter(|tensor| tensor.origin == Origin::Input);
        let image = inputs.find_map(|tensor| tensor.fact.shape.as_deref().filter(|shape| shape.len() >= 4));
        match image {
            Some(shape) if shape[0] > 0 => (shape[0], Source::Guessed),
            _ => (1, Source::Default),
        }
    }
}

fn description(model: &Model) -> String {
    let opset = model.opsets.get("").map_or_else(|| "without opset".to_owned(), |version| format!("opset {version}"));
    let by = if model.producer.is_empty() { String::new() } else { format!(", {}", model.producer) };
    format!("ONNX, {opset}{by}").chars().take(4096).collect()
}

fn input_report(tensor: &FlowTensor) -> InputReport {
    InputReport {
        name: tensor.name.clone(),
        element_type: tensor.fact.element.map_or("", ElementType::name),
        shape: tensor.fact.shape.clone().unwrap_or_default(),
        source: tensor.source,
    }
}

fn operator_report(((kind, has_rule), (count, flops)): ((Arc<str>, bool), (u64, u64))) -> OperatorReport {
    OperatorReport { kind, count, flops, has_rule }
}
