//! Problems of files of other programs.

use cutpoint_import::ImportError;
use cutpoint_onnx::Error;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::read::escaped;

use super::Problem;
use crate::http::request::upload::BODY;

/// Returns the problem of files that cannot be imported. Places within a file are JSON pointers below its name.
pub fn of_import(error: &ImportError) -> Problem {
    Problem::invalid_request(error.faults.iter().map(of_fault).collect())
}

fn of_fault(fault: &cutpoint_import::Fault) -> Fault {
    let place = if fault.place.starts_with('/') { fault.place.as_str() } else { "" };
    let pointer = match fault.file.strip_prefix("--") {
        Some(option) => format!("/query/{}", option.replace('-', "_")),
        None if fault.file == BODY => place.to_owned(),
        None => format!("/{}{place}", escaped(&fault.file)),
    };
    let detail = match fault.place.as_str() {
        place if place.is_empty() || place.starts_with('/') => fault.detail.clone(),
        place => format!("{place}: {}", fault.detail),
    };
    Fault::new(pointer, FaultCode::NotImportable, detail, fault.action.as_str())
}

/// Returns the problem of an ONNX file that has no profile.
pub fn of_onnx(error: &Error) -> Problem {
    let faults = match error {
        Error::UnsetDimensions { inputs } => inputs
            .iter()
            .map(|input| {
                let shape = input.dimensions.join(" x ");
                let symbols: Vec<String> = input.symbols.iter().map(|symbol| format!("dim={symbol}=N")).collect();
                let whole = format!("input={}=NxN with a number for each dimension", input.name);
                let action = match symbols.as_slice() {
                    [] => format!("Give {whole}"),
                    symbols => format!("Give {}, or {whole}", symbols.join(" and ")),
                };
                let detail = format!("not all dimensions of the input {:?} are known: it is {shape}", input.name);
                Fault::new("/query/dim", FaultCode::Missing, detail, action)
            })
            .collect(),
        Error::Option { option, detail, action } => {
            vec![Fault::new("/query", FaultCode::UnknownReference, format!("{option}: {detail}"), action.as_str())]
        }
        other => {
            // Every message ends with what to do.
            let text = other.to_string();
            let (detail, action) = text.rsplit_once(". ").unwrap_or((&text, "Give another file"));
            vec![Fault::new("", FaultCode::NotImportable, detail, action)]
        }
    };
    Problem::invalid_request(faults)
}

/// Returns the problem of a body with several parts where a file by itself is wanted.
pub fn not_one_file() -> Problem {
    let action = "Send the file by itself, as application/octet-stream";
    Problem::invalid_request(vec![Fault::new("", FaultCode::Conflict, "the body has several parts", action)])
}

/// Returns the problem of a part that does not go with the format.
pub fn unknown_part(part: &str, known: &[&str]) -> Problem {
    let action = format!("Remove it; known with this format: {}", known.join(", "));
    of_part(part, FaultCode::Conflict, "this part does not go with the format", action)
}

/// Returns the problem of a part that must be there once, and is there `count` times.
pub fn part_missing(part: &str, count: usize) -> Problem {
    match count {
        0 => of_part(part, FaultCode::Missing, "this part is missing", "Give it once"),
        count => of_part(part, FaultCode::Duplicate, format!("this part is there {count} times"), "Give it once"),
    }
}

fn of_part(part: &str, code: FaultCode, detail: impl Into<String>, action: impl Into<String>) -> Problem {
    Problem::invalid_request(vec![Fault::new(format!("/{}", escaped(part)), code, detail, action)])
}
