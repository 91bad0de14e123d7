//! Parses the arguments and runs the command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cutpoint::cli::run(cutpoint::cli::Arguments::parse())
}
