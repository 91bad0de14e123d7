//! Settings of the queue.

use std::time::Duration;

use crate::config::Settings;
use crate::store::{QueueLimits, Retention};

/// Settings of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// Jobs solved at once. With 0, jobs are taken but not solved.
    pub workers: usize,
    /// Threads that one solve may use.
    pub threads_per_job: usize,
    /// Explanations solved at once; default the number of cores.
    pub explanations: usize,
    /// How often a running job renews its lease and stores its incumbent and bound.
    pub heartbeat: Duration,
    /// How long a lease lasts after a heartbeat.
    pub lease: Duration,
    /// How many times a job is retried after a crash of the service; default 3.
    pub most_crashes: u32,
    /// The most jobs that may wait.
    pub queue_limit: u32,
    /// The most jobs of one key that have not ended.
    pub jobs_per_key: u32,
    /// How long ended jobs and placements are kept.
    pub retention: Retention,
    /// How often expired records are deleted; default 10 s.
    pub sweep: Duration,
    /// How long a shutdown waits for running searches to stop.
    pub grace: Duration,
}

impl QueueSettings {
    /// Returns the limits on jobs.
    pub(super) fn limits(&self) -> QueueLimits {
        QueueLimits { waiting: self.queue_limit, of_key: self.jobs_per_key }
    }
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl From<&Settings> for QueueSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            workers: settings.workers,
            threads_per_job: settings.threads_per_job,
            explanations: std::thread::available_parallelism().map_or(1, usize::from),
            heartbeat: Duration::from_secs_f64(settings.heartbeat_s),
            lease: Duration::from_secs_f64(settings.lease_s),
            most_crashes: 3,
            queue_limit: settings.queue_limit,
            jobs_per_key: settings.max_jobs_per_key,
            retention: Retention {
                placements_age: settings.retain_placements_s.map(Duration::from_secs_f64),
                placements_of_pair: settings.retain_placements,
                jobs_age: settings.retain_jobs_s.map(Duration::from_secs_f64),
            },
            sweep: Duration::from_secs(10),
            grace: Duration::from_secs_f64(settings.shutdown_s),
        }
    }
}
