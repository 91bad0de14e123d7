//! Which layers each kernel ran.

use std::collections::BTreeSet;

use super::kernel::{Kernel, Operators};
use super::profile::Profile;
use crate::fault::Faults;
use crate::input::InputFile;

/// The names of each side that a fault lists.
const NAMES_SHOWN: usize = 8;

/// The kernels, each with its layers.
#[derive(Debug)]
pub(super) struct Matched {
    /// Layers of each kernel, in the order of the kernels; empty where no name matches.
    pub(super) layers: Vec<BTreeSet<usize>>,
    /// Seconds of each kernel.
    pub(super) times: Vec<f64>,
}

impl Matched {
    /// Returns the seconds of all kernels that have layers.
    pub(super) fn seconds(&self) -> f64 {
        let matched = self.layers.iter().zip(&self.times).filter(|(layers, _)| !layers.is_empty());
        matched.map(|(_, seconds)| seconds).sum()
    }
}

/// Finds the layers of each kernel.
pub(super) fn find(profile: &Profile, kernels: &[Kernel]) -> Matched {
    let layers = kernels.iter().map(|kernel| of_kernel(profile, kernel)).collect();
    Matched { layers, times: kernels.iter().map(|kernel| kernel.seconds).collect() }
}

fn of_kernel(profile: &Profile, kernel: &Kernel) -> BTreeSet<usize> {
    let of = |operators: &Operators| match operators {
        Operators::Named(name) => profile.of_operator(name),
        Operators::Between(first, last) => {
            let (first, last) = (profile.of_operator(first), profile.of_operator(last));
            if first.is_empty() || last.is_empty() { &first | &last } else { profile.between(&first, &last) }
        }
    };
    kernel.operators.iter().flat_map(of).collect()
}

/// Records the fault that no kernel has a layer.
pub(super) fn none(profile: &Profile, kernels: &[Kernel], file: &InputFile<'_>, faults: &mut Faults) {
    let names = |names: Vec<&str>| names.into_iter().take(NAMES_SHOWN).collect::<Vec<_>>().join(", ");
    let kernels = names(kernels.iter().map(|kernel| kernel.name.as_str()).collect());
    let layers = names(profile.layers.iter().filter(|layer| layer.works()).map(|layer| layer.id.as_str()).collect());
    let detail = format!(
        "no name of it is that of an operator or layer of the profile. It has: {kernels}. The profile has: {layers}"
    );
    let action = "Import the model that was profiled, such as the one of optimized_model_filepath, and match its times";
    faults.record(file.name, "", detail, action);
}
