//! The flags that locate the service's database, for commands that open it directly.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::Serialize;

use crate::config::Settings;

/// Flags that locate the database of the service.
#[derive(Debug, Args, Serialize)]
pub(super) struct DatabaseFlags {
    /// TOML file with settings.
    #[arg(long, value_name = "FILE", env = "CUTPOINT_CONFIG", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// The database of the service [default: sqlite://cutpoint.db].
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
}

impl DatabaseFlags {
    /// Returns the settings of the service, or a description of what is wrong with them.
    pub(super) fn settings(&self) -> Result<Settings, String> {
        Settings::load(self.config.as_deref(), self).map_err(|error| error.to_string())
    }
}
