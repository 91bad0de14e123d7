//! Convolutions of onnxruntime whose channels stand in blocks. It writes them into models that it
//! has optimised for one processor.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;

/// Channels get into blocks. The block of the processor is not known; where the channels do not
/// fill the last one, the tensor is a little larger than this.
pub(super) fn into_blocks(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut to = call.shape(0)?.to_vec();
    if call.attributes.flag("channels_last", false) && to.len() > 2 {
        let channels = to.remove(to.len() - 1);
        to.insert(1, channels);
    }
    Ok(vec![Fact::new(call.element(0), to)])
}

/// Channels get out of blocks; those that only fill the last block are left behind.
pub(super) fn out_of_blocks(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut to = call.shape(0)?.to_vec();
    if to.len() < 3 {
        return Err(Gap::misfit(format!("data of {to:?}")));
    }
    let padded = to.remove(1);
    let channels = call.attributes.integer("channels").map(dimension).transpose()?.unwrap_or(padded);
    let place = if call.attributes.flag("channels_last", false) { to.len() } else { 1 };
    to.insert(place, channels);
    Ok(vec![Fact::new(call.element(0), to)])
}
