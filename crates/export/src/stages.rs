//! `stages.json`: read as `cutpoint cut` writes it, written for each runner with its own stages and with addresses.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::error::ExportError;
use crate::placement::Placement;

/// The document. Members that an export does not know are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StagesFile {
    pub(crate) model: String,
    /// Not written: it has a file of its own.
    #[serde(default, skip_serializing)]
    pub(crate) token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feedback: Option<String>,
    pub(crate) stages: Vec<Entry>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(deserialize_with = "whole")]
    pub(crate) index: usize,
    #[serde(default, deserialize_with = "whole")]
    pub(crate) pipeline: usize,
    pub(crate) node_id: String,
    pub(crate) file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weights_file: Option<String>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
    pub(crate) receive_from: End,
    pub(crate) send_to: End,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A tensor that crosses a cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given_whole")]
    pub(crate) bytes: Option<u64>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// A neighbour, and where the receiver of the two listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct End {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given_whole")]
    stage: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<T, D::Error> {
    count(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn given_whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<Value>::deserialize(deserializer)?.map(|value| count(&value)).transpose().map_err(D::Error::custom)
}

/// Reads a whole number. JSON makes no difference between 2530 and 2530.0.
fn count<T: TryFrom<u64>>(value: &Value) -> Result<T, String> {
    const MOST: f64 = 9_007_199_254_740_991.0;
    let double = value.as_f64().filter(|double| double.fract() == 0.0 && (0.0..=MOST).contains(double));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let number = value.as_u64().or(double.map(|double| double as u64));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| format!("{value} is no whole number"))
}

impl StagesFile {
    /// Reads a document that was cut for a placement.
    pub(crate) fn read(document: &Value, placement: &Placement) -> Result<Self, ExportError> {
        if !document.is_object() {
            return Err(ExportError::Stages("it is not an object".to_owned()));
        }
        let file = Self::deserialize(document).map_err(|error| ExportError::Stages(error.to_string()))?;
        file.check(placement)?;
        Ok(file)
    }

    /// Returns the entry of a stage of the placement.
    pub(crate) fn entry(&self, pipeline: usize, index: usize) -> Option<&Entry> {
        self.stages.iter().find(|entry| (entry.pipeline, entry.index) == (pipeline, index))
    }

    /// Returns a document with some of the stages alone.
    pub(crate) fn with_stages(&self, stages: Vec<Entry>) -> Self {
        Self { stages, token: None, ..self.clone() }
    }

    /// Returns the document as JSON text.
    pub(crate) fn text(&self) -> Result<String, ExportError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| ExportError::Written(error.to_string()))?;
        Ok(text + "\n")
    }

    fn check(&self, placement: &Placement) -> Result<(), ExportError> {
        let mut count = 0;
        for (p, pipeline) in placement.pipelines.iter().enumerate() {
            for (i, stage) in pipeline.stages.iter().enumerate() {
                count += 1;
                let here = format!("stage {i} of pipeline {p}");
                let detail = match self.entry(p, i) {
                    Some(entry) if entry.node_id == stage.node_id => continue,
                    Some(entry) => {
                        format!(
                            "{here} is on {:?} in stages.json and on {:?} in the placement",
                            entry.node_id, stage.node_id
                        )
                    }
                    None => format!("stages.json lacks {here}"),
                };
                return Err(ExportError::OtherPlacement(detail));
            }
        }
        if self.stages.len() == count {
            return Ok(());
        }
        let detail = format!("stages.json has {} stages, and the placement has {count}", self.stages.len());
        Err(ExportError::OtherPlacement(detail))
    }
}

impl Entry {
    /// Returns the entry with the addresses of an export.
    pub(crate) fn connected(&self, listen: &Endpoint, send_to: &Endpoint) -> Self {
        let mut entry = self.clone();
        entry.receive_from.address = Some(listen.to_string());
        entry.send_to.address = Some(send_to.to_string());
        entry
    }

    /// Returns where the stage listens, as the cut says it.
    pub(crate) fn planned_listen(&self) -> Option<Endpoint> {
        self.receive_from.address.as_deref()?.parse().ok()
    }

    /// Returns where the receiver of its outputs listens, as the cut says it.
    pub(crate) fn planned_send_to(&self) -> Option<Endpoint> {
        self.send_to.address.as_deref()?.parse().ok()
    }
}

/// Returns the bytes of tensors.
pub(crate) fn bytes_of(tensors: &[Tensor]) -> u64 {
    tensors.iter().filter_map(|tensor| tensor.bytes).fold(0, u64::saturating_add)
}
