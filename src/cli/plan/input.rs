//! Input of `cutpoint plan`: files to a request, or everything that is wrong with them.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::arguments::OptionFlags;
use crate::domain::cluster::ClusterInventory;
use crate::domain::fault::Fault;
use crate::domain::placed::Placed;
use crate::domain::read::Reader;
use crate::domain::request::PlanRequest;
use crate::planner::occupant_of;

/// Where one request comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// One file with everything.
    Request(PathBuf),
    /// Two files.
    ModelAndCluster {
        /// The profile.
        model: PathBuf,
        /// The inventory.
        cluster: PathBuf,
    },
}

/// Why a request could not be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct InputError {
    /// In words.
    pub detail: String,
    /// Every fault of the document; empty where it could not be read at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

impl Source {
    /// How outputs call it.
    pub(super) fn name(&self) -> String {
        match self {
            Source::Request(file) => file.display().to_string(),
            Source::ModelAndCluster { model, cluster } => format!("{} on {}", model.display(), cluster.display()),
        }
    }

    /// Every file that it is read from.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let (first, second) = match self {
            Source::Request(file) => (file, None),
            Source::ModelAndCluster { model, cluster } => (model, Some(cluster)),
        };
        std::iter::once(first).chain(second)
    }

    /// Reads the request, with what the flags say laid over it.
    pub(super) fn read(&self, flags: &OptionFlags) -> Result<PlanRequest, InputError> {
        match self {
            Source::Request(file) => {
                let mut document = read_document(file)?;
                let is_wrapped = document.get("model").is_none() && document.get("request").is_some();
                let pointer = if is_wrapped { "/request" } else { "" };
                let mut request = if is_wrapped { document["request"].take() } else { document };
                flags.lay_over(&mut request);
                lay_placements_over(&mut request, flags)?;
                PlanRequest::from_json(&request).map_err(|faults| below(pointer, faults)).map_err(InputError::faulty)
            }
            Source::ModelAndCluster { model, cluster } => {
                let mut request = Map::new();
                request.insert("model".to_owned(), read_document(model)?);
                request.insert("cluster".to_owned(), read_document(cluster)?);
                let mut request = Value::Object(request);
                flags.lay_over(&mut request);
                lay_placements_over(&mut request, flags)?;
                PlanRequest::from_json(&request).map_err(InputError::faulty)
            }
        }
    }
}

impl InputError {
    fn faulty(errors: Vec<Fault>) -> Self {
        let count = errors.len();
        let detail = if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") };
        Self { detail, errors }
    }
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)?;
        self.errors.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// Puts the placements that flags name into a request, as its base and as occupants.
fn lay_placements_over(request: &mut Value, flags: &OptionFlags) -> Result<(), InputError> {
    let files = &flags.placements;
    if let Some(file) = &files.base {
        let base = read_placed(file)?.base();
        if let Some(request) = request.as_object_mut() {
            request.insert("base".to_owned(), json!(base));
        }
    }
    for file in &files.occupied_by {
        let placed = read_placed(file)?;
        // A cluster that cannot be read has its own faults.
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
    let detail = || format!("{} is no placement document", file.display());
    Placed::from_json(&read_document(file)?).map_err(|errors| InputError { detail: detail(), errors })
}

fn read_document(file: &Path) -> Result<Value, InputError> {
    let text = read_text(file).map_err(|error| InputError {
        detail: format!("{} cannot be read: {error}", file.display()),
        errors: Vec::new(),
    })?;
    Reader::parse(&text)
        .map_err(|errors| InputError { detail: format!("{} is no JSON that can be read", file.display()), errors })
}

/// Whether the path stands for standard input.
pub(super) fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

fn read_text(file: &Path) -> std::io::Result<Vec<u8>> {
    if is_standard_input(file) {
        let mut text = Vec::new();
        std::io::stdin().lock().read_to_end(&mut text)?;
        return Ok(text);
    }
    std::fs::read(file)
}

fn below(pointer: &str, faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().map(|fault| Fault { pointer: format!("{pointer}{}", fault.pointer), ..fault }).collect()
}
