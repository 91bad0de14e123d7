//! The resources that labels sum.
//!
//! Each resource has a file of its own and a row in the table at the end of this file.

mod latency;
mod load;
mod occupied;
mod own_medium;
mod priced;
mod shipped;

pub use self::latency::Latency;
pub use self::load::Load;
pub use self::occupied::Occupied;
pub use self::own_medium::OwnMedium;
pub use self::priced::Priced;
pub use self::shipped::Shipped;

use super::completion_bounds::CompletionBounds;
use super::limits::{Goal, Limits};
use super::loads::Loads;
use super::occupations::Occupation;
use super::shipping::Shipping;
use crate::index::{Host, Position};
use crate::instance::Instance;

/// A resource that a partial walk consumes. It is summed forwards, exactly as in the cost model.
/// Less is better.
///
/// Extensions return `false` if they break the limit.
pub trait Resource {
    /// `bool` for a single resource, [`Counted`] for all together.
    type Counted;

    /// Returns whether the resource matters for a decision. If not, it stays 0.
    fn counted(instance: &Instance, period_s: f64, limits: &Limits, goal: Goal) -> Self::Counted;

    /// Returns what is consumed when the input has reached the first host.
    fn begin(within: &Within<'_>, host: Host) -> Self;

    /// Extends the walk by a stage. If this breaks the limit, every longer stage breaks it too.
    fn stage(&mut self, within: &Within<'_>, stage: &Stage) -> bool;

    /// Extends the walk by a hop of `hop_s` seconds from the host where a stage has ended.
    #[inline]
    fn hop(&mut self, _within: &Within<'_>, _hop: &Hop) -> bool {
        true
    }

    /// Extends the walk by the last stage and the transfer of the output.
    fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        self.stage(within, stage)
    }

    /// Returns `false` if the completion bound proves that the limit cannot be kept.
    fn admits(&self, within: &Within<'_>, start: &Start) -> bool;

    /// Returns `true` if no more is consumed than in `other`.
    fn no_worse(&self, other: &Self) -> bool;
}

/// A stage with its compute time in seconds.
pub struct Stage {
    pub host: Host,
    pub start: Position,
    pub end: Position,
    pub compute_s: f64,
}

/// A hop at a position with the seconds for which it counts, latencies that only delay it left out.
pub struct Hop {
    pub from: Host,
    pub to: Host,
    pub position: Position,
    pub seconds: f64,
}

/// The start of a stage on a host, in a walk that comes from `before` and has `stages_left` stages, this one included.
pub struct Start {
    pub host: Host,
    pub position: Position,
    pub before: Host,
    pub stages_left: usize,
}

/// The limits on extensions, and the tables of their completion bounds.
pub struct Within<'t> {
    /// The instance.
    pub instance: &'t Instance,
    /// The largest period allowed, in seconds.
    pub period_s: f64,
    /// The other limits.
    pub limits: Limits,
    /// Which resources are counted.
    pub counted: Counted,
    /// Completion bounds of latency and bytes.
    pub completion_bounds: Option<&'t CompletionBounds>,
    /// Completion bounds of loads, if loads are counted.
    pub loads: Option<&'t Loads>,
    /// The bytes that stages ship, if there is a base.
    pub shipping: Option<&'t Shipping>,
    /// The media in play, each with its completion bounds.
    pub occupations: &'t [Occupation],
    /// One of them again with prices of hosts, if there are any.
    pub priced: Option<&'t Occupation>,
}

/// Combines all rows into one resource, and declares a record of which of them are counted.
macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident: $Row:ty,)*) => {
        /// All that a partial walk has consumed until a stage starts or ends.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct Resources {
            $($(#[$doc])* pub $name: $Row,)*
        }

        /// Which resources matter for a decision.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Counted {
            $($(#[$doc])* pub $name: bool,)*
        }

        impl Resource for Resources {
            type Counted = Counted;

            fn counted(instance: &Instance, period_s: f64, limits: &Limits, goal: Goal) -> Counted {
                Counted { $($name: <$Row>::counted(instance, period_s, limits, goal),)* }
            }

            fn begin(within: &Within<'_>, host: Host) -> Self {
                Self { $($name: <$Row>::begin(within, host),)* }
            }

            #[inline]
            fn stage(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
                $(self.$name.stage(within, stage))&&*
            }

            #[inline]
            fn hop(&mut self, within: &Within<'_>, hop: &Hop) -> bool {
                $(self.$name.hop(within, hop))&&*
            }

            #[inline]
            fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
                $(self.$name.end(within, stage))&&*
            }

            #[inline]
            fn admits(&self, within: &Within<'_>, start: &Start) -> bool {
                $(self.$name.admits(within, start))&&*
            }

            #[inline]
            fn no_worse(&self, other: &Self) -> bool {
                $(self.$name.no_worse(&other.$name))&*
            }
        }
    };
}

resources! {
    /// The load of the walk's last host, and of the source and the sink.
    load: Load,
    /// Seconds since the input left the source.
    latency: Latency,
    /// Bytes shipped to the hosts visited.
    shipped: Shipped,
    /// Seconds for which the walk's last host has occupied its own medium.
    own_medium: OwnMedium,
    /// Seconds for which the media in play are occupied.
    occupied: Occupied,
    /// Seconds for which one of them is occupied, and prices of hosts.
    priced: Priced,
}
