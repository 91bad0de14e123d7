//! Where the database of the service is, for commands that work beside it.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::Serialize;

use crate::config::Settings;

/// Where the database of the service is.
#[derive(Debug, Args, Serialize)]
pub(super) struct Place {
    /// File with settings, TOML.
    #[arg(long, value_name = "FILE", env = "CUTPOINT_CONFIG", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// The database of the service [default: sqlite://cutpoint.db].
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
}

impl Place {
    /// The settings of the service there; what is wrong with them, in words.
    pub(super) fn settings(&self) -> Result<Settings, String> {
        Settings::load(self.config.as_deref(), self).map_err(|error| error.to_string())
    }
}
