//! How much of a file may be kept in memory.

use crate::error::Error;
use crate::limits::{MOST_KEPT_BYTES, MOST_OBJECTS, MOST_VALUE_BYTES};

/// Counts what a reader keeps. Names, attributes and small tensors count; weights are never kept.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: u64,
    objects: u64,
    value_bytes: u64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { bytes: MOST_KEPT_BYTES, objects: MOST_OBJECTS, value_bytes: MOST_VALUE_BYTES }
    }

    /// Takes bytes of names or values.
    pub(crate) fn take_bytes(&mut self, bytes: u64) -> Result<(), Error> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or(Error::Limit { what: "bytes of names and attributes", most: MOST_KEPT_BYTES })?;
        Ok(())
    }

    /// Takes one node, attribute, tensor, dimension or name.
    pub(crate) fn take_object(&mut self) -> Result<(), Error> {
        let left = self.objects.checked_sub(1);
        self.objects = left.ok_or(Error::Limit { what: "nodes, attributes, tensors and names", most: MOST_OBJECTS })?;
        Ok(())
    }

    /// Returns `true` if values of a tensor may be kept. Of a file with too many, the first are kept.
    pub(crate) fn may_keep_values(&mut self, count: u64) -> bool {
        match self.value_bytes.checked_sub(8 * count) {
            Some(left) => {
                self.value_bytes = left;
                true
            }
            None => false,
        }
    }
}
