//! A job of Nomad, as JSON for its API: a group for each stage, on the network of its node.

mod job;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::deployment::{FOLDER, Paths, Pipelines, Process, Role};
use crate::error::ExportError;
use crate::escape::{exact_expression, has_form_in_nomad, json_for_nomad_template};
use crate::file::{Export, File};
use crate::options::StageFiles;
use job::{
    Check, Constraint, Docker, Job, Mount, Network, Port, Request, Resources, RestartPolicy, Service, Task, TaskGroup,
    Template, Variable,
};

const SECOND: u64 = 1_000_000_000;
/// Where templates are written in the task's folders, and where Docker shows them.
const STAGES: [&str; 2] = ["local/stages.json", "/local/stages.json"];
const TOKEN: [&str; 2] = ["secrets/token", "/secrets/token"];

/// Writes the job, the variable with the token, and a job that feeds.
pub(crate) fn export(pipelines: &Pipelines<'_>) -> Result<Export, ExportError> {
    let of_role = |is_feed: bool| pipelines.processes.iter().filter(move |it| (it.role == Role::Feed) == is_feed);
    let job = request(pipelines, pipelines.name.clone(), "service", of_role(false))?;
    let mut files = vec![File::new("job.json", text(&job)?)];
    let mut names = vec![job.job.id];
    if pipelines.feed.is_some() {
        let feed = request(pipelines, format!("{}-feed", pipelines.name), "batch", of_role(true))?;
        files.push(File::new("feed.json", text(&feed)?));
        names.push(feed.job.id);
    }
    if let Some(token) = &pipelines.token {
        for (name, file) in names.iter().zip(["token.json", "feed-token.json"]) {
            files.push(File::private(file, text(&variable(pipelines, name, token))?));
        }
    }
    Ok(Export { can_be_joined: files.len() == 1, files, warnings: pipelines.warnings.clone() })
}

fn request<'a>(
    pipelines: &Pipelines<'_>,
    name: String,
    kind: &str,
    processes: impl Iterator<Item = &'a Process<'a>>,
) -> Result<Request, ExportError> {
    let task_groups = processes.map(|process| group(pipelines, &name, process)).collect::<Result<_, _>>()?;
    let job = Job {
        id: name.clone(),
        name,
        namespace: pipelines.namespace.clone(),
        r#type: kind.to_owned(),
        datacenters: vec!["*".to_owned()],
        task_groups,
    };
    Ok(Request { job })
}

fn group(pipelines: &Pipelines<'_>, job: &str, process: &Process<'_>) -> Result<TaskGroup, ExportError> {
    let listens = process.listen.as_ref();
    let port = |label: &str, value| Port { label: label.to_owned(), value };
    let ports = listens.map(|listen| vec![port("pipeline", listen.port()), port("health", process.health_port)]);
    Ok(TaskGroup {
        name: process.name.clone(),
        count: 1,
        constraints: vec![on_node(process.node_name)],
        networks: ports.map(|ports| Network { mode: "host".to_owned(), reserved_ports: ports }).into_iter().collect(),
        services: listens.map(|_| service(pipelines, process)).into_iter().collect(),
        // Inputs that were sent are not sent again; a stage starts again for ever.
        restart_policy: Some(if process.role == Role::Feed { restarts(0, "fail") } else { restarts(4, "delay") }),
        tasks: vec![task(pipelines, job, process)?],
    })
}

/// Returns the constraint to a node. Nomad takes a right side that begins with `${` for the name of an attribute.
fn on_node(name: &str) -> Constraint {
    let left = "${node.unique.name}".to_owned();
    if name.starts_with("${") {
        return Constraint { left, right: exact_expression(name), operand: "regexp".to_owned() };
    }
    Constraint { left, right: name.to_owned(), operand: "=".to_owned() }
}

