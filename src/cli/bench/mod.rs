//! `cutpoint bench`: the paper's experiment, with every answer held against a proven optimum.

mod arguments;
mod cluster;
mod csv;
mod experiment;
mod markdown;
mod plots;
mod results;
mod statistics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

pub(super) use arguments::BenchArguments;
use experiment::{Design, Instance};
use markdown::Summary;
use results::Results;

use super::exit::Exit;
use super::{complain, interrupt};
use crate::clock::SystemClock;
use crate::domain::model::ModelProfile;
use crate::http::ExampleKind;
use crate::http::examples;
use crate::jobs::{Cause, Signal};

/// Runs the command.
pub(super) fn run(arguments: &BenchArguments) -> Exit {
    let models = match models(&arguments.models) {
        Ok(models) => models,
        Err(error) => {
            complain(&error);
            return Exit::BadInput;
        }
    };
    match bench(arguments, models) {
        Ok(exit) => exit,
        Err(error) => complain(&error),
    }
}

fn bench(arguments: &BenchArguments, models: Vec<Arc<ModelProfile>>) -> anyhow::Result<Exit> {
    let folder = &arguments.output;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let design = Design {
        models,
        nodes: ascending(&arguments.nodes).into_iter().map(|nodes| nodes as usize).collect(),
        memory_mib: ascending(&arguments.memory_mib).into_iter().map(u64::from).collect(),
        clusters: arguments.clusters() as usize,
        seed: arguments.seed,
        time_limit_s: arguments.time_limit_s,
    };
    let clock = SystemClock::new();
    let signal = Arc::new(Signal::new(Arc::new(clock)));
    let told = signal.clone();
    interrupt::listen(move || told.end(Cause::Asked)).context("the interrupt signal cannot be listened to")?;
    let bar = progress_bar(design.instances());
    let mut clusters_done = 0;
    let instances = design.run(&clock, &signal, &mut |instance| {
        bar.inc(1);
        show(&bar, instance, &design, &mut clusters_done);
    })?;
    bar.finish_and_clear();
    let results = Results { design: &design, instances };
    let summary = Summary(&results).to_string();
    write_files(folder, &results, &summary)?;
    println!("{summary}\nruns.csv, summary.md, ratios.svg and times.svg are in {}", folder.display());
    let is_whole = results.instances.len() == design.instances();
    Ok(if is_whole { Exit::Success } else { Exit::Unknown })
}

/// Profiles of examples, in the order of their names here.
fn models(names: &[String]) -> anyhow::Result<Vec<Arc<ModelProfile>>> {
    let examples = examples::examples();
    let known: Vec<&str> =
        examples.iter().filter(|example| example.kind == ExampleKind::Model).map(|example| &*example.name).collect();
    let mut models: Vec<Arc<ModelProfile>> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            continue;
        }
        let unknown = || anyhow!("no example model is named {name:?}; there are {}", known.join(", "));
        let body = known.contains(&&**name).then(|| examples::body(name)).flatten().ok_or_else(unknown)?;
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

fn write_files(folder: &Path, results: &Results<'_>, summary: &str) -> anyhow::Result<()> {
    let mut runs = Vec::new();
    csv::write(&results.instances, &mut runs).context("the runs cannot be written as CSV")?;
    let drawn = |plot: Result<String, Box<dyn std::error::Error + Send + Sync>>, name: &str| {
        plot.map(String::into_bytes).map_err(|error| anyhow!("{name} cannot be drawn: {error}"))
    };
    let files = [
        ("runs.csv", runs),
        ("summary.md", summary.as_bytes().to_vec()),
        ("ratios.svg", drawn(plots::ratios(results), "ratios.svg")?),
        ("times.svg", drawn(plots::times(results), "times.svg")?),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// The bar where there is a terminal; elsewhere a line whenever a cluster is done.
fn show(bar: &ProgressBar, instance: &Instance, design: &Design, clusters_done: &mut usize) {
    let cell = &instance.cell;
    bar.set_message(format!("{} on {} nodes of {} MiB", cell.model, cell.nodes, cell.memory_mib));
    let done = bar.position() as usize / (design.instances() / design.clusters);
    if bar.is_hidden() && done > *clusters_done {
        eprintln!("{done} of {} clusters done, {} s", design.clusters, bar.elapsed().as_secs());
    }
    *clusters_done = done;
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
