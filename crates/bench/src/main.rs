//! Experiments: the paper's, with every answer held against a proven optimum, and the solve times on fresh instances of
//! several families.

mod arguments;
mod cluster;
mod csv;
mod experiment;
mod families;
mod interrupt;
mod markdown;
mod paper;
mod plots;
mod results;
mod statistics;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use cutpoint_planner::domain::model::ModelProfile;
use indicatif::{ProgressBar, ProgressStyle};
use rust_embed::RustEmbed;

use arguments::{BenchArguments, Suite};

/// How an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Everything was run.
    Complete,
    /// What was run until Ctrl-C is written.
    Interrupted,
    /// A flag cannot be used.
    BadInput,
    /// Something failed that is not the caller's doing.
    Failure,
}

impl From<Exit> for ExitCode {
    /// The codes of `cutpoint plan`.
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Complete => 0,
            Exit::Failure => 1,
            Exit::BadInput => 2,
            Exit::Interrupted => 4,
        })
    }
}

#[derive(RustEmbed)]
#[folder = "../../examples/models/"]
struct ModelFiles;

fn main() -> ExitCode {
    let arguments = BenchArguments::parse();
    let exit = match arguments.check().and_then(|()| models(&arguments.models())) {
        Ok(models) => run(&arguments, models).unwrap_or_else(|error| complain(&error, Exit::Failure)),
        Err(error) => complain(&error, Exit::BadInput),
    };
    exit.into()
}

fn run(arguments: &BenchArguments, models: Vec<Arc<ModelProfile>>) -> anyhow::Result<Exit> {
    match arguments.suite {
        Suite::Paper => paper::run(arguments, models),
        Suite::Families => families::run(arguments, models),
    }
}

fn complain(error: &anyhow::Error, exit: Exit) -> Exit {
    eprintln!("cutpoint-bench: {error:#}");
    exit
}

/// Profiles of examples, in the order of their names here.
fn models(names: &[impl AsRef<str>]) -> anyhow::Result<Vec<Arc<ModelProfile>>> {
    let mut models: Vec<Arc<ModelProfile>> = Vec::new();
    for name in names.iter().map(AsRef::as_ref) {
        if models.iter().any(|model| model.name == name) {
            continue;
        }
        let file = ModelFiles::get(&format!("{name}.json")).ok_or_else(|| {
            let known: Vec<_> =
                ModelFiles::iter().filter_map(|file| Some(file.strip_suffix(".json")?.to_owned())).collect();
            anyhow!("no example model is named {name:?}; there are {}", known.join(", "))
        })?;
        let profile = serde_json::from_slice(&file.data).with_context(|| format!("example {name} is not JSON"))?;
        let model =
            ModelProfile::from_json(&profile).map_err(|faults| anyhow!("example {name} cannot be used: {faults:?}"))?;
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
