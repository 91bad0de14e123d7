//! `cutpoint demo`: starts a service in a temporary folder, plans real models with it over HTTP and compares the
//! answers.

mod channel;
mod client;
mod filled;
mod summary;

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use cutpoint_planner::domain::unit::counted;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use self::channel::OneChannel;
use self::client::Client;
use self::filled::Filled;
use self::summary::{Finished, summary};
use super::complain;
use super::exit::Exit;
use super::interrupt::asked_to_end;
use super::service::Service;
use crate::config::Settings;

const MODELS: [&str; 6] = ["ResNet50", "InceptionResNetV2", "MobileNetV2", "EfficientNetB1", "DenseNet121", "ViT-B16"];
const CLUSTER: &str = "radio-20";
const ALGORITHMS: [&str; 4] = ["auto", "kpath", "greedy", "random"];
const POLL: Duration = Duration::from_millis(100);

/// Starts the service in a temporary folder, plans real models with it and shows the answers.
#[derive(Debug, Args)]
#[command(after_long_help = "\
The demo starts the whole service on a free port of this machine with a database in a temporary folder, registers \
real model profiles and a cluster of 20 devices with radio links over HTTP, posts a planning job for every model and \
algorithm, waits, and prints each placement with its period, its proven lower bound and what the published \
algorithms reach. One model is then planned for the same devices on one shared channel, beside what its first plan \
would take there, and two models fill the devices with as many pipelines as help. Then it stays up for you to explore, and leaves nothing behind.

Examples:
  cutpoint demo
  cutpoint demo --exit")]
pub struct DemoArguments {
    /// End after the answers instead of waiting for Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// Time limit of each job, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = super::finite, allow_negative_numbers = true)]
    time_limit_s: f64,
}

/// A job that was posted.
struct Posted {
    id: String,
    model: String,
    algorithm: &'static str,
}

/// How the demo ended.
enum Shown {
    All,
    Interrupted,
}

pub(super) fn run(arguments: &DemoArguments) -> Exit {
    let done = tokio::runtime::Runtime::new()
        .context("the runtime cannot start")
        .and_then(|runtime| runtime.block_on(demonstrate(arguments)));
    match done {
        Ok(()) => Exit::Success,
        Err(error) => complain(&error),
    }
}

async fn demonstrate(arguments: &DemoArguments) -> anyhow::Result<()> {
    // The handler is installed before the folder is made, so that an early Ctrl-C removes the folder too.
    let mut end = Box::pin(asked_to_end()?);
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        database_url: format!("sqlite://{}", folder.path().join("demo.db").display()),
        shutdown_s: 2.0,
        ..Settings::default()
    };
    let service = Service::start(&settings).await?;
    let base = format!("http://{}", service.address());
    println!("The service runs at {base} on {}, in a temporary folder.", counted(settings.workers, "worker"));
    let shown = tokio::select! {
        shown = show(arguments, &base) => shown,
        _ = &mut end => Ok(Shown::Interrupted),
    };
    if matches!(shown, Ok(Shown::All)) && !arguments.exit {
        println!("\nExplore it at {base}/docs, or with");
        println!("  curl {base}/v1/jobs\n  curl {base}/v1/placements\nCtrl-C ends it.");
        end.await;
    }
    service.shut_down().await;
    shown.map(drop)
}

async fn show(arguments: &DemoArguments, base: &str) -> anyhow::Result<Shown> {
    let client = Client::new(base.to_owned())?;
    let posted = post_jobs(&client, arguments.time_limit_s).await?;
    let finished = wait(&client, posted).await?;
    println!("\n{}", summary(&finished));
    println!(
        "`auto` proves how good its answer is among all pipelines with one stage a node; the others are published \
         algorithms, under the same costs."
    );
    if let Some(one_channel) = OneChannel::compare(&client, &finished, arguments.time_limit_s).await? {
        println!("\n{one_channel}");
    }
    println!("\n{}", Filled::plan(&client, &finished, arguments.time_limit_s).await?);
    Ok(Shown::All)
}

/// Registers the models and the cluster and posts a job for every model and algorithm.
async fn post_jobs(client: &Client, time_limit_s: f64) -> anyhow::Result<Vec<Posted>> {
    let cluster = client.get(&format!("/v1/examples/{CLUSTER}")).await?;
    let cluster_id = id_of(&client.post("/v1/clusters", &cluster["cluster"]).await?)?;
    let mut posted = Vec::new();
    for model in MODELS {
        let example = client.get(&format!("/v1/examples/{model}")).await?;
        let model_id = id_of(&client.post("/v1/models", &example["model"]).await?)?;
        for algorithm in ALGORITHMS {
            let job = json!({
                "model_id": model_id,
                "cluster_id": cluster_id,
                "solver": {"algorithm": algorithm, "time_limit_s": time_limit_s},
                "labels": {"demo": "yes", "model": model, "algorithm": algorithm},
            });
            let id = id_of(&client.post("/v1/jobs", &job).await?)?;
            posted.push(Posted { id, model: model.to_owned(), algorithm });
        }
    }
    println!(
        "Registered {} and the cluster {CLUSTER}, posted {}, one for each model and algorithm.\n",
        counted(MODELS.len(), "model"),
        counted(posted.len(), "job")
    );
    Ok(posted)
}

/// Polls until every job has ended and prints a line for each as it ends. Returns the answers in the order of the jobs.
async fn wait(client: &Client, posted: Vec<Posted>) -> anyhow::Result<Vec<Finished>> {
    let bar = progress_bar(posted.len());
    let mut finished: Vec<Option<Finished>> = posted.iter().map(|_| None).collect();
    while finished.iter().any(Option::is_none) {
        for (Posted { id, model, algorithm }, slot) in posted.iter().zip(&mut finished) {
            if slot.is_some() {
                continue;
            }
            let job = client.get(&format!("/v1/jobs/{id}")).await?;
            if matches!(job["status"].as_str(), Some("queued" | "running")) {
                bar.set_message(format!("{model} with {algorithm} is {}", job["status"].as_str().unwrap_or_default()));
                continue;
            }
            let placement = client.get_if_there(&format!("/v1/jobs/{id}/placement")).await?;
            let one = Finished { model: model.clone(), algorithm, job, placement };
            bar.suspend(|| println!("  {}", one.news()));
            bar.inc(1);
            *slot = Some(one);
        }
        tokio::time::sleep(POLL).await;
    }
    bar.finish_and_clear();
    Ok(finished.into_iter().flatten().collect())
}

/// Polls until a job has ended. Returns its placement.
async fn answer_of(client: &Client, id: &str) -> anyhow::Result<Option<Value>> {
    loop {
        let job = client.get(&format!("/v1/jobs/{id}")).await?;
        if !matches!(job["status"].as_str(), Some("queued" | "running")) {
            return client.get_if_there(&format!("/v1/jobs/{id}/placement")).await;
        }
        tokio::time::sleep(POLL).await;
    }
}

fn id_of(document: &Value) -> anyhow::Result<String> {
    document["id"].as_str().map(str::to_owned).context("the service answered without an id")
}

/// Returns a progress bar on standard error. It stays hidden if standard error is not a terminal.
fn progress_bar(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::new(jobs as u64);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} jobs ended {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(POLL);
    bar
}
