//! Scopes: what a key allows.

use serde::Serialize;

/// What a key allows. Each scope includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To read the tenant's resources.
    Read,
    /// To register models and clusters, to plan, and to stop jobs.
    Plan,
    /// To delete, and to manage webhooks.
    Admin,
}

impl Scope {
    /// Every scope, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Plan, Self::Admin];

    /// Returns the scope's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Plan => "plan",
            Self::Admin => "admin",
        }
    }

    /// Returns `true` if this scope includes `needed`.
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_itself_and_what_stands_before_it() {
        let allowed = Scope::ALL.map(|held| Scope::ALL.map(|needed| held.allows(needed)));
        assert_eq!(allowed, [[true, false, false], [true, true, false], [true, true, true]]);
    }
}
