//! Runs of a source: what arrived of them, and when.

use std::collections::BTreeMap;

use super::logs::{ProcessLog, Role};

/// What one run of the source delivered.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) run: u64,
    /// How many inferences the source let into the pipeline at once; without limit if absent.
    pub(super) window: Option<u64>,
    warm_up: u64,
    arrivals: Vec<Arrival>,
}

#[derive(Debug)]
struct Arrival {
    inference: u64,
    completed_s: f64,
    latency_s: Option<f64>,
}

/// Returns the runs that arrived at a sink.
pub(super) fn of(logs: &[&ProcessLog], warm_up: u64) -> Vec<Run> {
    let sources: BTreeMap<u64, (Option<u64>, &ProcessLog)> = logs
        .iter()
        .filter_map(|log| match log.role {
            Role::Source { run, window } => Some((run, (window, *log))),
            _ => None,
        })
        .collect();
    let mut runs: BTreeMap<u64, Run> = BTreeMap::new();
    for line in logs.iter().filter(|log| log.role == Role::Sink).flat_map(|log| &log.inferences) {
        let Some(completed_s) = line.completed_s else { continue };
        let source = sources.get(&line.run);
        // On another machine than the source's, only the source knows how long it took.
        let latency_s = line.latency_s.or_else(|| source?.1.answers.get(&line.inference).copied());
        let window = source.and_then(|(window, _)| *window);
        let run = runs.entry(line.run).or_insert_with(|| Run { run: line.run, window, warm_up, arrivals: Vec::new() });
        run.arrivals.push(Arrival { inference: line.inference, completed_s, latency_s });
    }
    runs.into_values().collect()
}

/// Returns the mean seconds between arrivals in the steady state of the runs without a window.
pub(super) fn period_s(runs: &[Run]) -> Option<f64> {
    let steady: Vec<(f64, usize)> = runs.iter().filter(|run| run.window.is_none()).filter_map(Run::steady).collect();
    let seconds: f64 = steady.iter().map(|(seconds, _)| seconds).sum();
    let intervals: usize = steady.iter().map(|(_, intervals)| intervals).sum();
    (intervals > 0).then(|| seconds / intervals as f64)
}

impl Run {
    /// Returns the latencies that are known, without the warm-up.
    pub(super) fn latencies(&self) -> impl Iterator<Item = f64> + '_ {
        self.counted().filter_map(|arrival| arrival.latency_s)
    }

    fn counted(&self) -> impl Iterator<Item = &Arrival> {
        self.arrivals.iter().filter(|arrival| arrival.inference >= self.warm_up)
    }

    /// Returns seconds, and how many intervals they are of: from the warm-up until the source began its last inference.
    /// If most of the run was on its way by then, all of it counts.
    fn steady(&self) -> Option<(f64, usize)> {
        let started = self.arrivals.iter().filter_map(|arrival| Some(arrival.completed_s - arrival.latency_s?));
        let last_started_s = started.fold(f64::NEG_INFINITY, f64::max);
        let completed: Vec<f64> = self.counted().map(|arrival| arrival.completed_s).collect();
        let mut counted: Vec<f64> = completed.iter().copied().filter(|&at| at <= last_started_s).collect();
        if 2 * counted.len() < completed.len() {
            counted = completed;
        }
        let (first, last) = (counted.first()?, counted.last()?);
        // The clock of a machine that started anew begins at 0.
        (counted.len() > 1 && last >= first).then_some((last - first, counted.len() - 1))
    }
}
