//! A folder for each node, with a file of Compose, for fleets without an orchestrator.

mod project;

use std::collections::{BTreeMap, BTreeSet};

use crate::deployment::{FOLDER, Paths, Pipelines, Process, Role, STAGES, TOKEN};
use crate::error::ExportError;
use crate::escape::for_compose;
use crate::file::{Export, File};
use crate::names::{LONGEST_LABEL, unique_label};
use crate::options::StageFiles;
use crate::yaml;
use project::{HealthCheck, Project, Service, Volume};

/// Writes the folders, in the order in which the pipeline first meets their nodes.
pub(crate) fn export(pipelines: &Pipelines<'_>) -> Result<Export, ExportError> {
    let mut taken = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for node in pipelines.processes.iter().map(|process| process.node_id).filter(|&node| seen.insert(node)) {
        let folder = unique_label(node, LONGEST_LABEL, &mut taken);
        files.extend(of_node(pipelines, node, &folder)?);
    }
    Ok(Export { files, warnings: pipelines.warnings.clone(), can_be_joined: false })
}

fn of_node(pipelines: &Pipelines<'_>, node: &str, folder: &str) -> Result<Vec<File>, ExportError> {
    let processes: Vec<&Process<'_>> = pipelines.processes.iter().filter(|process| process.node_id == node).collect();
    let services: BTreeMap<_, _> =
        processes.iter().map(|process| (process.name.clone(), service(pipelines, process))).collect();
    let mut files = vec![File::new(format!("{folder}/compose.yaml"), yaml::document(&Project { services })?)];
    if let Some(stages) = pipelines.stages_file(&processes) {
        files.push(File::new(format!("{folder}/stages.json"), stages.text()?));
    }
    // The user of the container reads it, who is another than the one who exports.
    if let Some(token) = &pipelines.token {
        files.push(File::token(format!("{folder}/token"), format!("{token}\n")));
    }
    Ok(files)
}

fn service(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Service {
    let is_feed = process.role == Role::Feed;
    let folder = match &pipelines.stage_files {
        StageFiles::Image(folder) => folder,
        _ => FOLDER,
    };
    let mut command = pipelines.arguments(process, &Paths { folder, stages: STAGES, token: TOKEN });
    let mut environment = BTreeMap::new();
    if let Some(listen) = &process.listen {
        command.extend(["--listen".to_owned(), listen.to_string()]);
        // The probe of the container asks the same address.
        environment.insert("CUTPOINT_RUNNER_HEALTH", for_compose(&listen.at(process.health_port).to_string()));
    }
    Service {
        image: for_compose(pipelines.image),
        command: command.iter().map(|argument| for_compose(argument)).collect(),
        environment,
        network_mode: "host",
        volumes: volumes(pipelines, process),
        restart: if is_feed { "no" } else { "unless-stopped" },
        stop_grace_period: "15s",
        mem_limit: process.memory_bytes,
        user: "10001:10001",
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        healthcheck: process.listen.as_ref().map(|_| probe()),
        profiles: if is_feed { vec!["feed"] } else { Vec::new() },
        labels: BTreeMap::from([("cutpoint.node-id", for_compose(process.node_id))]),
    }
}

fn probe() -> HealthCheck {
    HealthCheck {
        test: ["CMD", "cutpoint-runner", "probe"],
        interval: "10s",
        timeout: "6s",
        start_period: "60s",
        retries: 6,
    }
}

fn volumes(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Vec<Volume> {
    let bind = |source: &str, target: &str| Volume {
        r#type: "bind",
        source: for_compose(source),
        target: target.to_owned(),
        read_only: true,
    };
    let files = match &pipelines.stage_files {
        StageFiles::Host(path) => Some(bind(path, FOLDER)),
        _ => None,
    };
    let stages = process.entries.first().map(|_| bind("./stages.json", STAGES));
    let token = pipelines.token.as_ref().map(|_| bind("./token", TOKEN));
    files.into_iter().chain(stages).chain(token).collect()
}
