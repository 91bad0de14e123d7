//! How many cuts a model has.

use super::{Cuts, MOST_COUNTED};
use crate::domain::model::ModelProfile;
use crate::domain::options::CutPolicy;

/// How many cuts a model has, the two ends not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutCount {
    /// So many.
    Exactly(usize),
    /// More than so many: they are not counted further.
    MoreThan(usize),
}

/// Counts the cuts of a model under a policy, no further than 50,000, and within some memory. O(L + E + c d) for c cuts
/// with d layers each that can come next.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::domain::model::ModelProfile;
/// use cutpoint_planner::domain::options::CutPolicy;
/// use cutpoint_planner::{CutCount, cut_count};
/// use serde_json::json;
///
/// let layer = |id: &str| json!({"id": id, "param_bytes": 8, "output_bytes": 4, "flops": 2});
/// let model = ModelProfile::from_json(&json!({
///     "name": "diamond",
///     "layers": [layer("a"), layer("left"), layer("right"), layer("b")],
///     "edges": [
///         {"from": "a", "to": "left"}, {"from": "a", "to": "right"},
///         {"from": "left", "to": "b"}, {"from": "right", "to": "b"}
///     ]
/// }))
/// .expect("the profile is valid");
///
/// // Behind a, behind a and left, behind a and right, behind all three.
/// assert_eq!(cut_count(&model, CutPolicy::Any), CutCount::Exactly(4));
/// assert_eq!(cut_count(&model, CutPolicy::InOrder), CutCount::Exactly(3));
/// assert_eq!(cut_count(&model, CutPolicy::SingleTensor), CutCount::Exactly(1));
/// ```
pub fn cut_count(model: &ModelProfile, policy: CutPolicy) -> CutCount {
    let cuts = Cuts::new(model, (policy, &[]), |_| 0, 0, &|| false);
    cuts.map_or(CutCount::MoreThan(MOST_COUNTED), |cuts| cuts.count)
}
