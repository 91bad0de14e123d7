//! The names of enums, which metrics use as labels from the start.

use std::collections::BTreeSet;

use cutpoint_planner::domain::placement::Termination;

use crate::domain::named::Named;
use crate::store::{AttemptOutcome, JobStatus};
use crate::telemetry::metric;

fn names<T: Named>() -> BTreeSet<&'static str> {
    T::ALL.iter().map(|value| value.name()).collect()
}

#[test]
fn metrics_know_every_name() {
    assert_eq!(BTreeSet::from(metric::DELIVERY_OUTCOMES), names::<AttemptOutcome>());

    // No job has ended with these.
    let mut terminations = names::<Termination>();
    terminations.remove("unfinished");
    terminations.remove("by_hand");
    assert_eq!(BTreeSet::from(metric::TERMINATIONS), terminations);

    let ended = metric::JOB_ENDS.map(|(status, _)| status);
    let with_termination = metric::JOB_ENDS.map(|(_, termination)| termination);
    assert_eq!(&BTreeSet::from(ended) | &BTreeSet::from(["queued", "running"]), names::<JobStatus>());
    assert_eq!(BTreeSet::from(with_termination), &terminations | &BTreeSet::from(["none"]));
}
