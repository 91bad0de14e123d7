//! `cutpoint plan`: plans request files, or one model on one cluster, in this process.

mod arguments;
mod drawing;
mod explained;
mod input;
mod lines;
mod look;
mod output;
mod report;
mod solve;
mod svg;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use anyhow::Context;
use cutpoint_planner::CheckFailure;
use cutpoint_planner::domain::explanation::Explanation;
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use indicatif::{ProgressBar, ProgressStyle};

use arguments::Output;
pub(super) use arguments::PlanArguments;
use input::{InputError, Source};

use super::exit::Exit;
use super::{complain, interrupt};
use crate::clock::SystemClock;
use crate::jobs::{Cause, Signal};

/// The outcome of one request.
enum Outcome {
    Placed(Box<PlanRequest>, Box<PlacementDocument>, Option<Box<Explanation>>),
    BadInput(InputError),
    Defect(CheckFailure),
    /// The run was interrupted before the request was planned.
    LeftOut,
}

impl Outcome {
    fn exit(&self) -> Exit {
        match self {
            Outcome::Placed(_, placement, _) => Exit::of_status(placement.status),
            Outcome::BadInput(_) => Exit::BadInput,
            Outcome::Defect(_) => Exit::Failure,
            Outcome::LeftOut => Exit::Unknown,
        }
    }
}

pub(super) fn run(arguments: &PlanArguments) -> Exit {
    let sources = sources(arguments);
    if arguments.output == Output::Json && sources.len() > 1 {
        eprintln!("cutpoint: --output json takes one request; --output jsonl takes any number");
        return Exit::BadInput;
    }
    if arguments.svg.is_some() && sources.len() > 1 {
        eprintln!("cutpoint: --svg draws the placement of one request");
        return Exit::BadInput;
    }
    if sources.iter().flat_map(Source::files).filter(|file| input::is_standard_input(file)).count() > 1 {
        eprintln!("cutpoint: standard input, -, can be read once only");
        return Exit::BadInput;
    }
    match plan_all(arguments, &sources) {
        Ok(exit) => exit,
        // The reader has closed the pipe, as `head` does.
        Err(error) if is_broken_pipe(&error) => Exit::Failure,
        Err(error) => complain(&error),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn sources(arguments: &PlanArguments) -> Vec<Source> {
    match (&arguments.model, &arguments.cluster) {
        (Some(model), Some(cluster)) => {
            vec![Source::ModelAndCluster { model: model.clone(), cluster: cluster.clone() }]
        }
        _ => arguments.request.iter().cloned().map(Source::Request).collect(),
    }
}

/// Plans every source on `--jobs` threads and prints each outcome in the order of the sources, as soon as it can.
fn plan_all(arguments: &PlanArguments, sources: &[Source]) -> anyhow::Result<Exit> {
    let clock = SystemClock::new();
    let bar = progress_bar(sources.len());
    let workers = usize::from(arguments.jobs).min(sources.len());
    let signals: Vec<Arc<Signal>> = (0..workers).map(|_| Arc::new(Signal::new(Arc::new(clock)))).collect();
    let told = signals.clone();
    interrupt::listen(move || told.iter().for_each(|signal| signal.end(Cause::Asked)))
        .context("the interrupt signal cannot be listened to")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.map_or((cores / workers).max(1), usize::from);
    let next = AtomicUsize::new(0);
    let (sender, outcomes) = mpsc::channel();
    std::thread::scope(|scope| {
        for signal in &signals {
            let (sender, next, bar) = (sender.clone(), &next, &bar);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(source) = sources.get(index) else { break };
                    let outcome = plan_one(arguments, source, &clock, threads, signal, bar);
                    // Once standard output is closed, the remaining requests need not be planned.
                    if sender.send((index, outcome)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        print_in_order(arguments, sources, outcomes, &bar)
    })
}

fn plan_one(
    arguments: &PlanArguments,
    source: &Source,
    clock: &SystemClock,
    threads: usize,
    signal: &Signal,
    bar: &ProgressBar,
) -> Outcome {
    if signal.cause().is_some() {
        return Outcome::LeftOut;
    }
    let name = source.name();
    bar.set_message(name.clone());
    let request = match source.read(&arguments.options) {
        Ok(request) => request,
        Err(error) => return Outcome::BadInput(error),
    };
    let show = |text: &str| bar.set_message(format!("{name}: {text}"));
    let solved = solve::solve(&request, clock, threads, signal, &show).and_then(|placement| {
        show("explaining");
        let explained = arguments.explain.map(|limit_s| solve::explain(&request, &placement, threads, signal, limit_s));
        Ok((placement, explained.transpose()?))
    });
    match solved {
        Ok((placement, explained)) => Outcome::Placed(Box::new(request), Box::new(placement), explained.map(Box::new)),
        Err(defect) => Outcome::Defect(defect),
    }
}

fn print_in_order(
    arguments: &PlanArguments,
    sources: &[Source],
    outcomes: mpsc::Receiver<(usize, Outcome)>,
    bar: &ProgressBar,
) -> anyhow::Result<Exit> {
    let mut gravest = Exit::Success;
    let mut waiting = BTreeMap::new();
    let mut printed = 0;
    for (index, outcome) in outcomes {
        bar.inc(1);
        gravest = gravest.max(outcome.exit());
        waiting.insert(index, outcome);
        while let Some(outcome) = waiting.remove(&printed) {
            let name = sources[printed].name();
            bar.suspend(|| show(arguments, &name, &outcome))?;
            printed += 1;
        }
    }
    bar.finish_and_clear();
    Ok(gravest)
}

/// Prints an outcome, and draws it if that is asked for.
fn show(arguments: &PlanArguments, name: &str, outcome: &Outcome) -> anyhow::Result<()> {
    let is_only_drawn = arguments.svg.as_deref().is_some_and(input::is_standard_input);
    match outcome {
        Outcome::Placed(..) if is_only_drawn => {}
        outcome => output::print(arguments.output, name, outcome)?,
    }
    match (&arguments.svg, outcome) {
        (Some(file), Outcome::Placed(_, placement, _)) => svg::write(placement, file),
        _ => Ok(()),
    }
}

/// Returns a progress bar on standard error. It stays hidden if standard error is not a terminal.
fn progress_bar(requests: usize) -> ProgressBar {
    let template = if requests == 1 { "{spinner} {elapsed} {msg}" } else { "{spinner} {pos}/{len} {elapsed} {msg}" };
    let bar = ProgressBar::new(requests as u64);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}