fn service(pipelines: &Pipelines<'_>, process: &Process<'_>) -> Service {
    let check = Check {
        r#type: "http".to_owned(),
        path: "/readyz".to_owned(),
        port_label: "health".to_owned(),
        interval: 10 * SECOND,
        timeout: 5 * SECOND,
    };
    Service {
        name: pipelines.full_name(process),
        port_label: "pipeline".to_owned(),
        provider: "nomad".to_owned(),
        checks: vec![check],
    }
}

fn restarts(attempts: u32, mode: &str) -> RestartPolicy {
    RestartPolicy { attempts, interval: 60 * SECOND, delay: 5 * SECOND, mode: mode.to_owned() }
}

fn task(pipelines: &Pipelines<'_>, job: &str, process: &Process<'_>) -> Result<Task, ExportError> {
    let (folder, mount) = match &pipelines.stage_files {
        StageFiles::Image(folder) => (folder.as_str(), None),
        StageFiles::Host(path) | StageFiles::Claim(path) => (FOLDER, Some(bind(path))),
    };
    let mut args = pipelines.arguments(process, &Paths { folder, stages: STAGES[1], token: TOKEN[1] });
    if let Some(listen) = &process.listen {
        args.extend([
            "--listen".to_owned(),
            listen.to_string(),
            "--health".to_owned(),
            listen.at(process.health_port).to_string(),
        ]);
    }
    Ok(Task {
        name: "runner".to_owned(),
        driver: "docker".to_owned(),
        config: Docker {
            image: image(pipelines.image)?,
            args,
            network_mode: "host".to_owned(),
            readonly_rootfs: true,
            cap_drop: vec!["ALL".to_owned()],
            security_opt: vec!["no-new-privileges".to_owned()],
            mount: mount.into_iter().collect(),
        },
        kill_timeout: 15 * SECOND,
        resources: Resources { memory_mb: process.memory_bytes >> 20 },
        templates: templates(pipelines, job, process)?,
    })
}

fn image(image: &str) -> Result<String, ExportError> {
    if has_form_in_nomad(image) { Ok(image.to_owned()) } else { Err(ExportError::Image(image.to_owned())) }
}

fn bind(path: &str) -> Mount {
    Mount { r#type: "bind".to_owned(), source: path.to_owned(), target: FOLDER.to_owned(), readonly: true }
}

/// Returns the files that Nomad writes for a task. The token is in a variable of Nomad, which its tasks alone can read: whoever may
/// see the job does not see it.
fn templates(pipelines: &Pipelines<'_>, job: &str, process: &Process<'_>) -> Result<Vec<Template>, ExportError> {
    let template = |embedded_tmpl, dest_path: &str, perms: &str| Template {
        embedded_tmpl,
        dest_path: dest_path.to_owned(),
        change_mode: "restart".to_owned(),
        perms: perms.to_owned(),
    };
    let mut templates = Vec::new();
    if let Some(stages) = pipelines.stages_file(&[process]) {
        templates.push(template(json_for_nomad_template(&stages.text()?), STAGES[0], "0644"));
    }
    if pipelines.token.is_some() {
        // The name of a job has no quotes.
        let text = format!("{{{{ with nomadVar \"{}\" }}}}{{{{ .token }}}}{{{{ end }}}}", variable_path(job));
        templates.push(template(text, TOKEN[0], "0444"));
    }
    Ok(templates)
}

fn variable(pipelines: &Pipelines<'_>, job: &str, token: &str) -> Variable {
    Variable {
        namespace: pipelines.namespace.clone(),
        path: variable_path(job),
        items: BTreeMap::from([("token".to_owned(), token.to_owned())]),
    }
}

fn variable_path(job: &str) -> String {
    format!("nomad/jobs/{job}")
}

fn text(value: &impl Serialize) -> Result<Vec<u8>, ExportError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| ExportError::Written(error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_looks_like_an_attribute_is_matched_as_it_is() {
        assert_eq!(on_node("pi-$1").right, "pi-$1");
        let constraint = on_node("${attr.cpu.arch}");
        assert_eq!((constraint.operand.as_str(), constraint.right.as_str()), ("regexp", r"^\$\{attr\.cpu\.arch\}$"));
    }
}
