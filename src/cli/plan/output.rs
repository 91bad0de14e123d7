//! Prints the outcome of one request.

use std::fmt::Display;
use std::io::{self, Write};

use cutpoint_planner::domain::explanation::Explanation;
use cutpoint_planner::domain::placement::PlacementDocument;
use serde::Serialize;

use super::Outcome;
use super::arguments::Output;
use super::explained::ExplanationReport;
use super::input::InputError;
use super::report::Report;

/// A line of `--output jsonl`.
#[derive(Default, Serialize)]
struct Line<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<&'a PlacementDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a InputError>,
}

/// The document that `--output json` prints with `--explain`.
#[derive(Serialize)]
struct Explained<'a> {
    placement: &'a PlacementDocument,
    explanation: &'a Explanation,
}

/// Prints an outcome: answers to standard output, errors to standard error. With `jsonl`, both go to standard output as
/// lines.
pub(super) fn print(form: Output, name: &str, outcome: &Outcome) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match (form, outcome) {
        (_, Outcome::LeftOut) => eprintln!("cutpoint: {name}: left out, the run was interrupted"),
        (Output::Jsonl, Outcome::Placed(_, placement, explanation)) => {
            let explanation = explanation.as_deref();
            write_line(&mut out, &Line { file: name, placement: Some(placement), explanation, error: None })?;
        }
        (Output::Jsonl, Outcome::BadInput(error)) => {
            write_line(&mut out, &Line { file: name, error: Some(error), ..Line::default() })?;
        }
        (Output::Jsonl, Outcome::Defect(defect)) => {
            let error = InputError { detail: format!("a defect of cutpoint: {defect}"), errors: Vec::new() };
            write_line(&mut out, &Line { file: name, error: Some(&error), ..Line::default() })?;
        }
        (_, Outcome::BadInput(error)) => eprintln!("cutpoint: {name}: {}", visible(error)),
        (_, Outcome::Defect(defect)) => eprintln!("cutpoint: {name}: a defect of cutpoint, please report it: {defect}"),
        (Output::Json, Outcome::Placed(_, placement, explanation)) => {
            match explanation {
                Some(explanation) => serde_json::to_writer_pretty(&mut out, &Explained { placement, explanation })?,
                None => serde_json::to_writer_pretty(&mut out, placement)?,
            }
            writeln!(out)?;
        }
        (Output::Table, Outcome::Placed(request, placement, explanation)) => {
            writeln!(out, "{}", visible(&Report { request, placement }))?;
            if let Some(explanation) = explanation {
                writeln!(out, "{}", visible(&ExplanationReport { explanation, batch_size: request.model.batch_size }))?;
            }
        }
    }
    out.flush()
}

/// Escapes control characters in text for a terminal. It may contain names from untrusted files, which must not move
/// the cursor or clear the screen.
fn visible(text: &impl Display) -> String {
    text.to_string().replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

fn write_line(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    writeln!(out)
}
