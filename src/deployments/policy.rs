//! The policy: whether a deployment may get a proposal now, and how what runs is judged. Pure functions of state and time.

use cutpoint_planner::domain::options::Objective;

use crate::domain::deployment::{Applied, ConditionStatus, Policy};

const SECOND_US: f64 = 1e6;
const HOUR_US: i64 = 3_600_000_000;
/// What rounding may add to a time, as a part of it.
const ROUNDING: f64 = 1e-9;

/// Returns when the next proposal is allowed, or `None` if it is allowed now. Times are microseconds of the steady clock;
/// `proposals` are those of the last hour and the last one in any case, the oldest first.
pub(crate) fn next_allowed(policy: &Policy, proposals: &[i64], now: i64) -> Option<i64> {
    // The product is at most 10¹² µs.
    #[allow(clippy::cast_possible_truncation)]
    let cool_down = (policy.cool_down_s * SECOND_US) as i64;
    let cooled = proposals.last().map(|last| last.saturating_add(cool_down));
    let most = usize::try_from(policy.max_proposals_per_hour).unwrap_or(usize::MAX);
    let full = proposals.len().checked_sub(most).and_then(|first| proposals.get(first));
    let emptier = full.map(|first| first.saturating_add(HOUR_US));
    cooled.into_iter().chain(emptier).filter(|at| *at > now).max()
}

/// The figures that a placement is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    /// Seconds.
    pub(crate) period_s: f64,
    /// Seconds.
    pub(crate) latency_s: f64,
}

impl Figures {
    /// Returns the time that the objective is about, seconds.
    pub(crate) fn value_s(self, objective: Objective) -> f64 {
        if objective == Objective::MinLatency { self.latency_s } else { self.period_s }
    }
}

/// Returns the condition of what is applied. `now` is what it has today, or `None` if it has violations.
pub(crate) fn judge(policy: &Policy, objective: Objective, applied: &Applied, now: Option<Figures>) -> ConditionStatus {
    let Some(now) = now else { return ConditionStatus::Broken };
    let then = Figures { period_s: applied.period_s, latency_s: applied.latency_s };
    let most = then.value_s(objective) * policy.max_period_ratio * (1.0 + ROUNDING);
    if now.value_s(objective) > most { ConditionStatus::Degraded } else { ConditionStatus::Healthy }
}

/// Returns `true` if a placement is at least `factor` times as fast as what runs.
pub(crate) fn improves(objective: Objective, from: Figures, to: Figures, factor: f64) -> bool {
    to.value_s(objective) * factor <= from.value_s(objective) * (1.0 + ROUNDING)
        && to.value_s(objective) < from.value_s(objective) * (1.0 - ROUNDING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Id, IdKind};
    use jiff::Timestamp;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_proposal_waits_for_the_cool_down() {
        let policy = Policy { cool_down_s: 30.0, ..Policy::default() };
        assert_eq!(next_allowed(&policy, &[], 0), None);
        assert_eq!(next_allowed(&policy, &[100 * SECOND], 110 * SECOND), Some(130 * SECOND));
        assert_eq!(next_allowed(&policy, &[100 * SECOND], 130 * SECOND), None);
    }

    #[test]
    fn no_hour_has_more_proposals_than_allowed() {
        let policy = Policy { cool_down_s: 0.0, max_proposals_per_hour: 2, ..Policy::default() };
        assert_eq!(next_allowed(&policy, &[1], 2), None);
        assert_eq!(next_allowed(&policy, &[1, 5], 6), Some(1 + HOUR_US));
        assert_eq!(next_allowed(&policy, &[1, 5], 1 + HOUR_US), None);
        // The limit was lowered afterwards.
        assert_eq!(next_allowed(&policy, &[1, 5, 9], 10), Some(5 + HOUR_US));
        let both = Policy { cool_down_s: 7200.0, ..policy };
        assert_eq!(next_allowed(&both, &[1, 5], 6), Some(5 + 2 * HOUR_US));
    }

    #[test]
    fn what_runs_is_judged_by_the_time_that_its_objective_is_about() {
        let applied = Applied {
            placement_id: Id::new(IdKind::Placement, uuid::Uuid::nil()),
            applied_at: Timestamp::UNIX_EPOCH,
            cluster_revision: 1,
            period_s: 1.0,
            latency_s: 5.0,
        };
        let policy = Policy { max_period_ratio: 1.5, ..Policy::default() };
        let judged =
            |objective, period_s, latency_s| judge(&policy, objective, &applied, Some(Figures { period_s, latency_s }));
        assert_eq!(judged(Objective::MaxThroughput, 1.5, 50.0), ConditionStatus::Healthy);
        assert_eq!(judged(Objective::MaxThroughput, 1.6, 5.0), ConditionStatus::Degraded);
        assert_eq!(judged(Objective::MinLatency, 9.0, 7.5), ConditionStatus::Healthy);
        assert_eq!(judged(Objective::MinLatency, 1.0, 7.6), ConditionStatus::Degraded);
        assert_eq!(judge(&policy, Objective::MaxThroughput, &applied, None), ConditionStatus::Broken);
    }

    #[test]
    fn an_improvement_is_as_large_as_asked_for() {
        let of = |period_s| Figures { period_s, latency_s: 1.0 };
        assert!(improves(Objective::MaxThroughput, of(1.1), of(1.0), 1.1));
        assert!(!improves(Objective::MaxThroughput, of(1.1), of(1.0), 1.2));
        assert!(!improves(Objective::MaxThroughput, of(1.0), of(1.0), 1.0));
    }
}
