//! `cutpoint key`: creates, lists and revokes API keys.

use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::complain;
use super::database_flags::DatabaseFlags;
use super::exit::Exit;
use super::service::store_settings;
use super::table::{Side, Table};
use crate::clock::{RandomIds, SystemClock};
use crate::config::Settings;
use crate::domain::id::{Id, IdKind};
use crate::domain::scope::Scope;
use crate::domain::tenant::{LONGEST_NAME, Tenant};
use crate::store::{Key, NewKey, Store, StoreSettings, shown_url};

/// Creates, lists and revokes API keys.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A running service notices within a second. Once a key was created, callers need one, even if all keys are revoked. Only \
a hash is stored: if you lose a key, create another.

Examples:
  KEY=$(cutpoint key create --name roof-planner --scope plan)
  curl -H \"Authorization: Bearer $KEY\" http://127.0.0.1:8080/v1/jobs
  cutpoint key list
  cutpoint key revoke key_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90")]
pub struct KeyArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Creates a key and prints it. It cannot be shown again.
    Create(CreateArguments),
    /// Lists the keys, including revoked ones.
    List(ListArguments),
    /// Revokes a key: it no longer grants access.
    Revoke(RevokeArguments),
}

#[derive(Debug, Args)]
struct CreateArguments {
    /// Name of the key, for people.
    #[arg(long)]
    name: String,
    /// What the key allows; each scope includes those before it.
    #[arg(long, value_enum, default_value_t = ScopeName::Plan)]
    scope: ScopeName,
    /// Tenant whose models, clusters, jobs, placements and webhooks the key can see: 1 to 64 of a-z, 0-9, - and _.
    #[arg(long, default_value = Tenant::DEFAULT_NAME)]
    tenant: String,
    #[command(flatten)]
    database: DatabaseFlags,
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Format of the list.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    #[command(flatten)]
    database: DatabaseFlags,
}

#[derive(Debug, Args)]
struct RevokeArguments {
    /// Id of the key, as `key list` shows it.
    id: String,
    #[command(flatten)]
    database: DatabaseFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeName {
    /// Read the tenant's resources.
    Read,
    /// Register models and clusters, plan, stop jobs.
    Plan,
    /// Delete, and manage webhooks.
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table, for people.
    Table,
    /// One JSON object a line, for programs.
    Jsonl,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Read => Scope::Read,
            ScopeName::Plan => Scope::Plan,
            ScopeName::Admin => Scope::Admin,
        }
    }
}

pub(super) fn run(arguments: &KeyArguments) -> Exit {
    let database = match &arguments.action {
        Action::Create(CreateArguments { database, .. })
        | Action::List(ListArguments { database, .. })
        | Action::Revoke(RevokeArguments { database, .. }) => database,
    };
    let settings = match database.settings() {
        Ok(settings) => settings,
        Err(words) => return refuse(&words),
    };
    match &arguments.action {
        Action::Create(arguments) => create(arguments, &settings),
        Action::List(arguments) => list(arguments, &settings),
        Action::Revoke(arguments) => revoke(arguments, &settings),
    }
}

fn create(arguments: &CreateArguments, settings: &Settings) -> Exit {
    let Some(tenant) = Tenant::parse(&arguments.tenant) else {
        let given = &arguments.tenant;
        return refuse(&format!("--tenant {given:?}: give 1 to {LONGEST_NAME} of a-z, 0-9, - and _"));
    };
    let name = arguments.name.trim();
    if name.is_empty() || name.chars().count() > 256 || name.chars().any(char::is_control) {
        return refuse("--name: give 1 to 256 printable characters");
    }
    let key = NewKey { tenant, name: name.to_owned(), scope: arguments.scope.into() };
    finish(with_store(settings, true, async |store| store.create_key(key).await), |(key, text)| {
        eprintln!("{} {:?}: scope {}, tenant {}", key.id, key.name, key.scope.name(), key.tenant);
        println!("{}", text.reveal());
    })
}

fn list(arguments: &ListArguments, settings: &Settings) -> Exit {
    finish(with_store(settings, false, async |store| store.keys().await), |keys| {
        match arguments.output {
            Output::Table => print!("{}", table(&keys.readable)),
            Output::Jsonl => keys.readable.iter().for_each(|key| println!("{}", line(key))),
        }
        for id in &keys.unreadable {
            eprintln!("cutpoint: the row of {id} is damaged, so the key grants no access; create another");
        }
    })
}

fn revoke(arguments: &RevokeArguments, settings: &Settings) -> Exit {
    let Some(id) = Id::parse(IdKind::Key, &arguments.id) else {
        return refuse(&format!("{:?} is not the id of a key; `cutpoint key list` shows them", arguments.id));
    };
    finish(with_store(settings, false, async |store| store.revoke_key(&id).await), |key| {
        println!("{} {:?} is revoked", key.id, key.name);
    })
}

fn table(keys: &[Key]) -> Table {
    let columns = ["id", "name", "tenant", "scope", "created", "revoked"].map(|heading| (heading, Side::Left));
    let mut table = Table::new(&columns);
    for Key { id, name, tenant, scope, created_at, revoked_at, .. } in keys {
        let revoked = revoked_at.map_or_else(String::new, |time| time.to_string());
        let (id, tenant, scope) = (id.to_string(), tenant.to_string(), scope.name().to_owned());
        table.push([id, name.clone(), tenant, scope, created_at.to_string(), revoked]);
    }
    table
}

fn line(key: &Key) -> serde_json::Value {
    let Key { id, name, tenant, scope, created_at, revoked_at, .. } = key;
    let mut line = json!({ "id": id, "name": name, "tenant": tenant, "scope": scope, "created_at": created_at });
    if let Some(revoked_at) = revoked_at {
        line["revoked_at"] = json!(revoked_at);
    }
    line
}

/// Opens the database and runs `work` on it; a service may be using the database. It is created only if `create` is
/// set, so that a mistyped path is an error and not an empty list.
fn with_store<T>(
    settings: &Settings,
    create: bool,
    work: impl AsyncFnOnce(&Store) -> Result<T, crate::store::StoreError>,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let url = shown_url(&settings.database_url);
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let store = Store::open(&StoreSettings { create, ..store_settings(settings) }, clock, ids).await;
        let store = store.with_context(|| format!("cannot open the database {url}"))?;
        let done = work(&store).await;
        store.close().await;
        Ok(done?)
    })
}

fn finish<T>(done: anyhow::Result<T>, show: impl FnOnce(T)) -> Exit {
    match done {
        Ok(done) => {
            show(done);
            Exit::Success
        }
        Err(error) => complain(&error),
    }
}

fn refuse(cause: &str) -> Exit {
    eprintln!("cutpoint: {cause}");
    Exit::BadInput
}
