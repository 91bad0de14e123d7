//! The processes that run a placement: what all orchestrators start, before it takes the form of one.

mod addresses;
mod commands;
mod seats;
mod warnings;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::error::ExportError;
use crate::escape::has_form_in_nomad;
use crate::headroom::Headroom;
use crate::names::{self, LONGEST_LABEL};
use crate::options::{Format, Options, StageFiles};
use crate::placement::Placement;
use crate::stages::{Entry, StagesFile};

pub(crate) use commands::{FOLDER, Paths, STAGES, TOKEN};
pub(crate) use seats::Role;

use addresses::Addresses;
use seats::Seat;

/// The most characters of a pipeline's name: room is left for `-p999999-stage-999999`.
const LONGEST_NAME: usize = 40;

/// A process of the runner.
#[derive(Debug)]
pub(crate) struct Process<'a> {
    pub(crate) role: Role,
    pub(crate) pipeline: usize,
    /// The stage: the process itself, or its neighbour where it is a sink or a feeder.
    pub(crate) stage: usize,
    /// Unique within the export: `stage-0`, or with several pipelines `p1-stage-0`.
    pub(crate) name: String,
    /// The id of its node.
    pub(crate) node_id: &'a str,
    /// The name of its node in the target.
    pub(crate) node_name: &'a str,
    /// Where it listens; a feeder does not.
    pub(crate) listen: Option<Endpoint>,
    /// Where it sends to: a feeder to the first stage of each pipeline, a sink nowhere.
    pub(crate) send_to: Vec<Endpoint>,
    /// Where it answers probes, if it listens.
    pub(crate) health_port: u16,
    pub(crate) memory_bytes: u64,
    /// Its stage in `stages.json`, with addresses; for a sink the one beside it, for a feeder the first of each pipeline.
    pub(crate) entries: Vec<Entry>,
}

/// All processes of an export, and what they share.
#[derive(Debug)]
pub(crate) struct Pipelines<'a> {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) image: &'a str,
    pub(crate) stage_files: StageFiles,
    pub(crate) token: Option<String>,
    pub(crate) processes: Vec<Process<'a>>,
    pub(crate) warnings: Vec<String>,
    pub(crate) feed: Option<u64>,
    /// Whether a feeder of the export hears the answers of the sink. In a pod it does not: the cut's address is not its own.
    has_feedback: bool,
    stages: Option<&'a StagesFile>,
}

