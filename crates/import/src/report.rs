//! What an import returns: a document of Cutpoint, and what there is to say about it.

use serde::Serialize;
use serde_json::Value;

use crate::source::Source;
use crate::timings::TimingReport;

/// An imported document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// A cluster inventory or a model profile.
    pub document: Value,
    /// What there is to say about it.
    pub report: Report,
}

/// What there is to say about an imported document.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Where each figure of the document comes from.
    pub sources: Vec<Source>,
    /// What the document lacks, or what may be wrong with it.
    pub warnings: Vec<Warning>,
    /// The `cost_model` of a request that counts as the other program does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_model: Option<Value>,
    /// The `constraints` of a request that keeps the rules of the other program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Value>,
    /// How much of measured times was matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<TimingReport>,
}

/// What an imported document lacks, or what may be wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The kind of warning, in snake case.
    pub code: &'static str,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub action: String,
    /// The nodes, links (`a -> b`), layers or files that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
}

impl Warning {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>, action: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), action: action.into(), about: Vec::new() }
    }

    pub(crate) fn about(mut self, about: impl IntoIterator<Item = String>) -> Self {
        self.about = about.into_iter().collect();
        self
    }
}
