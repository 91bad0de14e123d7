//! Writes the files of stages, and those of their weights.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::assign::Assignment;
use super::crossing::Crossing;
use super::message::{Message, Piece};
use super::names::Names;
use super::outcome::{CutStage, CutTensor};
use super::sources::{Sources, Target};
use super::stage::{Contents, contents};
use super::weights::WeightsFile;
use super::{CutError, Settings};
use crate::flow::{Flow, Origin};
use crate::limits::MOST_MESSAGE_BYTES;
use crate::model::Model;
use crate::profile::Layout;

/// The file of weights that all stages point into.
const SHARED_WEIGHTS: &str = "weights.bin";

/// Operators whose results differ between two runs.
const RANDOM: [&str; 6] =
    ["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// The model that is cut.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) model: &'a Model,
    pub(super) flow: &'a Flow<'a>,
    pub(super) layout: &'a Layout,
    pub(super) names: &'a Names,
}

/// Writes one stage after the other.
pub(super) struct Writer<'a> {
    whole: Whole<'a>,
    settings: Settings,
    folder: &'a Path,
    sources: Sources,
    /// The weights of all stages, if they are too many for the files of stages.
    shared: Option<WeightsFile>,
    /// For each random operator that is constant, the stage that has it.
    random: BTreeMap<(usize, usize), usize>,
    written: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        whole: Whole<'a>,
        settings: Settings,
        folder: &'a Path,
        sources: Sources,
        progress: &'a mut dyn FnMut(u64),
    ) -> Result<Self, CutError> {
        let live = (0..whole.flow.tensors.len()).filter(|&tensor| whole.layout.live.tensors[tensor]);
        let is_shared = !settings.copy_weights && whole.held_bytes(live) > settings.most_inline_bytes;
        fs::create_dir_all(folder).map_err(|cause| CutError::Write { path: folder.to_owned(), cause })?;
        let shared = is_shared.then(|| WeightsFile::new(SHARED_WEIGHTS.to_owned()));
        Ok(Self { whole, settings, folder, sources, shared, random: BTreeMap::new(), written: 0, progress })
    }

    /// Writes the file of a stage, and that of its weights if it has one of its own.
    pub(super) fn stage(
        &mut self,
        pipeline: usize,
        stage: usize,
        assignment: &Assignment,
        crossing: &Crossing,
    ) -> Result<CutStage, CutError> {
        let Whole { flow, names, .. } = self.whole;
        let contents = contents(self.whole, stage, assignment, crossing);
        self.check_random(pipeline, stage, &contents)?;
        let described = |&tensor: &usize| CutTensor::new(names.of(tensor), &flow.tensors[tensor]);
        let inputs: Vec<CutTensor> = crossing.before[stage].iter().map(described).collect();
        let sent: Vec<(&str, usize)> = match crossing.before.get(stage + 1) {
            Some(next) => next.iter().map(|&tensor| (names.of(tensor), tensor)).collect(),
            None => flow.output_names.clone(),
        };
        self.check_sizes(stage, &sent)?;
        let prefix = if pipeline == 0 { String::new() } else { format!("pipeline-{pipeline}-") };
        let file = format!("{prefix}stage-{stage}.onnx");
        let mut own = self.own_weights(&contents, format!("{prefix}stage-{stage}.weights.bin"));
        let weights = own.as_mut().or(self.shared.as_mut());
        let message = contents.model(self.whole, &mut self.sources, weights)?;
        if message.length > MOST_MESSAGE_BYTES {
            let reason = "it holds weights that the model stores as lists of numbers, or within nodes".to_owned();
            return Err(CutError::TooLarge { file, bytes: message.length, reason });
        }
        let file_bytes = message.length;
        self.write(&file, |writer, target| writer.message(message, target))?;
        let weights_file = own.as_ref().or(self.shared.as_ref()).map(|weights| weights.name.clone());
        if let Some(own) = own {
            self.weights(&own)?;
        }
        let outputs = sent.iter().map(|&(name, tensor)| CutTensor::new(name, &flow.tensors[tensor])).collect();
        Ok(CutStage { file, weights_file, nodes: contents.nodes(), file_bytes, inputs, outputs })
    }

    /// Writes the weights that all stages share.
    pub(super) fn finish(mut self) -> Result<(), CutError> {
        match self.shared.take() {
            Some(shared) => self.weights(&shared),
            None => Ok(()),
        }
    }

    fn own_weights(&self, contents: &Contents, name: String) -> Option<WeightsFile> {
        let bytes = self.whole.held_bytes(contents.held.iter().copied());
        (self.shared.is_none() && bytes > self.settings.most_inline_bytes).then(|| WeightsFile::new(name))
    }

    fn check_random(&mut self, pipeline: usize, stage: usize, contents: &Contents) -> Result<(), CutError> {
        for &place in &contents.operators {
            let operator = &self.whole.flow.operators[place];
            if RANDOM.contains(&&*operator.kind) && *self.random.entry((pipeline, place)).or_insert(stage) != stage {
                return Err(CutError::Random { node: operator.node.clone(), operator: operator.kind.to_string() });
            }
        }
        Ok(())
    }

    /// Checks that the sizes of what leaves are fixed.
    fn check_sizes(&self, stage: usize, sent: &[(&str, usize)]) -> Result<(), CutError> {
        let flow = self.whole.flow;
        match sent.iter().find(|&&(_, tensor)| flow.tensors[tensor].fact.is_guessed) {
            None => Ok(()),
            Some(&(name, tensor)) => {
                let node = match flow.tensors[tensor].origin {
                    Origin::Operator(maker) => flow.operators[maker].node.clone(),
                    Origin::Input | Origin::Constant { .. } => name.to_owned(),
                };
                Err(CutError::Unsized { tensor: name.to_owned(), node, stage })
            }
        }
    }

    fn message(&mut self, message: Message, target: &mut Target<'_>) -> Result<(), CutError> {
        for piece in message.pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    target.write(&bytes)?;
                    self.advance(bytes.len() as u64);
                }
                Piece::Copy(source, span) => {
                    let (written, progress) = (&mut self.written, &mut *self.progress);
                    self.sources.copy(source, span, target, &mut |step| {
                        *written += step;
                        progress(*written);
                    })?;
                }
            }
        }
        Ok(())
    }

    fn weights(&mut self, weights: &WeightsFile) -> Result<(), CutError> {
        self.write(&weights.name, |writer, target| {
            for &(offset, source, span) in &weights.parts {
                let path = target.path.to_owned();
                target.file.seek(SeekFrom::Start(offset)).map_err(|cause| CutError::Write { path, cause })?;
                let mut part = Message::default();
                part.merge(source, span);
                writer.message(part, target)?;
            }
            Ok(())
        })
    }

    fn advance(&mut self, step: u64) {
        self.written += step;
        (self.progress)(self.written);
    }

    /// Writes a file under another name first, so that a file with its own name is complete.
    fn write(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut Self, &mut Target<'_>) -> Result<(), CutError>,
    ) -> Result<(), CutError> {
        let path = self.folder.join(name);
        if self.sources.contains(&path) {
            return Err(CutError::Overwrites { path });
        }
        let partial = self.folder.join(format!("{name}.partial"));
        let filled = self.fill(&partial, fill);
        let moved = filled.and_then(|()| fs::rename(&partial, &path).map_err(|cause| CutError::Write { path, cause }));
        if moved.is_err() {
            remove(partial);
        }
        moved
    }

    fn fill(
        &mut self,
        path: &Path,
        fill: impl FnOnce(&mut Self, &mut Target<'_>) -> Result<(), CutError>,
    ) -> Result<(), CutError> {
        let failed = |cause| CutError::Write { path: path.to_owned(), cause };
        let mut target = Target { path, file: BufWriter::new(File::create(path).map_err(failed)?) };
        fill(self, &mut target)?;
        target.file.flush().map_err(failed)
    }
}

/// Removes what was written of a file. That it remains is no worse than the error that is reported.
fn remove(partial: PathBuf) {
    let _ = fs::remove_file(partial);
}

impl Whole<'_> {
    /// Returns the bytes of tensors that the file holds.
    fn held_bytes(self, tensors: impl Iterator<Item = usize>) -> u64 {
        let bytes = tensors.map(|tensor| match self.flow.tensors[tensor].origin {
            Origin::Constant { bytes, .. } => bytes,
            Origin::Input | Origin::Operator(_) => 0,
        });
        bytes.fold(0, u64::saturating_add)
    }
}
