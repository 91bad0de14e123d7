//! The resources that labels sum: a table with a row for each, and a file for each row.

mod latency;
mod load;
mod shipped;

pub use self::latency::Latency;
pub use self::load::Load;
pub use self::shipped::Shipped;

use super::completion_bounds::CompletionBounds;
use super::limits::{Goal, Limits};
use super::loads::Loads;
use super::shipping::Shipping;
use crate::index::{Host, Position};
use crate::instance::Instance;

/// A resource that a partial walk consumes, summed forwards exactly as in the cost model. Less is better.
///
/// An extension returns `false` if it breaks the limit.
pub trait Resource {
    /// `bool`, but for the table as a whole.
    type Counted;

    /// Whether the resource decides between two partial walks. Otherwise it stays 0.
    fn counted(instance: &Instance, period_s: f64, limits: &Limits, goal: Goal) -> Self::Counted;

    /// What is consumed when the input has reached the first host.
    fn begin(within: &Within<'_>, host: Host) -> Self;

    /// Extends by a stage. If that breaks the limit, every longer stage breaks it too.
    fn stage(&mut self, within: &Within<'_>, stage: &Stage) -> bool;

    /// Extends by a hop from a host where a stage has ended.
    #[inline]
    fn hop(&mut self, _within: &Within<'_>, _from: Host, _hop_s: f64) -> bool {
        true
    }

    /// Extends by the last stage and the output's transfer.
    fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        self.stage(within, stage)
    }

    /// Returns `false` if the completion bound proves that the limit cannot be kept.
    fn admits(&self, within: &Within<'_>, start: &Start) -> bool;

    /// Returns `true` if not more is consumed than in `other`.
    fn no_worse(&self, other: &Self) -> bool;
}

/// A stage with the time that it computes.
pub struct Stage {
    pub host: Host,
    pub start: Position,
    pub end: Position,
    pub compute_s: f64,
}

/// The start of a stage on a host, in a walk that comes from `before` and has `stages_left` stages, this one included.
pub struct Start {
    pub host: Host,
    pub position: Position,
    pub before: Host,
    pub stages_left: usize,
}

/// What extensions must keep to, and the tables of their completion bounds.
pub struct Within<'t> {
    /// The instance.
    pub instance: &'t Instance,
    /// The largest period.
    pub period_s: f64,
    /// The other limits.
    pub limits: Limits,
    /// Which resources count.
    pub counted: Counted,
    /// Completion bounds of what has a limit of its own.
    pub completion_bounds: &'t CompletionBounds,
    /// Completion bounds of loads, where they count.
    pub loads: Option<&'t Loads>,
    /// What stages ship, where there is a base.
    pub shipping: Option<&'t Shipping>,
}

/// Makes one resource of all rows, and a record of which of them count.
macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident: $Row:ty,)*) => {
        /// All that a partial walk has consumed until a stage starts or ends.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct Resources {
            $($(#[$doc])* pub $name: $Row,)*
        }

        /// Which resources decide between two partial walks.
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
            fn hop(&mut self, within: &Within<'_>, from: Host, hop_s: f64) -> bool {
                $(self.$name.hop(within, from, hop_s))&&*
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
    /// The load of the walk's last host, and of the ends that may host a stage.
    load: Load,
    /// Seconds since the input left the source.
    latency: Latency,
    /// Bytes shipped to the hosts visited.
    shipped: Shipped,
}
