//! Input of `cutpoint plan`: reads files into a request, or reports everything that is wrong with them.

use std::io::Read;
use std::path::{Path, PathBuf};

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::placed::Placed;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::counted;
use cutpoint_planner::occupant_of;
use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::OptionFlags;
use super::look::{self, Kind};
use crate::cli::document;

/// The source of one request.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// One file with the whole request.
    Request(PathBuf),
    /// A model profile and a cluster inventory.
    ModelAndCluster {
        /// The profile.
        model: PathBuf,
        /// The inventory.
        cluster: PathBuf,
    },
}

/// The reason why a request could not be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct InputError {
    /// A description.
    pub detail: String,
    /// Every fault of the document; empty if it could not be read at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

impl Source {
    /// Returns the name of the source in outputs.
    pub(super) fn name(&self) -> String {
        match self {
            Source::Request(file) => file.display().to_string(),
            Source::ModelAndCluster { model, cluster } => format!("{} on {}", model.display(), cluster.display()),
        }
    }

    /// Returns every file of the source.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let (first, second) = match self {
            Source::Request(file) => (file, None),
            Source::ModelAndCluster { model, cluster } => (model, Some(cluster)),
        };
        std::iter::once(first).chain(second)
    }

    /// Reads the request and applies the flags to it.
    pub(super) fn read(&self, flags: &OptionFlags) -> Result<PlanRequest, InputError> {
        match self {
            Source::Request(file) => {
                let mut document = read_document(file, Kind::Request)?;
                if let Some(detail) = look::misplaced(file, &document, Kind::Request) {
                    return Err(InputError::unusable(detail));
                }
                let is_wrapped = document.get("model").is_none() && document.get("request").is_some();
                let pointer = if is_wrapped { "/request" } else { "" };
                let mut request = if is_wrapped { document["request"].take() } else { document };
                flags.lay_over(&mut request);
                lay_placements_over(&mut request, flags)?;
                PlanRequest::from_json(&request).map_err(|faults| below(pointer, faults)).map_err(InputError::faulty)
            }
            Source::ModelAndCluster { model, cluster } => {
                let mut request = model_and_cluster(model, cluster)?;
                flags.lay_over(&mut request);
                lay_placements_over(&mut request, flags)?;
                PlanRequest::from_json(&request).map_err(InputError::faulty)
            }
        }
    }
}

impl InputError {
    /// Returns the error for a file that does not hold the wanted document.
    fn unusable(detail: String) -> Self {
        Self { detail, errors: Vec::new() }
    }

    fn faulty(errors: Vec<Fault>) -> Self {
        Self { detail: counted(errors.len(), "fault"), errors }
    }
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)?;
        self.errors.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// Returns a request with a profile and an inventory, each read from its file.
fn model_and_cluster(model_file: &Path, cluster_file: &Path) -> Result<Value, InputError> {
    let model = read_document(model_file, Kind::Model)?;
    let cluster = read_document(cluster_file, Kind::Cluster)?;
    let misplaced = look::swapped(model_file, &model, &cluster)
        .or_else(|| look::misplaced(model_file, &model, Kind::Model))
        .or_else(|| look::misplaced(cluster_file, &cluster, Kind::Cluster));
    match misplaced {
        Some(detail) => Err(InputError::unusable(detail)),
        None => Ok(json!({"model": model, "cluster": cluster})),
    }
}

/// Adds the placements named by flags to a request, as its base and as occupants.
fn lay_placements_over(request: &mut Value, flags: &OptionFlags) -> Result<(), InputError> {
    let files = &flags.placements;
    if let Some(file) = &files.base {
        let detail = || format!("{} cannot be a base", file.display());
        let base = read_placed(file)?.base().map_err(|fault| InputError { detail: detail(), errors: vec![*fault] })?;
        if let Some(request) = request.as_object_mut() {
            request.insert("base".to_owned(), json!(base));
        }
    }
    for file in &files.occupied_by {
        let placed = read_placed(file)?;
        // An unreadable cluster has been reported with its own faults.
        let Some(Ok(cluster)) = request.get("cluster").map(ClusterInventory::from_json) else { break };
        let occupant = occupant_of(&file.display().to_string(), &placed, &cluster, None);
        if let Some(request) = request.as_object_mut()
            && let Some(occupants) = request.entry("occupants").or_insert_with(|| json!([])).as_array_mut()
        {
            occupants.push(json!(occupant));
        }
    }
    Ok(())
}

fn read_placed(file: &Path) -> Result<Placed, InputError> {
    let document = read_document(file, Kind::Placement)?;
    if let Some(detail) = look::misplaced(file, &document, Kind::Placement) {
        return Err(InputError::unusable(detail));
    }
    let detail = || format!("{} is not a placement document", file.display());
    Placed::from_json(&document).map_err(|errors| InputError { detail: detail(), errors })
}

/// Reads a JSON file. A UTF-8 byte-order mark at its beginning is skipped.
fn read_document(file: &Path, wanted: Kind) -> Result<Value, InputError> {
    let content = read_content(file)
        .map_err(|error| InputError::unusable(format!("{} cannot be read: {error}", file.display())))?;
    document::parse(&content).map_err(|errors| {
        if look::is_onnx(file, &content) {
            return InputError::unusable(format!(
                "{} is an ONNX model, and {} is wanted. `cutpoint profile MODEL.onnx --output MODEL.json` makes a profile of it",
                file.display(),
                wanted.name(),
            ));
        }
        InputError { detail: format!("{} is not valid JSON", file.display()), errors }
    })
}

/// Returns `true` if the path stands for standard input.
pub(super) fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

fn read_content(file: &Path) -> std::io::Result<Vec<u8>> {
    if is_standard_input(file) {
        let mut content = Vec::new();
        std::io::stdin().lock().read_to_end(&mut content)?;
        return Ok(content);
    }
    std::fs::read(file)
}

fn below(pointer: &str, faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().map(|fault| Fault { pointer: format!("{pointer}{}", fault.pointer), ..fault }).collect()
}
