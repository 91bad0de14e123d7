//! The command line: one file a command.

mod bench;
mod demo;
pub mod exit;
mod health;
mod interrupt;
mod key;
mod openapi;
mod plan;
mod serve;
mod service;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;

/// Finds where to cut a neural network and which device runs which piece, and proves how good its answer is.
#[derive(Debug, Parser)]
#[command(name = "cutpoint", version, about, long_about = LONG_ABOUT, after_long_help = AFTER_LONG_HELP)]
#[command(propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const LONG_ABOUT: &str = "\
Finds where to cut a neural network and which edge device runs which piece, so that one pipeline with one stage a \
device lets the most inferences through per second, and proves how good its answer is.

A model is cut into consecutive stages, each on a node of its own; inputs stream through them as a pipeline. The \
slowest stage or hop sets the pace: its time is the period, and one batch of the model's batch_size inputs comes out in \
each, so that batch_size / period inferences are made per second. Bounds and proofs are about one such pipeline: what \
several side by side would let through is not asked.";

const AFTER_LONG_HELP: &str = "\
Examples:
  cutpoint demo
      Start the service in a temporary place, plan real models with it and show the answers.
  cutpoint plan --model examples/models/ResNet50.json --cluster examples/clusters/radio-5.json
      Plan one model on one cluster, without a service.
  cutpoint plan --request examples/requests/*.json --output jsonl
      Plan any number of requests, one JSON line each.
  cutpoint bench --quick
      Compare the published algorithms with the proven optimum.
  cutpoint bench --suite families --quick
      Measure solve times on fresh instances of many kinds.
  cutpoint serve --listen 127.0.0.1:8080 --database-url sqlite://cutpoint.db
      Run the service; its API is shown at http://127.0.0.1:8080/docs.
  cutpoint key create --name planner --scope plan
      Make a key for callers of the service.

cutpoint <command> --help explains a command.";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArguments),
    Plan(Box<plan::PlanArguments>),
    Bench(bench::BenchArguments),
    Serve(Box<serve::ServeArguments>),
    Openapi(openapi::OpenapiArguments),
    Health(health::HealthArguments),
    Key(key::KeyArguments),
}

/// Runs the command that the arguments name.
pub fn run(arguments: Arguments) -> ExitCode {
    let exit = match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Key(arguments) => key::run(&arguments),
    };
    exit.into()
}

/// Reads a number of a flag. JSON has no word for NaN and infinity, so they must not get further than this.
fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "this is not a number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("the number must be finite".to_owned()) }
}

/// Prints an error and its causes to standard error the way every command does.
fn complain(error: &anyhow::Error) -> Exit {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors say their cause themselves.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    eprintln!("cutpoint: {text}");
    Exit::Failure
}
