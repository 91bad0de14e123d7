//! `cutpoint health`: checks whether a running service accepts jobs, for container health checks.

use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::complain;
use super::exit::Exit;

/// Checks whether a running service accepts jobs. Exits with 0 if it does, else with 1.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  cutpoint health --url http://127.0.0.1:8080")]
pub struct HealthArguments {
    /// URL of the service.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Seconds to wait for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = super::whole(1..=3600),
        allow_negative_numbers = true)]
    timeout_s: u64,
}

pub(super) fn run(arguments: &HealthArguments) -> Exit {
    match ask(arguments) {
        Ok(()) => Exit::Success,
        Err(error) => complain(&error),
    }
}

fn ask(arguments: &HealthArguments) -> anyhow::Result<()> {
    let url = format!("{}/readyz", arguments.url.trim_end_matches('/'));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(arguments.timeout_s)).build()?;
        client.get(&url).send().await?.error_for_status()
    });
    answer.map(drop).with_context(|| format!("{url} is not ready"))
}
