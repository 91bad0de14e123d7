//! The arguments that the runner is started with. runner/README.md describes them.

use super::{Pipelines, Process, Role};

/// Where containers see the files of stages.
pub(crate) const FOLDER: &str = "/stage";
/// Where containers see their own `stages.json`.
pub(crate) const STAGES: &str = "/etc/cutpoint/stages.json";
/// Where containers see the token.
pub(crate) const TOKEN: &str = "/run/secrets/cutpoint/token";

/// Where a process finds its files.
pub(crate) struct Paths<'a> {
    /// The folder with the ONNX files.
    pub(crate) folder: &'a str,
    pub(crate) stages: &'a str,
    pub(crate) token: &'a str,
}

impl Pipelines<'_> {
    /// Returns the arguments of a process, but where it listens.
    pub(crate) fn arguments(&self, process: &Process<'_>, paths: &Paths<'_>) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
        let beside = format!("{}/stages.json", paths.folder.trim_end_matches('/'));
        add("--stages", if process.entries.is_empty() { beside } else { paths.stages.to_owned() });
        // A feeder deals inputs out to all pipelines.
        if process.role != Role::Feed {
            add("--pipeline", process.pipeline.to_string());
        }
        if self.token.is_some() {
            add("--token-file", paths.token.to_owned());
        }
        if process.role == Role::Stage {
            add("--index", process.stage.to_string());
            add("--folder", paths.folder.to_owned());
        }
        if process.entries.is_empty() {
            process.send_to.iter().for_each(|send_to| add("--send-to", send_to.to_string()));
        }
        let command: &[String] = match (process.role, self.feed) {
            (Role::Stage, _) => &["stage".to_owned()],
            (Role::Sink, _) => &["sink".to_owned(), "--forever".to_owned()],
            (Role::Feed, count) => &["feed".to_owned(), format!("--count={}", count.unwrap_or(1))],
        };
        [command, &arguments].concat()
    }
}
