//! `cutpoint openapi`: prints the OpenAPI document.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::complain;
use super::exit::Exit;
use crate::http;

/// Prints the OpenAPI document of the HTTP API.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cutpoint openapi
  cutpoint openapi --output openapi/openapi.json
  cutpoint openapi --older --output openapi/openapi-3.0.json")]
pub struct OpenapiArguments {
    /// File to write; standard output if absent.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print OpenAPI 3.0.3 instead of 3.1, for generators that do not support 3.1.
    #[arg(long)]
    older: bool,
}

pub(super) fn run(arguments: &OpenapiArguments) -> Exit {
    let document = if arguments.older { http::openapi_3_0_json() } else { http::openapi_json() };
    let written = match &arguments.output {
        Some(file) => std::fs::write(file, document).with_context(|| format!("{} cannot be written", file.display())),
        None => std::io::stdout().lock().write_all(document.as_bytes()).context("standard output"),
    };
    match written {
        Ok(()) => Exit::Success,
        Err(error) => complain(&error),
    }
}
