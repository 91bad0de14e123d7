//! Times of kernels, as every format has them.

use crate::fault::Faults;
use crate::input::{InputFile, MAX_SECONDS};

/// The least seconds of all matched kernels together: what a profile can hold of one.
pub(super) const LEAST_SECONDS: f64 = 1e-12;

/// A kernel that a runtime ran in each pass.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kernel {
    /// Its name in the file.
    pub(super) name: String,
    /// What it ran.
    pub(super) operators: Vec<Operators>,
    /// Mean seconds of a pass.
    pub(super) seconds: f64,
}

/// Names of operators that a kernel ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operators {
    Named(String),
    /// All from one operator to another.
    Between(String, String),
}

impl Kernel {
    /// A kernel that ran one operator.
    pub(super) fn of_one(name: &str, seconds: f64) -> Self {
        Self { name: name.to_owned(), operators: vec![Operators::Named(name.to_owned())], seconds }
    }
}

/// Records a fault if kernels take longer than a profile may hold.
pub(super) fn check(kernels: &[Kernel], file: &InputFile<'_>, faults: &mut Faults) {
    let total: f64 = kernels.iter().map(|kernel| kernel.seconds).sum();
    if total.is_nan() || total > MAX_SECONDS {
        let detail = format!("all kernels together take {total:e} s");
        faults.record(file.name, "", detail, format!("Give times that sum to at most {MAX_SECONDS:e} s"));
    }
}
