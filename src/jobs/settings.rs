//! How the queue works.

use std::time::Duration;

use crate::store::{QueueLimits, Retention};

/// How the queue works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// Jobs solved at once; default the number of cores. With 0, jobs are taken but not solved.
    pub workers: usize,
    /// Threads that one solve may use; default 1.
    pub threads_per_job: usize,
    /// Explanations solved at once; default the number of cores.
    pub explanations: usize,
    /// How often a running job renews its lease and stores incumbent and bound; default 1 s.
    pub heartbeat: Duration,
    /// How long a job belongs to its worker after a heartbeat; default 15 s.
    pub lease: Duration,
    /// How often a job that a crash interrupted is tried again; default 3.
    pub most_crashes: u32,
    /// The most jobs that may wait; default 1000.
    pub queue_limit: u32,
    /// The most jobs of one key that have not ended; default 500.
    pub jobs_per_key: u32,
    /// How long what has ended is kept; default for ever.
    pub retention: Retention,
    /// How often what the retention lets go is deleted; default 10 s.
    pub sweep: Duration,
    /// How long a shutdown waits for running searches to stop; default 5 s.
    pub grace: Duration,
}

impl QueueSettings {
    /// How many jobs there may be.
    pub(super) fn limits(&self) -> QueueLimits {
        QueueLimits { waiting: self.queue_limit, of_key: self.jobs_per_key }
    }
}

impl Default for QueueSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            workers: cores,
            explanations: cores,
            threads_per_job: 1,
            heartbeat: Duration::from_secs(1),
            lease: Duration::from_secs(15),
            most_crashes: 3,
            queue_limit: 1000,
            jobs_per_key: 500,
            retention: Retention::default(),
            sweep: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}