impl<'a> Pipelines<'a> {
    /// Lays out the processes of a placement for an orchestrator.
    pub(crate) fn new(
        placement: &'a Placement,
        stages: Option<&'a StagesFile>,
        cluster: Option<&Value>,
        (options, headroom): (&'a Options, Headroom),
        format: Format,
    ) -> Result<Self, ExportError> {
        let image = image(options, format)?;
        let name = pipeline_name(stages, options)?;
        check_nodes(placement, options)?;
        let seats = seats::seats(placement, stages, options);
        let addresses = match format {
            Format::Kubernetes => Addresses::of_services(&name, &seats, options)?,
            _ => Addresses::of_nodes(&seats, stages, cluster, options)?,
        };
        let processes = seats
            .iter()
            .enumerate()
            .map(|(at, seat)| process(at, seat, &seats, &addresses, placement, stages, (options, headroom)))
            .collect::<Result<Vec<_>, _>>()?;
        let warnings = warnings::of(placement, &processes, headroom, format);
        Ok(Self {
            name,
            namespace: options
                .namespace
                .as_deref()
                .map(|it| names::chosen("namespace", it, LONGEST_LABEL))
                .transpose()?,
            image,
            stage_files: stage_files(options, format)?,
            token: token(stages, options)?,
            processes,
            warnings,
            feed: options.feed,
            has_feedback: format != Format::Kubernetes || options.feed.is_none(),
            stages,
        })
    }

    /// Returns the `stages.json` that some processes read, or `None` if they read the one beside the files of stages.
    pub(crate) fn stages_file(&self, processes: &[&Process<'_>]) -> Option<StagesFile> {
        let mut seen = BTreeSet::new();
        let entries = processes.iter().flat_map(|process| process.entries.clone());
        let own = entries.filter(|entry| seen.insert((entry.pipeline, entry.index))).collect();
        let mut file = self.stages?.with_stages(own);
        file.feedback = file.feedback.filter(|_| self.has_feedback);
        Some(file)
    }

    /// Returns the name of a process that is unique in the target's namespace.
    pub(crate) fn full_name(&self, process: &Process<'_>) -> String {
        format!("{}-{}", self.name, process.name)
    }

    /// Returns the name of the model, where `stages.json` tells it.
    pub(crate) fn model(&self) -> Option<&str> {
        self.stages.map(|stages| stages.model.as_str())
    }
}

fn process<'a>(
    at: usize,
    seat: &Seat<'a>,
    seats: &[Seat<'a>],
    addresses: &Addresses,
    placement: &Placement,
    stages: Option<&StagesFile>,
    (options, headroom): (&'a Options, Headroom),
) -> Result<Process<'a>, ExportError> {
    let listen = addresses.listen[at].clone();
    let stage_listens = |pipeline: usize, stage: usize| {
        let at = seats.iter().position(|it| (it.role, it.pipeline, it.stage) == (Role::Stage, pipeline, stage));
        at.and_then(|at| addresses.listen[at].clone())
    };
    let after_stage = |pipeline: usize, stage: usize| {
        let is_last = stage + 1 == placement.pipelines[pipeline].stages.len();
        if is_last { Some(addresses.sinks[pipeline].clone()) } else { stage_listens(pipeline, stage + 1) }
    };
    let connected = |pipeline: usize, stage: usize| {
        let entry = stages.and_then(|stages| stages.entry(pipeline, stage))?;
        Some(entry.connected(&stage_listens(pipeline, stage)?, &after_stage(pipeline, stage)?))
    };
    let all = 0..placement.pipelines.len();
    let (send_to, entries): (Vec<Endpoint>, Vec<Entry>) = match seat.role {
        Role::Stage => (
            after_stage(seat.pipeline, seat.stage).into_iter().collect(),
            connected(seat.pipeline, seat.stage).into_iter().collect(),
        ),
        Role::Sink => (Vec::new(), connected(seat.pipeline, seat.stage).into_iter().collect()),
        Role::Feed => (
            all.clone().filter_map(|pipeline| stage_listens(pipeline, 0)).collect(),
            all.filter_map(|pipeline| connected(pipeline, 0)).collect(),
        ),
    };
    Ok(Process {
        role: seat.role,
        pipeline: seat.pipeline,
        stage: seat.stage,
        name: seat.name.clone(),
        node_id: seat.node_id,
        node_name: options.node_names.get(seat.node_id).map_or(seat.node_id, String::as_str),
        health_port: addresses.health_ports[at],
        listen,
        send_to,
        memory_bytes: match seat.role {
            Role::Stage => headroom.memory_bytes(seat.planned_bytes),
            Role::Sink | Role::Feed => headroom.of_others().memory_bytes(seat.planned_bytes),
        },
        entries,
    })
}

fn pipeline_name(stages: Option<&StagesFile>, options: &Options) -> Result<String, ExportError> {
    match (&options.name, stages) {
        (Some(name), _) => names::chosen("name", name, LONGEST_NAME),
        (None, Some(stages)) => Ok(names::label(&stages.model, LONGEST_NAME)),
        (None, None) => Ok("cutpoint".to_owned()),
    }
}

fn check_nodes(placement: &Placement, options: &Options) -> Result<(), ExportError> {
    let known: BTreeSet<&str> = placement.node_ids().collect();
    let named = options.addresses.keys().chain(options.node_names.keys());
    match named.into_iter().find(|node| !known.contains(node.as_str())) {
        Some(node) => Err(ExportError::UnknownNode(node.clone())),
        None => Ok(()),
    }
}

fn image(options: &Options, format: Format) -> Result<&str, ExportError> {
    let image = options.image.as_deref().ok_or(ExportError::NoImage(format))?;
    if image.is_empty() || image.contains(|sign: char| sign.is_whitespace() || sign.is_control()) {
        return Err(ExportError::Image(image.to_owned()));
    }
    Ok(image)
}

/// Returns where the files of stages are, if the target has such a place.
fn stage_files(options: &Options, format: Format) -> Result<StageFiles, ExportError> {
    // The folder of the node, which compose.yaml is in.
    const OWN_FOLDER: &str = ".";
    let is_compose = format == Format::Compose;
    let fault = match &options.stage_files {
        None if is_compose => return Ok(StageFiles::Host(OWN_FOLDER.to_owned())),
        None => return Ok(StageFiles::Image(FOLDER.to_owned())),
        Some(StageFiles::Claim(_)) if format != Format::Kubernetes => {
            "Kubernetes alone has claims to volumes. Give the files of stages in the image, or in a folder of the nodes"
        }
        Some(StageFiles::Claim(name)) if !names::is_label_value(name) || name.is_empty() => {
            "the name of a claim has letters, digits, - and . only. Give the name of a PersistentVolumeClaim"
        }
        Some(StageFiles::Host(path)) if is_compose && path == OWN_FOLDER => return Ok(StageFiles::Host(path.clone())),
        Some(StageFiles::Image(path) | StageFiles::Host(path))
            if !path.starts_with('/') || path.contains(char::is_control) =>
        {
            "the folder of the files of stages must begin with / and hold no control characters. Give an absolute folder"
        }
        Some(StageFiles::Image(path) | StageFiles::Host(path))
            if format == Format::Nomad && !has_form_in_nomad(path) =>
        {
            "Nomad would replace the ${…} in the folder of the files of stages. Give a folder without it"
        }
        Some(files) => return Ok(files.clone()),
    };
    Err(ExportError::StageFiles(fault))
}

/// Returns the token that runners get in a file. Without a `stages.json` they read the one beside the files of stages, and its token.
fn token(stages: Option<&StagesFile>, options: &Options) -> Result<Option<String>, ExportError> {
    let token = options.token.as_ref().or(stages.and_then(|stages| stages.token.as_ref()));
    match token {
        Some(token) if token.chars().count() < 16 || token.trim() != token => Err(ExportError::BadToken),
        Some(token) if token.contains(char::is_control) => Err(ExportError::BadToken),
        None if stages.is_some() => Err(ExportError::NoToken),
        token => Ok(token.cloned()),
    }
}
