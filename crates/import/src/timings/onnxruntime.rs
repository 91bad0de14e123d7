//! Profiles of onnxruntime: a list of events, those of nodes among them.

use std::collections::BTreeMap;

use super::kernel::Kernel;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;

/// What the name of a node's event ends in.
const KERNEL: &str = "_kernel_time";

/// From so many runs on the first one is left out: it allocates memory and fills caches.
const RUNS_WITH_WARM_UP: usize = 3;

const MICROSECOND: f64 = 1e-6;

/// An event with its thread, in microseconds.
struct Event<'a> {
    name: &'a str,
    thread: u64,
    start: f64,
    length: f64,
}

impl Event<'_> {
    fn end(&self) -> f64 {
        self.start + self.length
    }
}

/// Reads the mean time of each node in a run.
pub(super) fn read(file: &InputFile<'_>, faults: &mut Faults) -> Option<Vec<Kernel>> {
    let document = file.json(faults)?;
    let top = Cursor::new(file.name, &document);
    let list = top.get("traceEvents").unwrap_or(top);
    let mut nodes = Vec::new();
    let mut runs = Vec::new();
    for cursor in list.items(faults) {
        match cursor.get("cat").and_then(|category| category.value.as_str()) {
            Some("Node") => nodes.extend(read_event(&cursor, faults).filter(|event| event.name.ends_with(KERNEL))),
            Some("Session") => runs.extend(read_event(&cursor, faults).filter(|event| event.name == "model_run")),
            _ => {}
        }
    }
    if nodes.is_empty() {
        let action =
            "Give the profile of a session that has run: SessionOptions.enable_profiling, then end_profiling()";
        faults.record(file.name, "", "there is no event of a node", action);
        return None;
    }
    runs.sort_by(|a, b| a.start.total_cmp(&b.start));
    let (after, runs) = match runs.len() {
        0 => (f64::NEG_INFINITY, fewest_events(&nodes)),
        all if all < RUNS_WITH_WARM_UP => (f64::NEG_INFINITY, all),
        all => (runs[0].end(), all - 1),
    };
    nodes.retain(|event| event.start >= after);
    let mut seconds: BTreeMap<&str, f64> = BTreeMap::new();
    for event in without_nested(nodes) {
        let name = event.name.strip_suffix(KERNEL).unwrap_or(event.name);
        *seconds.entry(name).or_default() += event.length * MICROSECOND / runs as f64;
    }
    Some(seconds.into_iter().map(|(name, seconds)| Kernel::of_one(name, seconds)).collect())
}

fn read_event<'a>(cursor: &Cursor<'a>, faults: &mut Faults) -> Option<Event<'a>> {
    let name = cursor.required(&["name"], faults).and_then(|name| name.text(faults));
    let mut number = |member| cursor.required(&[member], faults)?.amount(faults);
    let (start, length) = (number("ts"), number("dur"));
    let thread = cursor.get("tid").and_then(|thread| thread.value.as_u64()).unwrap_or_default();
    Some(Event { name: name?, thread, start: start?, length: length? })
}

/// Returns how often the rarest node ran: the runs of a profile that does not mark them.
fn fewest_events(nodes: &[Event<'_>]) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        *counts.entry(node.name).or_default() += 1;
    }
    counts.into_values().min().unwrap_or(1)
}

/// Leaves out the nodes of loops and branches: the time of the node that contains them is theirs.
fn without_nested(mut nodes: Vec<Event<'_>>) -> Vec<Event<'_>> {
    nodes.sort_by(|a, b| {
        (a.thread, a.start)
            .partial_cmp(&(b.thread, b.start))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(b.length.total_cmp(&a.length))
    });
    let mut outer = (0, f64::NEG_INFINITY);
    nodes.retain(|event| {
        let is_nested = event.thread == outer.0 && event.start < outer.1 && event.end() <= outer.1;
        if !is_nested {
            outer = (event.thread, event.end());
        }
        !is_nested
    });
    nodes
}
