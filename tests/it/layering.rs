//! Reads the sources for what the compiler cannot hold: arrows between the layers of the service, and where the standard
//! library is asked for the world.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file without its comments.
struct Source {
    path: String,
    text: String,
}

/// What a layer may use of this crate. `config`, `clock` and `telemetry` are no layers: they use `domain` at the most.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("domain", &["domain"]),
    ("export", &["export"]),
    ("import", &["import"]),
    ("store", &["clock", "domain", "store", "telemetry"]),
    ("jobs", &["clock", "config", "domain", "jobs", "store", "telemetry"]),
    ("webhook", &["clock", "config", "domain", "store", "telemetry", "webhook"]),
    ("deployments", &["clock", "deployments", "domain", "jobs", "store", "telemetry"]),
    (
        "http",
        &[
            "clock",
            "config",
            "deployments",
            "domain",
            "export",
            "http",
            "import",
            "jobs",
            "store",
            "telemetry",
            "webhook",
        ],
    ),
    ("clock", &["domain", "clock"]),
    ("config", &["domain", "config"]),
    ("telemetry", &["config", "telemetry"]),
];

/// What of the standard library the planner may not name. Its other walls are its dependencies and its `clippy.toml`.
const IMPURE: [&str; 8] =
    ["std::time", "std::fs", "std::io", "std::net", "std::env", "std::process", "println!", "eprintln!"];

/// Calls that only the clock makes.
const CLOCK_ONLY: [&str; 9] = [
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
    "Uuid::new_v7",
    "rand::rng()",
    "from_os_rng",
];

/// The sources of the service.
fn sources() -> Vec<Source> {
    sources_in("src")
}

fn sources_in(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = without_comments(&fs::read_to_string(&path).unwrap());
                found.push(Source { path: path.strip_prefix(&root).unwrap().display().to_string(), text });
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn without_comments(text: &str) -> String {
    let code = text.lines().map(|line| line.find("//").map_or(line, |start| &line[..start]));
    code.collect::<Vec<_>>().join("\n")
}

impl Source {
    fn layer(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// The modules of this crate that the source names.
    fn uses(&self) -> Vec<&str> {
        let mut uses = Vec::new();
        for (place, _) in self.text.match_indices("crate::") {
            // `$crate::` and `crate::` alike; a group `crate::{a, b}` names several.
            let rest = &self.text[place + "crate::".len()..];
            let names = rest.strip_prefix('{').map_or(rest, |group| group.split('}').next().unwrap_or_default());
            let is_group = names.len() != rest.len();
            let count = if is_group { usize::MAX } else { 1 };
            uses.extend(names.split(',').take(count).map(|name| first_word(name.trim())));
        }
        uses
    }
}

fn first_word(text: &str) -> &str {
    let end = text.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(text.len());
    &text[..end]
}

/// Whether `name` stands in `text` as a whole: `HashMap` does not stand in `FxHashMap`.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(place, _)| {
        let before = text[..place].chars().next_back();
        let after = text[place + name.len()..].chars().next();
        let is_part = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
        !is_part(before) && (name.ends_with([':', '!', ')']) || !is_part(after))
    })
}

fn assert_none(what: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{what}:\n  {}", broken.join("\n  "));
}

#[test]
fn arrows_point_one_way() {
    let mut broken = Vec::new();
    for source in &sources() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(layer, _)| *layer == source.layer()) else { continue };
        let wrong = source.uses().into_iter().filter(|used| !allowed.contains(used));
        broken.extend(wrong.map(|used| format!("{} uses crate::{used}", source.path)));
    }
    assert_none("arrows that point the wrong way", broken);
}

#[test]
fn the_planner_is_pure() {
    let mut broken = Vec::new();
    for source in sources_in("crates/planner/src") {
        let found = IMPURE.iter().filter(|name| names(&source.text, name));
        broken.extend(found.map(|name| format!("{} names {name}", source.path)));
    }
    assert_none("impure names", broken);
}

#[test]
fn only_the_clock_asks_for_the_time_and_for_random_ids() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path != "clock.rs") {
        let found = CLOCK_ONLY.iter().filter(|name| names(&source.text, name));
        broken.extend(found.map(|name| format!("{} calls {name}", source.path)));
    }
    assert_none("calls that belong to clock.rs", broken);
}

#[test]
fn every_file_says_in_its_first_line_what_lives_there() {
    let mut silent = Vec::new();
    for folder in ["src", "crates/planner/src", "crates/bench/src", "crates/export/src"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        silent.extend(sources_in(folder).into_iter().map(|source| root.join(source.path)).filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            !text.starts_with("//! ")
        }));
    }
    assert_none("files without a first line", silent.iter().map(|path| path.display().to_string()).collect());
}

#[test]
fn the_test_itself_sees_what_it_looks_for() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: without_comments(text) };
    let store = source("store/a.rs", "use crate::http::Api; // crate::store\nuse crate::{jobs, domain::id};");
    assert_eq!(store.uses(), ["http", "jobs", "domain"]);
    assert_eq!(store.layer(), "store");
    assert_eq!(source("config.rs", "").layer(), "config");
    assert!(names("let now = std::time::Instant::now();", "Instant::now"));
    assert!(names("let id = Uuid::now_v7();", "Uuid::now_v7") && !names("std::times", "std::time"));
}
