//! Prints what became of one request.

use std::io::{self, Write};

use serde::Serialize;

use super::Outcome;
use super::arguments::Output;
use super::input::InputError;
use super::report::Report;
use crate::domain::placement::PlacementDocument;

/// A line of `--output jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<&'a PlacementDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a InputError>,
}

/// Prints an outcome: answers to standard output, complaints to standard error. With JSON lines both are lines.
pub(super) fn print(form: Output, name: &str, outcome: &Outcome) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match (form, outcome) {
        (_, Outcome::LeftOut) => eprintln!("cutpoint: {name}: left out, the run was interrupted"),
        (Output::Jsonl, Outcome::Placed(_, placement)) => {
            write_line(&mut out, &Line { file: name, placement: Some(placement), error: None })?;
        }
        (Output::Jsonl, Outcome::BadInput(error)) => {
            write_line(&mut out, &Line { file: name, placement: None, error: Some(error) })?;
        }
        (Output::Jsonl, Outcome::Defect(defect)) => {
            let error = InputError { detail: format!("a defect of cutpoint: {defect}"), errors: Vec::new() };
            write_line(&mut out, &Line { file: name, placement: None, error: Some(&error) })?;
        }
        (_, Outcome::BadInput(error)) => eprintln!("cutpoint: {name}: {error}"),
        (_, Outcome::Defect(defect)) => eprintln!("cutpoint: {name}: a defect of cutpoint, please report it: {defect}"),
        (Output::Json, Outcome::Placed(_, placement)) => {
            serde_json::to_writer_pretty(&mut out, placement)?;
            writeln!(out)?;
        }
        (Output::Table, Outcome::Placed(request, placement)) => {
            writeln!(out, "{}", Report { request, placement })?;
        }
    }
    out.flush()
}

fn write_line(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    writeln!(out)
}
