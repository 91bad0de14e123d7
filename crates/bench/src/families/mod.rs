//! The suite of fresh instances of several families. They are drawn from a seed, and planned for
//! their solve times or written as files.

mod family;
mod generator;
mod pieces;
mod rows;
mod square;
mod summary;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::SolverOptions;
use cutpoint_planner::domain::unit::counted;
use indicatif::ProgressBar;

pub(super) use family::Family;
use generator::{Generator, Key};
use rows::Row;
use summary::Summary;

use super::arguments::BenchArguments;
use super::experiment::run_one;
use super::interrupt::Interrupt;
use super::profiles::named;
use super::{Exit, ascending, make_folder, progress_bar, write_file};

/// Runs the suite.
pub(super) fn run(arguments: &BenchArguments, models: Vec<Arc<ModelProfile>>) -> anyhow::Result<Exit> {
    let generator = generator(arguments, models)?;
    let keys = keys(arguments);
    match &arguments.of_families.write {
        Some(folder) => write(&generator, &keys, folder),
        None => measure(arguments, &generator, &keys),
    }
}

fn generator(arguments: &BenchArguments, drawn: Vec<Arc<ModelProfile>>) -> anyhow::Result<Generator> {
    let own: Vec<&str> = arguments.families().iter().filter_map(|family| family.own_model()).collect();
    let solver = SolverOptions {
        algorithm: arguments.algorithm(),
        time_limit_s: arguments.time_limit_s(),
        seed: arguments.seed,
        tolerance: arguments.of_families.tolerance.unwrap_or(0.0),
        ..SolverOptions::default()
    };
    Ok(Generator { seed: arguments.seed, models: drawn, own_models: named(&own)?, solver })
}

/// Returns the keys of all instances that are asked for.
fn keys(arguments: &BenchArguments) -> Vec<Key> {
    let mut keys = Vec::new();
    for &family in arguments.families() {
        for nodes in ascending(&arguments.nodes_of(family)) {
            let numbers = 0..arguments.instances(nodes) as usize;
            keys.extend(numbers.map(|number| Key { family, nodes: nodes as usize, number }));
        }
    }
    keys
}

fn write(generator: &Generator, keys: &[Key], folder: &Path) -> anyhow::Result<Exit> {
    make_folder(folder)?;
    for key in keys {
        let request = generator.draw(*key)?;
        let name = format!("{}-{}.json", key.name(), request.model.name);
        write_file(folder, &name, json_text(&request).as_bytes())?;
    }
    println!("{} written to {}", counted(keys.len(), "request file"), folder.display());
    Ok(Exit::Complete)
}

fn measure(arguments: &BenchArguments, generator: &Generator, keys: &[Key]) -> anyhow::Result<Exit> {
    let folder = &arguments.output;
    make_folder(folder)?;
    let interrupt = Interrupt::listen()?;
    let bar = progress_bar(keys.len());
    let mut rows = Vec::with_capacity(keys.len());
    for &key in keys {
        let request = generator.draw(key)?;
        show(&bar, key, &request.model.name);
        let run = run_one(&request, &interrupt).with_context(|| key.name())?;
        if interrupt.has_come() {
            break;
        }
        rows.push(Row::new(key, &request, &run));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let summary = Summary {
        families: arguments.families(),
        seed: generator.seed,
        solver: generator.solver,
        instances: keys.len(),
        rows: &rows,
    };
    let summary = summary.to_string();
    let mut runs = Vec::new();
    rows::write(&rows, &mut runs).context("the runs cannot be written as CSV")?;
    write_file(folder, "runs.csv", &runs)?;
    write_file(folder, "summary.md", summary.as_bytes())?;
    println!("{summary}\nruns.csv and summary.md are in {}", folder.display());
    Ok(if rows.len() == keys.len() { Exit::Complete } else { Exit::Interrupted })
}

/// Shows the progress: in the bar on a terminal, otherwise by a line for each family and number of
/// nodes.
fn show(bar: &ProgressBar, key: Key, model: &str) {
    bar.set_message(format!("{} {model}", key.name()));
    if bar.is_hidden() && key.number == 0 {
        eprintln!("{} on {}, {} s", key.family.name(), counted(key.nodes, "node"), bar.elapsed().as_secs());
    }
}
