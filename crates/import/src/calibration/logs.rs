//! Logs of `cutpoint-runner`: JSON lines, a file for each process. `runner/README.md` defines them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::inference::{Inference, seconds};
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;
use crate::report::Warning;

/// The most bytes of a log: a runner stops at 256 MiB, after the line that it writes then.
pub const MAX_LOG_BYTES: usize = (256 << 20) + (1 << 20);

/// The version of the lines that are read.
const LOG_VERSION: u64 = 1;

/// What one process wrote from its start on.
#[derive(Debug)]
pub(super) struct ProcessLog {
    pub(super) file: String,
    pub(super) model: String,
    pub(super) pipeline: u64,
    pub(super) overlap: Option<String>,
    pub(super) role: Role,
    /// Where its tensors come from: `source` or `stage N`.
    pub(super) receives_from: Option<String>,
    pub(super) pace_s: Option<f64>,
    pub(super) peak_bytes: Option<u64>,
    pub(super) inferences: Vec<Inference>,
    /// How many inferences the source of a run fed.
    pub(super) fed: BTreeMap<u64, u64>,
    /// Seconds to the answer of each inference of a source.
    pub(super) answers: BTreeMap<u64, f64>,
}

/// What a process is in its pipeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Role {
    Source { run: u64, window: Option<u64> },
    Stage { index: u64, node_id: String },
    Sink,
}

/// Reads all logs. A line that is not a record, as a killed process leaves it, is warned of.
pub(super) fn read(files: &[InputFile<'_>], warnings: &mut Vec<Warning>, faults: &mut Faults) -> Vec<ProcessLog> {
    let mut broken = Vec::new();
    let logs = files.iter().flat_map(|file| read_file(file, &mut broken, faults)).collect();
    if !broken.is_empty() {
        let detail = "these lines are not records and were left out";
        let action = "Nothing, if a process was killed while it wrote";
        warnings.push(Warning::new("lines_left_out", detail, action).about(broken));
    }
    logs
}

fn read_file(file: &InputFile<'_>, broken: &mut Vec<String>, faults: &mut Faults) -> Vec<ProcessLog> {
    let mut logs: Vec<ProcessLog> = Vec::new();
    let Some(content) = file.bytes(MAX_LOG_BYTES, faults) else { return logs };
    for (number, line) in content.split(|&byte| byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line: Option<Value> = serde_json::from_slice(line).ok();
        let Some((line, record)) = line.as_ref().and_then(|line| Some((line, line.get("record")?.as_str()?))) else {
            broken.push(format!("{} line {}", file.name, number + 1));
            continue;
        };
        let line = Cursor { file: file.name, pointer: format!("line {}", number + 1), value: line };
        if record == "header" {
            // Lines after a header that cannot be read would be taken for those of the process before.
            let Some(log) = read_header(&line, faults) else { return logs };
            logs.push(log);
        } else if let Some(log) = logs.last_mut() {
            log.add(record, &line, faults);
        } else {
            line.fault(faults, "the file does not begin with a header", "Give logs that cutpoint-runner writes");
            return logs;
        }
    }
    if logs.is_empty() {
        faults.record(file.name, "", "there is no record", "Give logs that cutpoint-runner writes with --log-dir");
    }
    logs
}

fn read_header(line: &Cursor<'_>, faults: &mut Faults) -> Option<ProcessLog> {
    let version = line.required(&["version"], faults)?.value;
    if version.as_u64() != Some(LOG_VERSION) {
        let action = format!("Give logs of version {LOG_VERSION}, of the cutpoint-runner beside this cutpoint");
        line.fault(faults, format!("the log is of version {version}"), action);
        return None;
    }
    let number = |name: &str, faults: &mut Faults| line.required(&[name], faults).and_then(|it| it.count(faults));
    let text = |name: &str| line.get(name).and_then(|it| it.value.as_str()).map(str::to_owned);
    let role = line.required(&["role"], faults)?;
    let role = match role.text(faults)? {
        "source" => {
            let window = line.get("window").map(|window| window.count(faults));
            Role::Source { run: number("run", faults)?, window: window.flatten() }
        }
        "stage" => Role::Stage {
            index: number("index", faults)?,
            node_id: line.required(&["node_id"], faults)?.id(faults)?.to_owned(),
        },
        "sink" => Role::Sink,
        other => {
            role.fault(faults, format!("no process has the role {other:?}"), "Give source, stage or sink");
            return None;
        }
    };
    Some(ProcessLog {
        file: line.file.to_owned(),
        model: line.required(&["model"], faults)?.text(faults)?.to_owned(),
        pipeline: number("pipeline", faults)?,
        overlap: text("overlap"),
        role,
        receives_from: text("receive_from"),
        pace_s: seconds(line, "pace_s", faults),
        peak_bytes: None,
        inferences: Vec::new(),
        fed: BTreeMap::new(),
        answers: BTreeMap::new(),
    })
}

impl ProcessLog {
    /// Adds a line; kinds of records that tell nothing of times are passed over.
    fn add(&mut self, record: &str, line: &Cursor<'_>, faults: &mut Faults) {
        match record {
            "inference" => self.inferences.extend(Inference::read(line, &self.role, faults)),
            "memory" => {
                let peak = line.get("peak_bytes").and_then(|peak| peak.bytes(1.0, faults));
                self.peak_bytes = self.peak_bytes.max(peak);
            }
            "end" | "answer" => self.add_number(record, line, faults),
            _ => {}
        }
    }

    fn add_number(&mut self, record: &str, line: &Cursor<'_>, faults: &mut Faults) {
        let mut number = |name| line.required(&[name], faults).and_then(|it| it.count(faults));
        if record == "end" {
            if let (Some(run), Some(fed)) = (number("run"), number("fed")) {
                self.fed.insert(run, fed);
            }
        } else if let (Some(inference), Some(round_trip_s)) =
            (number("inference"), seconds(line, "round_trip_s", faults))
        {
            self.answers.insert(inference, round_trip_s);
        }
    }
}
