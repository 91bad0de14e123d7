//! The files of a model, which ranges of bytes are copied from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::CutError;
use super::message::{MODEL, SourceId};
use crate::error::Error;
use crate::model::Span;
use crate::options::ExternalData;
use crate::read::path_below;

/// Bytes that are in memory at once.
const BUFFER_BYTES: usize = 1 << 20;

/// The model's file and the files with its data.
pub(super) struct Sources {
    files: Vec<(PathBuf, File)>,
    by_name: BTreeMap<String, SourceId>,
    buffer: Vec<u8>,
}

impl Sources {
    /// Opens the model's file.
    pub(super) fn open(model: &Path) -> Result<Self, CutError> {
        let file = File::open(model).map_err(Error::Read)?;
        Ok(Self { files: vec![(model.to_owned(), file)], by_name: BTreeMap::new(), buffer: vec![0; BUFFER_BYTES] })
    }

    /// Returns the model's file, to be read from its beginning.
    pub(super) fn model(&mut self) -> Result<&mut File, CutError> {
        let (path, file) = &mut self.files[MODEL.0];
        file.rewind().map_err(|cause| CutError::Read { path: path.clone(), cause })?;
        Ok(file)
    }

    /// Returns the file in which the data of a tensor is. It is below the folder of the model.
    pub(super) fn external(&mut self, tensor: &str, name: &str) -> Result<SourceId, CutError> {
        if let Some(&source) = self.by_name.get(name) {
            return Ok(source);
        }
        let ExternalData::Below(folder) = ExternalData::beside(&self.files[MODEL.0].0) else {
            return Err(Error::ExternalDataRefused { tensor: tensor.to_owned(), file: name.to_owned() }.into());
        };
        let fault = |detail| Error::ExternalData { tensor: tensor.to_owned(), file: name.to_owned(), detail };
        let path = path_below(&folder, name).map_err(fault)?;
        let file = File::open(&path).map_err(|cause| CutError::Read { path: path.clone(), cause })?;
        let source = SourceId(self.files.len());
        self.files.push((path, file));
        self.by_name.insert(name.to_owned(), source);
        Ok(source)
    }

    /// Returns `true` if a path leads to one of the files.
    pub(super) fn contains(&self, path: &Path) -> bool {
        let same = |(file, _): &(PathBuf, File)| match (file.canonicalize(), path.canonicalize()) {
            (Ok(file), Ok(path)) => file == path,
            _ => false,
        };
        self.files.iter().any(same)
    }

    /// Copies a range of bytes. Calls `each` with the bytes of every step.
    pub(super) fn copy(
        &mut self,
        source: SourceId,
        span: Span,
        target: &mut Target<'_>,
        each: &mut dyn FnMut(u64),
    ) -> Result<(), CutError> {
        let (path, file) = &mut self.files[source.0];
        let unreadable = |cause| CutError::Read { path: path.clone(), cause };
        file.seek(SeekFrom::Start(span.offset)).map_err(unreadable)?;
        let mut left = span.length;
        while left > 0 {
            // It is at most the length of the buffer.
            let step = left.min(BUFFER_BYTES as u64) as usize;
            file.read_exact(&mut self.buffer[..step]).map_err(unreadable)?;
            target.write(&self.buffer[..step])?;
            left -= step as u64;
            each(step as u64);
        }
        Ok(())
    }
}

/// A file that is written.
pub(super) struct Target<'a> {
    pub(super) path: &'a Path,
    pub(super) file: io::BufWriter<File>,
}

impl Target<'_> {
    /// Writes bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CutError> {
        self.file.write_all(bytes).map_err(|cause| CutError::Write { path: self.path.to_owned(), cause })
    }
}
