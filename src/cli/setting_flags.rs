//! A flag for every setting.

use std::sync::LazyLock;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};
use serde_json::{Map, Value, json};

use super::{count, finite};
use crate::config::{Flag, Setting, Settings};

/// The settings that are given as flags. Others come from the environment, the file and the defaults.
#[derive(Debug, Default)]
pub(super) struct SettingFlags(pub(super) Map<String, Value>);

/// The names of the flags. They are static because clap borrows them.
static LONG_NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| Settings::NAMES.iter().map(|name| name.replace('_', "-")).collect());

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.args(Settings::TABLE.iter().zip(&*LONG_NAMES).map(|(setting, long)| argument(setting, long)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let given = |setting: &Setting| Some((setting.name.to_owned(), value(matches, setting)?));
        self.0.extend(Settings::TABLE.iter().filter_map(given));
        Ok(())
    }
}

fn argument(setting: &Setting, long: &'static str) -> Arg {
    let help = setting.help.trim().trim_end_matches('.');
    let argument = Arg::new(setting.name).long(long);
    let argument = match setting.flag {
        Flag::Switch => {
            let switch = argument.value_parser(value_parser!(bool)).value_name("true|false");
            return switch.num_args(0..=1).default_missing_value("true").help(help);
        }
        Flag::Text(name) => argument.value_name(name),
        Flag::Count(name) => argument.value_name(name).value_parser(count).allow_negative_numbers(true),
        Flag::Seconds => argument.value_name("SECONDS").value_parser(finite).allow_negative_numbers(true),
    };
    argument.help(format!("{help} [default: {}]", (setting.default)()))
}

fn value(matches: &ArgMatches, Setting { name, flag, .. }: &Setting) -> Option<Value> {
    match flag {
        Flag::Switch => matches.get_one::<bool>(name).map(|value| json!(value)),
        Flag::Text(_) => matches.get_one::<String>(name).map(|value| json!(value)),
        Flag::Count(_) => matches.get_one::<u64>(name).map(|value| json!(value)),
        Flag::Seconds => matches.get_one::<f64>(name).map(|value| json!(value)),
    }
}
