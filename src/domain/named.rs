//! Enums whose values have the same names in the database, in JSON and in query parameters.

use cutpoint_planner::domain::placement::{Status, Termination};

use super::scope::Scope;

/// An enum whose values have names.
pub trait Named: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// Returns the name of the value.
    fn name(self) -> &'static str;
}

/// Reads a value by its name, for documents of the store.
///
/// # Errors
/// No value has this name.
pub fn by_name<'de, D: serde::Deserializer<'de>, T: Named>(deserializer: D) -> Result<T, D::Error> {
    let name: String = serde::Deserialize::deserialize(deserializer)?;
    let found = T::ALL.iter().find(|value| value.name() == name);
    found.copied().ok_or_else(|| serde::de::Error::custom(format!("no value has the name {name:?}")))
}

/// Defines an enum with a name for each value, or implements [`Named`] for an existing enum.
macro_rules! named {
    ($(#[$about:meta])* pub enum $list:ident { $($(#[$meaning:meta])* $value:ident = $name:tt,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
        pub enum $list {
            $($(#[$meaning])* #[serde(rename = $name)] $value,)+
        }

        $crate::domain::named::named! { impl $list { $($value = $name,)+ } }
    };
    (impl $list:ident { $($value:ident = $name:tt,)+ }) => {
        impl $crate::domain::named::Named for $list {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }
    };
}

pub(crate) use named;

named! {
    impl Status {
        Optimal = "optimal",
        Feasible = "feasible",
        Infeasible = "infeasible",
        Unknown = "unknown",
    }
}

named! {
    impl Termination {
        Optimal = "optimal",
        Infeasible = "infeasible",
        GapReached = "gap_reached",
        Exhausted = "exhausted",
        TimeLimit = "time_limit",
        Stopped = "stopped",
        Unfinished = "unfinished",
        ByHand = "by_hand",
    }
}

impl Named for Scope {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        Self::name(self)
    }
}
