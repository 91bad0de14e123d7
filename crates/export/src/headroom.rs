//! What runners take beside the memory that a plan counts.

use serde_json::Value;

use crate::options::Options;

/// The memory that a runner takes for a stage: `scale` times the planned bytes, and `overhead_bytes`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Headroom {
    /// Factor of the planned bytes, at least 1.
    pub scale: f64,
    /// Bytes of the runner itself.
    pub overhead_bytes: u64,
}

impl Default for Headroom {
    /// What runners took of real models: 2.0 to 3.3 times the tensors and parameters of a plan with `memory_scale` 1, and 60
    /// to 90 MB for Python and onnxruntime.
    fn default() -> Self {
        Self { scale: 3.3, overhead_bytes: 128 << 20 }
    }
}

impl Headroom {
    /// A plan whose cost model counts what runners take.
    const PLANNED: Self = Self { scale: 1.0, overhead_bytes: 0 };

    /// Returns what stages take beside their plan: what the options say, and else nothing if the plan's own options, of a
    /// placement of the service, have a `memory_scale` or `memory_overhead_bytes`.
    pub(crate) fn of_stages(placement: &Value, options: &Options) -> Self {
        let is_planned = ["memory_scale", "memory_overhead_bytes"].iter().zip([1.0, 0.0]).any(|(name, nothing)| {
            let given = placement.pointer(&format!("/options/cost_model/{name}"));
            given.and_then(Value::as_f64).is_some_and(|given| given != nothing)
        });
        let usual = if is_planned { Self::PLANNED } else { Self::default() };
        Self {
            scale: options.memory_scale.unwrap_or(usual.scale),
            overhead_bytes: options.memory_overhead_bytes.unwrap_or(usual.overhead_bytes),
        }
    }

    /// Returns what sinks and feeders take: no plan counts them, so that they never get less than by default.
    pub(crate) fn of_others(self) -> Self {
        let usual = Self::default();
        Self { scale: self.scale.max(usual.scale), overhead_bytes: self.overhead_bytes.max(usual.overhead_bytes) }
    }

    /// Returns what a runner takes for tensors and parameters of so many bytes, a multiple of 1 MiB.
    pub(crate) fn memory_bytes(self, planned: u64) -> u64 {
        // A conversion from floating point saturates.
        let scaled = (planned as f64 * self.scale).ceil() as u64;
        scaled.saturating_add(self.overhead_bytes).div_ceil(1 << 20).min(1 << 43) << 20
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_that_counts_what_runners_take_needs_no_more() {
        let of = |cost_model: Value, options: Options| {
            Headroom::of_stages(&json!({"options": {"cost_model": cost_model}}), &options)
        };
        assert_eq!(of(json!({}), Options::default()), Headroom::default());
        assert_eq!(
            of(json!({"memory_scale": 1.0, "memory_overhead_bytes": 0}), Options::default()),
            Headroom::default()
        );
        assert_eq!(of(json!({"memory_scale": 2.5}), Options::default()), Headroom::PLANNED);
        assert_eq!(of(json!({"memory_overhead_bytes": 1}), Options::default()), Headroom::PLANNED);
        let given = Options { memory_scale: Some(1.5), ..Options::default() };
        assert_eq!(of(json!({"memory_scale": 2.5}), given.clone()), Headroom { scale: 1.5, overhead_bytes: 0 });
        assert_eq!(of(json!({}), given).overhead_bytes, 128 << 20);
        assert_eq!(Headroom::of_stages(&json!([]), &Options::default()), Headroom::default());
    }

    #[test]
    fn memory_is_whole_mebibytes_that_cover_the_plan() {
        let headroom = Headroom { scale: 1.0, overhead_bytes: 0 };
        assert_eq!(headroom.memory_bytes(1), 1 << 20);
        assert_eq!(headroom.memory_bytes((3 << 20) + 1), 4 << 20);
        assert_eq!(headroom.of_others().memory_bytes(0), 128 << 20);
        assert_eq!(Headroom { scale: 1e6, overhead_bytes: u64::MAX }.memory_bytes(u64::MAX), 1 << 63);
    }
}
