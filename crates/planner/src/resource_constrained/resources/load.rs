//! The resource load: the seconds in which the walk's last host is busy, for overlap `none`. Its
//! limit is the period.

use super::{Hop, Resource, Stage, Start, Within};
use crate::domain::options::Overlap;
use crate::index::Host;
use crate::instance::Instance;
use crate::resource_constrained::limits::{Goal, Limits};

/// The loads of a partial walk that are not final yet, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// The load of the walk's last host: what it received, and, if its stage has ended, what it
    /// computed.
    pub load_s: f64,
    /// Seconds in which the source sends the input. Counted if the source may host a stage or is
    /// the sink too.
    source_s: f64,
    /// The load of the stage on the sink, until the output's transfer is known.
    sink_s: f64,
}

impl Resource for Load {
    type Counted = bool;

    fn counted(instance: &Instance, period_s: f64, _limits: &Limits, _goal: Goal) -> bool {
        instance.overlap == Overlap::None && period_s < f64::MAX
    }

    fn begin(within: &Within<'_>, host: Host) -> Self {
        if !within.counted.load {
            return Self::default();
        }
        let instance = within.instance;
        let input_s = instance.input_s[host];
        let is_remembered = instance.source_host.is_some() || instance.one_end;
        Self { load_s: input_s, source_s: if is_remembered { input_s } else { 0.0 }, sink_s: 0.0 }
    }

    #[inline]
    fn stage(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        if within.counted.load {
            self.load_s += stage.compute_s;
        }
        self.load_s <= within.period_s
    }

    #[inline]
    fn hop(&mut self, within: &Within<'_>, &Hop { from, seconds: hop_s, .. }: &Hop) -> bool {
        if !within.counted.load {
            return true;
        }
        let instance = within.instance;
        let load_s = self.load_s + hop_s;
        let is_source = instance.source_host == Some(from);
        if load_s + (if is_source { self.source_s } else { 0.0 }) > within.period_s {
            return false;
        }
        if instance.sink_host == Some(from) {
            self.sink_s = load_s;
        } else if is_source && !instance.one_end {
            // The load of the source is final: its transfer of the input decides nothing further.
            self.source_s = 0.0;
        }
        self.load_s = hop_s;
        true
    }

    fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        if !within.counted.load {
            return true;
        }
        let instance = within.instance;
        let output_s = instance.output_s[stage.host];
        let is_sink = instance.sink_host == Some(stage.host);
        let as_source_s = if instance.source_host == Some(stage.host) { self.source_s } else { 0.0 };
        let as_sink_s = if is_sink { output_s } else { 0.0 };
        let load_s = self.load_s + stage.compute_s + output_s + (as_source_s + as_sink_s);
        let end_s = if instance.one_end { self.source_s } else { 0.0 };
        // The sink, or a node that is both ends, also receives the output.
        let behind_s = if is_sink { 0.0 } else { self.sink_s + (end_s + output_s) };
        let has_end = instance.sink_host.is_some() || instance.one_end;
        load_s <= within.period_s && !(has_end && behind_s > within.period_s)
    }

    #[inline]
    fn admits(&self, within: &Within<'_>, start: &Start) -> bool {
        let &Start { host, position, before, stages_left } = start;
        within.loads.is_none_or(|loads| loads.admits(host, position, before, stages_left, self.load_s))
    }

    #[inline]
    fn no_worse(&self, other: &Self) -> bool {
        (self.load_s <= other.load_s) & (self.source_s <= other.source_s) & (self.sink_s <= other.sink_s)
    }
}
