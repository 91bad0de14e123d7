//! The solvers' cost model: the costs of an assignment of stages to hosts.

use super::instance::Instance;
use super::shared_media::MediumLoad;
use crate::domain::options::{Objective, Overlap};
use crate::index::{Host, Position};

/// A relative difference, larger than that between two orders of summing a pipeline's times.
pub const ROUNDING: f64 = 1e-12;

/// Stages in order, each with its end and its host. The first starts at 0 and the last ends at m.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assignment {
    /// For each stage, its end position and its host.
    pub stages: Vec<(Position, Host)>,
}

impl Assignment {
    /// Returns the start, the end and the host of each stage.
    pub fn spans(&self) -> impl Iterator<Item = (Position, Position, Host)> + '_ {
        let starts = std::iter::once(Position::FIRST).chain(self.stages.iter().map(|&(end, _)| end));
        starts.zip(&self.stages).map(|(start, &(end, host))| (start, end, host))
    }

    /// Returns the hosts in the order of the stages.
    pub fn hosts(&self) -> Vec<Host> {
        self.stages.iter().map(|&(_, host)| host).collect()
    }

    /// Returns `true` if a host is used twice. The assignment is then a walk, not a placement.
    pub fn has_cycle(&self) -> bool {
        let mut hosts = self.hosts();
        hosts.sort_unstable();
        hosts.windows(2).any(|pair| pair[0] == pair[1])
    }
}

/// The costs of an assignment, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// The time of the slowest stage or hop. It is infinite if a link is missing.
    pub period_s: f64,
    /// The time of one pass through the empty pipeline.
    pub latency_s: f64,
}

/// The value of an objective and of its tie-break, compared in this order. Smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Score(pub f64, pub f64);

/// Returns the seconds of each stage: receive, compute and send.
pub fn stage_times<'a>(instance: &'a Instance, assignment: &'a Assignment) -> impl Iterator<Item = [f64; 3]> + 'a {
    let last = assignment.stages.len() - 1;
    assignment.spans().enumerate().map(move |(index, (start, end, host))| {
        let receive = match index {
            0 => instance.input_s[host],
            _ => instance.hop_s(assignment.stages[index - 1].1, host, start),
        };
        let send = match index {
            _ if index == last => instance.output_s[host],
            _ => instance.hop_s(host, assignment.stages[index + 1].1, end),
        };
        [receive, instance.compute_s(instance.group_of[host], start, end), send]
    })
}

/// Seconds by which what each stage receives and sends arrives later than its times say.
pub fn stage_delays<'a>(instance: &'a Instance, assignment: &'a Assignment) -> impl Iterator<Item = [f64; 2]> + 'a {
    let host = |index: usize| assignment.stages[index].1;
    (0..assignment.stages.len()).map(move |index| {
        let receive = match index {
            0 => instance.input_delay_s[host(0)],
            _ => instance.delays.get(host(index - 1), host(index)),
        };
        let send = match assignment.stages.get(index + 1) {
            None => instance.output_delay_s[host(index)],
            Some(&(_, next)) => instance.delays.get(host(index), next),
        };
        [receive, send]
    })
}

/// The media that two transfers may use, with what the transfers of an assignment take of them.
pub fn medium_loads(instance: &Instance, assignment: &Assignment) -> Vec<MediumLoad> {
    let media = instance.shared_media.as_deref();
    media.map(|media| media.occupied_s(assignment, &instance.load_bits)).unwrap_or_default()
}

/// Period and latency of an assignment with at least one stage.
pub fn costs(instance: &Instance, assignment: &Assignment) -> Costs {
    let mut period_s = 0.0_f64;
    let mut latency_s = 0.0;
    let delays = stage_delays(instance, assignment);
    for (index, ([receive, compute, send], [delay, send_delay])) in
        stage_times(instance, assignment).zip(delays).enumerate()
    {
        if index == 0 {
            latency_s += receive + delay;
        }
        latency_s += compute;
        latency_s += send + send_delay;
        period_s = match instance.overlap {
            Overlap::Full => period_s.max(receive).max(compute).max(send),
            Overlap::None => {
                let host = assignment.stages[index].1;
                period_s.max(receive + compute + send + own_transfers(instance, assignment, host))
            }
        };
    }
    if instance.overlap == Overlap::None {
        period_s = period_s.max(end_load(instance, assignment));
    }
    for load in medium_loads(instance, assignment) {
        period_s = period_s.max(load.seconds);
    }
    Costs { period_s, latency_s }
}

/// With overlap `none`: returns the load, in seconds, of a node that is both source and sink and
/// hosts no stage.
fn end_load(instance: &Instance, assignment: &Assignment) -> f64 {
    let hosts_stage = assignment.stages.iter().any(|&(_, host)| Some(host) == instance.source_host);
    match (assignment.stages.first(), assignment.stages.last()) {
        (Some(&(_, first)), Some(&(_, last))) if instance.one_end && !hosts_stage => {
            instance.input_s[first] + instance.output_s[last]
        }
        _ => 0.0,
    }
}

/// With overlap `none`: returns the seconds that a host adds to its stage's times because it is
/// also the source or the sink. They are not 0 only if the first or last stage is on another host.
pub fn own_transfers(instance: &Instance, assignment: &Assignment, host: Host) -> f64 {
    let (Some(&(_, first)), Some(&(_, last))) = (assignment.stages.first(), assignment.stages.last()) else {
        return 0.0;
    };
    let as_source = if instance.source_host == Some(host) { instance.input_s[first] } else { 0.0 };
    let as_sink = if instance.sink_host == Some(host) { instance.output_s[last] } else { 0.0 };
    as_source + as_sink
}

/// Returns the score of an assignment. Returns `None` if a link is missing, if it has too many
/// stages, or if its latency or its period is above a limit.
pub fn score(instance: &Instance, assignment: &Assignment) -> Option<Score> {
    let Costs { period_s, latency_s } = costs(instance, assignment);
    let is_slow = !period_s.is_finite() || period_s > instance.max_period_s || latency_s > instance.max_latency_s;
    if is_slow || assignment.stages.len() > instance.most_stages {
        return None;
    }
    let tie_break = match instance.objective {
        Objective::MaxThroughput | Objective::Tradeoff => latency_s,
        Objective::MinLatency | Objective::MinNodes { .. } => period_s,
    };
    Some(Score(instance.objective.value(period_s, latency_s, assignment.stages.len()), tie_break))
}
