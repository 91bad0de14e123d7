//! What one process did for one inference.

use super::logs::Role;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::MAX_SECONDS;

/// The figures of a line. Which ones there are depends on the role of the process.
#[derive(Debug, Clone, Default)]
pub(super) struct Inference {
    pub(super) run: u64,
    pub(super) inference: u64,
    pub(super) received: Option<Received>,
    pub(super) compute_s: Option<f64>,
    pub(super) sent_bytes: Option<u64>,
    /// A reading of the machine's monotonic clock.
    pub(super) completed_s: Option<f64>,
    pub(super) latency_s: Option<f64>,
}

/// A frame that arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    /// From its header to its last byte.
    pub(super) seconds: f64,
    /// How long the receiver had not read before.
    pub(super) blocked_s: f64,
    pub(super) bytes: u64,
}

impl Inference {
    /// Reads a line. Records a fault for each figure that a process of this role writes and that is absent.
    pub(super) fn read(line: &Cursor<'_>, role: &Role, faults: &mut Faults) -> Option<Self> {
        let count = |name: &str, faults: &mut Faults| line.required(&[name], faults).and_then(|it| it.count(faults));
        let found = Self {
            run: count("run", faults)?,
            inference: count("inference", faults)?,
            received: match role {
                Role::Source { .. } => None,
                _ => Some(Received {
                    seconds: required_seconds(line, "receive_s", faults)?,
                    blocked_s: seconds(line, "receive_blocked_s", faults).unwrap_or(0.0),
                    bytes: count("received_bytes", faults)?,
                }),
            },
            compute_s: match role {
                Role::Stage { .. } => Some(required_seconds(line, "compute_s", faults)?),
                _ => None,
            },
            sent_bytes: match role {
                Role::Sink => None,
                _ => Some(count("sent_bytes", faults)?),
            },
            completed_s: match role {
                // Where the machine has run for long, the clock's reading is large.
                Role::Sink => Some(line.required(&["completed_s"], faults)?.amount(faults)?),
                _ => None,
            },
            latency_s: seconds(line, "latency_s", faults),
        };
        Some(found)
    }
}

/// Reads a duration, from 0 to 10⁷ seconds, where there is one.
pub(super) fn seconds(of: &Cursor<'_>, name: &str, faults: &mut Faults) -> Option<f64> {
    let found = of.get(name)?;
    let seconds = found.amount(faults)?;
    if seconds > MAX_SECONDS {
        found.fault(faults, format!("{seconds:e} s is no duration of an inference"), "Give seconds, at most 1e7");
        return None;
    }
    Some(seconds)
}

fn required_seconds(of: &Cursor<'_>, name: &str, faults: &mut Faults) -> Option<f64> {
    of.required(&[name], faults)?;
    seconds(of, name, faults)
}
