//! `cutpoint bench`: the paper's experiment with every answer held against a proven optimum, and the solve times on
//! fresh instances of several families.

mod arguments;
mod cluster;
mod csv;
mod experiment;
mod families;
mod markdown;
mod paper;
mod plots;
mod results;
mod statistics;
mod table;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

pub(super) use arguments::BenchArguments;
use arguments::Suite;

use super::exit::Exit;
use super::{complain, interrupt};
use crate::clock::SystemClock;
use crate::domain::model::ModelProfile;
use crate::http::ExampleKind;
use crate::http::examples;
use crate::jobs::{Cause, Signal};

/// Runs the command.
pub(super) fn run(arguments: &BenchArguments) -> Exit {
    let models = match arguments.check().and_then(|()| models(&arguments.models())) {
        Ok(models) => models,
        Err(error) => {
            complain(&error);
            return Exit::BadInput;
        }
    };
    let exit = match arguments.suite {
        Suite::Paper => paper::run(arguments, models),
        Suite::Families => families::run(arguments, models),
    };
    exit.unwrap_or_else(|error| complain(&error))
}

/// Profiles of examples, in the order of their names here.
fn models(names: &[impl AsRef<str>]) -> anyhow::Result<Vec<Arc<ModelProfile>>> {
    let examples = examples::examples();
    let known: Vec<&str> =
        examples.iter().filter(|example| example.kind == ExampleKind::Model).map(|example| &*example.name).collect();
    let mut models: Vec<Arc<ModelProfile>> = Vec::new();
    for name in names.iter().map(AsRef::as_ref) {
        if models.iter().any(|model| model.name == name) {
            continue;
        }
        let unknown = || anyhow!("no example model is named {name:?}; there are {}", known.join(", "));
        let body = known.contains(&name).then(|| examples::body(name)).flatten().ok_or_else(unknown)?;
        let request: Value = serde_json::from_str(&body).with_context(|| format!("example {name} is not JSON"))?;
        let model = ModelProfile::from_json(&request["model"])
            .map_err(|faults| anyhow!("example {name} cannot be used: {faults:?}"))?;
        models.push(Arc::new(model));
    }
    Ok(models)
}

/// Each number once.
fn ascending(numbers: &[u32]) -> Vec<u32> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// A signal that Ctrl-C gives.
fn interruptible() -> anyhow::Result<(SystemClock, Arc<Signal>)> {
    let clock = SystemClock::new();
    let signal = Arc::new(Signal::new(Arc::new(clock)));
    let told = signal.clone();
    interrupt::listen(move || told.end(Cause::Asked)).context("the interrupt signal cannot be listened to")?;
    Ok((clock, signal))
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

fn write_file(folder: &Path, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(name);
    std::fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))
}

fn progress_bar(instances: usize) -> ProgressBar {
    let bar = ProgressBar::new(instances as u64);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} instances {elapsed} (left: {eta}) {msg}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
