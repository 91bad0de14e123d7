//! The command line, with one file for each command.

mod backup;
mod calibrate;
mod cut;
mod database;
mod database_flags;
mod demo;
mod document;
pub mod exit;
mod export;
mod files;
mod health;
mod interrupt;
mod inventory;
mod key;
mod onnx_flags;
mod openapi;
mod plan;
mod profile;
mod serve;
mod service;
mod setting_flags;
mod table;

use std::ops::RangeInclusive;
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
Finds where to cut a neural network and which edge device runs which piece, so that one pipeline, or several on devices \
of their own, make the most inferences per second, and proves how good its answer is.

A model is cut into consecutive stages, each on its own node; inputs stream through them as a pipeline. The \
time of the slowest stage or hop is the period. In each period one batch of the model's batch_size inputs is completed, \
so that batch_size / period inferences are made per second. `plan --pipelines` fills the cluster with several such \
pipelines. Bounds and proofs hold among pipelines with one stage a node.";

const AFTER_LONG_HELP: &str = "\
Examples:
  cutpoint demo
      Start the service in a temporary folder, plan real models with it and show the answers.
  cutpoint plan --model examples/models/ResNet50.json --cluster examples/clusters/radio-5.json
      Plan one model on one cluster, without a service.
  cutpoint plan --request examples/requests/*.json --output jsonl
      Plan any number of requests, one JSON line each.
  cutpoint profile model.onnx --dim batch=1 --output model.json
      Make a model profile from an ONNX file, without loading its weights.
  cutpoint inventory --kubernetes nodes.json --iperf3 measured --output cluster.json
      Make the inventory of a cluster from its nodes and from what was measured between them.
  cutpoint cut model.onnx --placement placement.json --output out
      Write one ONNX file for each stage of a placement.
  cutpoint export --placement placement.json --format svg --output placement.svg
      Draw a placement, or write it as files of an orchestrator.
  cutpoint calibrate --profile model.json --placement placement.json --cluster cluster.json --measured logs --output new
      Correct a profile and a cluster by what the running stages were measured at.
  cutpoint serve --listen 127.0.0.1:8080 --database-url sqlite://cutpoint.db
      Run the service; its API is shown at http://127.0.0.1:8080/docs.
  cutpoint key create --name planner --scope plan
      Create a key for callers of the service.
  cutpoint backup copy.db
      Copy the database of the service while it runs.
  cutpoint database copy --from sqlite://cutpoint.db --to postgres://cutpoint@db.example/cutpoint
      Move the service to PostgreSQL, where several servers can share it.

cutpoint <command> --help explains a command.";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArguments),
    Plan(Box<plan::PlanArguments>),
    Profile(Box<profile::ProfileArguments>),
    Inventory(Box<inventory::InventoryArguments>),
    Cut(Box<cut::CutArguments>),
    Export(Box<export::ExportArguments>),
    Calibrate(Box<calibrate::CalibrateArguments>),
    Serve(Box<serve::ServeArguments>),
    Openapi(openapi::OpenapiArguments),
    Health(health::HealthArguments),
    Key(key::KeyArguments),
    Backup(backup::BackupArguments),
    Database(database::DatabaseArguments),
}

/// Runs the command named by the arguments.
pub fn run(arguments: Arguments) -> ExitCode {
    let exit = match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Profile(arguments) => profile::run(&arguments),
        Command::Inventory(arguments) => inventory::run(&arguments),
        Command::Cut(arguments) => cut::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Key(arguments) => key::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Database(arguments) => database::run(&arguments),
    };
    exit.into()
}

/// Parses a finite number. NaN and infinity are rejected, since JSON cannot represent them.
fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "this is not a number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("the number must be finite".to_owned()) }
}

/// Parses a whole number within a range.
fn whole(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("this is not a whole number from {} to {}", range.start(), range.end()))
    }
}

/// Parses a count.
fn count(text: &str) -> Result<u64, String> {
    whole(0..=u64::MAX)(text)
}

/// Prints an error and its causes to standard error, in the format of every command.
fn complain(error: &anyhow::Error) -> Exit {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors already contain the message of their cause.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    eprintln!("cutpoint: {text}");
    Exit::Failure
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use clap::{Arg, Command, CommandFactory};

    use super::*;

    fn of_all_commands(command: &Command) -> Vec<Arg> {
        let own = command.get_arguments().cloned();
        own.chain(command.get_subcommands().flat_map(of_all_commands)).collect()
    }

    /// A value that begins with a minus sign must not be mistaken for an unknown flag.
    #[test]
    fn every_flag_with_a_number_takes_a_negative_one_and_says_what_is_wrong_with_it() {
        let numbers = [TypeId::of::<f64>(), TypeId::of::<u64>(), TypeId::of::<u32>(), TypeId::of::<u16>()];
        let arguments = of_all_commands(&Arguments::command());
        let with_numbers = arguments.iter().filter(|argument| {
            let type_id = argument.get_value_parser().type_id();
            numbers.iter().any(|number| type_id == *number)
        });
        let mut count = 0;
        for argument in with_numbers {
            assert!(argument.is_allow_negative_numbers_set(), "{}", argument.get_id());
            count += 1;
        }
        assert!(count > 30, "{count}");
        for (line, cause) in [
            ("plan --request r --seed -1", "this is not a whole number from 0 to 18446744073709551615"),
            ("plan --request r --jobs -1", "-1 is not in 1..=65535"),
            ("health --timeout-s -1", "this is not a whole number from 1 to 3600"),
            ("serve --workers -1", "this is not a whole number from 0 to"),
        ] {
            let error = Arguments::try_parse_from(["cutpoint"].into_iter().chain(line.split(' '))).unwrap_err();
            assert!(error.to_string().contains(cause), "{error}");
        }
    }
}
