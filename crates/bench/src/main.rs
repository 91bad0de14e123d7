//! The experiments: that of the paper, with every answer compared with a proven optimum; the solve
//! times on fresh instances of several families; every model in several orders of its file; one channel for all; and clusters full of pipelines.

mod arguments;
mod channel;
mod cluster;
mod csv;
mod experiment;
mod families;
mod interrupt;
mod markdown;
mod orders;
mod paper;
mod pipelines;
mod plots;
mod profiles;
mod results;
mod statistics;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use cutpoint_planner::domain::model::ModelProfile;
use indicatif::{ProgressBar, ProgressStyle};

use arguments::{BenchArguments, Suite};

/// How an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// All instances were run.
    Complete,
    /// Ctrl-C ended the experiment. The results so far are written.
    Interrupted,
    /// A flag cannot be used.
    BadInput,
    /// Something else failed.
    Failure,
}

impl From<Exit> for ExitCode {
    /// Returns the exit code, as of `cutpoint plan`.
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Complete => 0,
            Exit::Failure => 1,
            Exit::BadInput => 2,
            Exit::Interrupted => 4,
        })
    }
}

fn main() -> ExitCode {
    let arguments = BenchArguments::parse();
    let exit = match arguments.check().and_then(|()| read_models(&arguments)) {
        Ok(models) => run(&arguments, models).unwrap_or_else(|error| complain(&error, Exit::Failure)),
        Err(error) => complain(&error, Exit::BadInput),
    };
    exit.into()
}

fn run(arguments: &BenchArguments, models: Vec<Arc<ModelProfile>>) -> anyhow::Result<Exit> {
    match arguments.suite {
        Suite::Paper => paper::run(arguments, models),
        Suite::Families => families::run(arguments, models),
        Suite::Models => orders::run(arguments, &models),
        Suite::Channel => channel::run(arguments, &models),
        Suite::Pipelines => pipelines::run(arguments, &models),
    }
}

fn read_models(arguments: &BenchArguments) -> anyhow::Result<Vec<Arc<ModelProfile>>> {
    let names = arguments.models();
    match &arguments.of_models.profiles {
        Some(folder) => profiles::in_folder(folder, &names),
        None if names.is_empty() => profiles::all(),
        None => profiles::named(&names),
    }
}

fn complain(error: &anyhow::Error, exit: Exit) -> Exit {
    eprintln!("cutpoint-bench: {error:#}");
    exit
}

/// Returns the distinct numbers, ascending.
fn ascending(numbers: &[u32]) -> Vec<u32> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
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
