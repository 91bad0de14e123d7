//! The models of the experiments: profiles from the examples or from a directory.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use cutpoint_planner::domain::model::ModelProfile;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../examples/models/"]
struct ModelFiles;

/// Returns the examples with these names, each once, in the order of `names`.
///
/// # Errors
///
/// Returns an error if there is no example of a name.
pub(super) fn named(names: &[impl AsRef<str>]) -> anyhow::Result<Vec<Arc<ModelProfile>>> {
    let mut models: Vec<Arc<ModelProfile>> = Vec::new();
    for name in names.iter().map(AsRef::as_ref) {
        if models.iter().any(|model| model.name == name) {
            continue;
        }
        let file = ModelFiles::get(&format!("{name}.json"))
            .ok_or_else(|| anyhow!("no example model is named {name:?}; there are {}", example_names().join(", ")))?;
        models.push(read(&file.data, &format!("example {name}"))?);
    }
    Ok(models)
}

/// Returns all examples, sorted by name.
pub(super) fn all() -> anyhow::Result<Vec<Arc<ModelProfile>>> {
    named(&example_names())
}

/// Returns the profiles of a directory whose files have these names, sorted by name. Returns all
/// profiles if `names` is empty.
///
/// # Errors
///
/// Returns an error if the directory cannot be read, has no profile, or has none of one of the
/// names, or if a profile is not valid.
pub(super) fn in_folder(folder: &Path, names: &[String]) -> anyhow::Result<Vec<Arc<ModelProfile>>> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut known = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        let file = entry.with_context(unreadable)?.file_name();
        known.extend(file.to_str().and_then(|file| file.strip_suffix(".json")).map(str::to_owned));
    }
    known.sort();
    let missing = names.iter().find(|name| !known.contains(name));
    ensure!(
        missing.is_none(),
        "no profile in {} is named {:?}; there are {}",
        folder.display(),
        missing.map_or("", |name| name),
        known.join(", ")
    );
    known.retain(|name| names.is_empty() || names.contains(name));
    ensure!(!known.is_empty(), "{} holds no profile: give a directory with files NAME.json", folder.display());
    let read_file = |name: &String| {
        let path = folder.join(format!("{name}.json"));
        let text = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        read(&text, &path.display().to_string())
    };
    known.iter().map(read_file).collect()
}

fn example_names() -> Vec<String> {
    let mut names: Vec<String> =
        ModelFiles::iter().filter_map(|file| Some(file.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    names
}

fn read(text: &[u8], what: &str) -> anyhow::Result<Arc<ModelProfile>> {
    let profile = serde_json::from_slice(text).with_context(|| format!("{what} is not JSON"))?;
    let model = ModelProfile::from_json(&profile).map_err(|faults| anyhow!("{what} cannot be used: {faults:?}"))?;
    Ok(Arc::new(model))
}
