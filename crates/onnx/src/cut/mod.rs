//! Cuts a model into one ONNX file for each stage of a placement. `docs/cut.md` describes the files.

mod assign;
mod crossing;
mod error;
mod file;
mod message;
mod names;
mod node;
mod outcome;
mod sources;
mod stage;
mod weights;

use std::path::Path;

pub use error::{CutError, Difference};
pub use outcome::{Cut, CutStage, CutTensor};

use crate::flow::flow_of;
use crate::limits::MOST_INLINE_BYTES;
use crate::options::{ExternalData, Options};
use crate::profile::profile_of;

/// What a placement says of a stage.
#[derive(Debug, Clone, Default)]
pub struct PlannedStage {
    /// Its layers. Constant layers among them are ignored, since each stage that needs one has a copy.
    pub layer_ids: Vec<String>,
    /// What arrives, if the placement says it.
    pub received: Option<Transfer>,
    /// What leaves, if the placement says it.
    pub sent: Option<Transfer>,
}

/// What a placement says of a transfer.
#[derive(Debug, Clone, Default)]
pub struct Transfer {
    /// The layers whose tensors travel.
    pub layer_ids: Vec<String>,
    /// The bytes of the tensors.
    pub bytes: u64,
}

/// Where weights go.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Whether each stage gets weights of its own, however large they are.
    pub copy_weights: bool,
    /// The bytes of weights that are put into the files of stages. More go into a file beside them.
    pub most_inline_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { copy_weights: false, most_inline_bytes: MOST_INLINE_BYTES }
    }
}

/// Cuts the model of a file into the stages of pipelines, and writes their files into a folder, which
/// is made if it is not there. Calls `progress` with the bytes written so far.
///
/// The weights are never in memory as a whole.
///
/// # Errors
/// Returns an error if the model has no profile, the stages are not those of the model, the model
/// has something that cannot be cut there, or a file cannot be read or written.
pub fn cut_file(
    path: &Path,
    options: &Options,
    pipelines: &[Vec<PlannedStage>],
    settings: Settings,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Cut, CutError> {
    let options = Options { external_data: ExternalData::beside(path), ..options.clone() };
    let mut sources = sources::Sources::open(path)?;
    let model = crate::read_model(sources.model()?)?;
    let flow = flow_of(&model, &options)?;
    let (profile, layout) = profile_of(&model, &options, &flow)?;
    let names = names::Names::new(&flow);
    let whole = file::Whole { model: &model, flow: &flow, layout: &layout, names: &names };
    let mut writer = file::Writer::new(whole, settings, folder, sources, progress)?;
    let mut cut = Cut { name: profile.document.name.clone(), pipelines: Vec::new(), warnings: Vec::new() };
    let mut plans = Vec::with_capacity(pipelines.len());
    // Nothing is written if a pipeline does not fit the model.
    for planned in pipelines {
        let assignment = assign::assign(&flow, &layout, &profile.document.layers, planned)?;
        let crossing = crossing::crossing(&flow, &layout, &assignment);
        let late = crossing::check(&flow, &layout, &profile.document.layers, planned, &crossing)?;
        cut.warnings.extend(late);
        plans.push((assignment, crossing));
    }
    for (pipeline, (assignment, crossing)) in plans.iter().enumerate() {
        let stages = (0..assignment.stages).map(|stage| writer.stage(pipeline, stage, assignment, crossing));
        cut.pipelines.push(stages.collect::<Result<_, _>>()?);
    }
    writer.finish()?;
    Ok(cut)
}
