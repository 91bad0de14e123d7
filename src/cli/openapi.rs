//! `cutpoint openapi`: prints the OpenAPI document.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::complain;
use super::exit::Exit;
use crate::http;

/// Prints the OpenAPI 3.1 document of the HTTP API.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cutpoint openapi
  cutpoint openapi --output openapi/openapi.json")]
pub struct OpenapiArguments {
    /// File to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(arguments: &OpenapiArguments) -> Exit {
    let document = http::openapi_json();
    let written = match &arguments.output {
        Some(file) => std::fs::write(file, document).with_context(|| format!("{} cannot be written", file.display())),
        None => std::io::stdout().lock().write_all(document.as_bytes()).context("standard output"),
    };
    match written {
        Ok(()) => Exit::Success,
        Err(error) => complain(&error),
    }
}
