//! Tenants: the owners of models, clusters, jobs, placements and webhooks. A tenant cannot see another's resources.

use serde::Serialize;

/// The largest length of a name, characters.
pub const LONGEST_NAME: usize = 64;

/// The name of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Tenant(String);

impl Tenant {
    /// The tenant of callers without a key and of keys that were created without a tenant.
    pub const DEFAULT_NAME: &'static str = "default";

    /// Parses a name: 1 to 64 lower-case letters, digits, `-` and `_`. Returns `None` for any other text.
    pub fn parse(name: &str) -> Option<Self> {
        let fits = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || matches!(sign, b'-' | b'_');
        let known = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits);
        known.then(|| Self(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self(Self::DEFAULT_NAME.to_owned())
    }
}

impl std::fmt::Display for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_plain_names_are_tenants() {
        assert_eq!(Tenant::parse("roof-2_b").unwrap().as_str(), "roof-2_b");
        assert_eq!(Tenant::parse(Tenant::DEFAULT_NAME), Some(Tenant::default()));
        for name in ["", "Roof", "a b", "é", &"a".repeat(65)] {
            assert_eq!(Tenant::parse(name), None, "{name:?}");
        }
    }
}
