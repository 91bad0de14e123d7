//! Tenants: whose a model, a cluster, a job or a placement is. Nobody sees what another tenant has.

use serde::Serialize;

/// The longest name.
pub const LONGEST_NAME: usize = 64;

/// A tenant, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Tenant(String);

impl Tenant {
    /// Whose everything is where nobody names a tenant, and where no key is needed.
    pub const DEFAULT_NAME: &'static str = "default";

    /// Reads a name: 1 to 64 lower-case letters, digits, `-` and `_`; `None` for any other text.
    pub fn parse(name: &str) -> Option<Self> {
        let fits = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || matches!(sign, b'-' | b'_');
        let known = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits);
        known.then(|| Self(name.to_owned()))
    }

    /// The name.
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
