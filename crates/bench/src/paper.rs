//! The suite of the paper's experiment, and its files.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::unit::counted;
use indicatif::ProgressBar;

use super::arguments::BenchArguments;
use super::experiment::{Design, Instance};
use super::interrupt::Interrupt;
use super::markdown::Summary;
use super::results::Results;
use super::{Exit, ascending, csv, make_folder, plots, progress_bar, write_file};

/// Runs the suite.
pub(super) fn run(arguments: &BenchArguments, models: Vec<Arc<ModelProfile>>) -> anyhow::Result<Exit> {
    let folder = &arguments.output;
    make_folder(folder)?;
    let design = Design {
        models,
        nodes: ascending(arguments.nodes()).into_iter().map(|nodes| nodes as usize).collect(),
        memory_mib: ascending(arguments.memory_mib()).into_iter().map(u64::from).collect(),
        clusters: arguments.clusters() as usize,
        seed: arguments.seed,
        time_limit_s: arguments.time_limit_s(),
    };
    let interrupt = Interrupt::listen()?;
    let bar = progress_bar(design.instances());
    let mut clusters_done = 0;
    let instances = design.run(&interrupt, &mut |instance| {
        bar.inc(1);
        show(&bar, instance, &design, &mut clusters_done);
    })?;
    bar.finish_and_clear();
    let results = Results { design: &design, instances };
    let summary = Summary(&results).to_string();
    write_files(folder, &results, &summary)?;
    println!("{summary}\nruns.csv, summary.md, ratios.svg and times.svg are in {}", folder.display());
    let is_whole = results.instances.len() == design.instances();
    Ok(if is_whole { Exit::Complete } else { Exit::Interrupted })
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
    files.iter().try_for_each(|(name, content)| write_file(folder, name, content))
}

/// Shows the progress: in the bar on a terminal, otherwise by a line after each cluster.
fn show(bar: &ProgressBar, instance: &Instance, design: &Design, clusters_done: &mut usize) {
    let cell = &instance.cell;
    bar.set_message(format!("{} on {} of {} MiB", cell.model, counted(cell.nodes, "node"), cell.memory_mib));
    let done = bar.position() as usize / (design.instances() / design.clusters);
    if bar.is_hidden() && done > *clusters_done {
        eprintln!("{done} of {} done, {} s", counted(design.clusters, "cluster"), bar.elapsed().as_secs());
    }
    *clusters_done = done;
}
