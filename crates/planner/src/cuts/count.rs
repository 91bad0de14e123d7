//! The number of cuts of a model.

use super::{Cuts, MOST_COUNTED};
use crate::domain::model::ModelProfile;
use crate::domain::options::CutPolicy;

/// The number of cuts of a model, without the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutCount {
    /// Exactly this many.
    Exactly(usize),
    /// More than this many. They are not counted further.
    MoreThan(usize),
}

/// Counts the cuts of a model under a policy. Counting may stop after 50,000 cuts, or where it
/// takes too much memory. It takes O(L + E + c d) for c cuts, each with d layers that can come
/// next.
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
/// // After a, after a and left, after a and right, after all three.
/// assert_eq!(cut_count(&model, CutPolicy::Any), CutCount::Exactly(4));
/// assert_eq!(cut_count(&model, CutPolicy::InOrder), CutCount::Exactly(3));
/// assert_eq!(cut_count(&model, CutPolicy::SingleTensor), CutCount::Exactly(1));
/// ```
pub fn cut_count(model: &ModelProfile, policy: CutPolicy) -> CutCount {
    let cuts = Cuts::new(model, (policy, &[]), |_| 0, 0, &|| false);
    cuts.map_or(CutCount::MoreThan(MOST_COUNTED), |cuts| cuts.count)
}
