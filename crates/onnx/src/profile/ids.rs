//! Ids of layers: the names of tensors, made valid and unique.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The most characters of an id.
const MOST_CHARACTERS: usize = 256;

/// Returns `true` if a name can stand in a profile as it is.
pub(super) fn fits(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= MOST_CHARACTERS && !name.contains(char::is_control)
}

/// Gives out ids. The same names in the same order get the same ids.
#[derive(Default)]
pub(super) struct Ids {
    taken: BTreeSet<Arc<str>>,
    /// How many ids had to be made unique. Each number is tried once, so that equal names take
    /// constant time each.
    repeated: u64,
}

impl Ids {
    /// Returns an id like a name: without control characters, 1 to 256 characters long, and other
    /// than all before.
    pub(super) fn id(&mut self, name: &str) -> Arc<str> {
        let clean = |character: char| if character.is_control() { '_' } else { character };
        let mut base: String = name.chars().take(MOST_CHARACTERS).map(clean).collect();
        if base.is_empty() {
            base.push_str("unnamed");
        }
        let mut id = base.clone();
        while self.taken.contains(id.as_str()) {
            self.repeated += 1;
            let suffix = format!("~{}", self.repeated);
            id = base.chars().take(MOST_CHARACTERS - suffix.len()).chain(suffix.chars()).collect();
        }
        let id: Arc<str> = id.into();
        self.taken.insert(Arc::clone(&id));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_valid() {
        let mut ids = Ids::default();
        let long = "ü".repeat(300);
        let names = ["a", "a", "", "", "a~1", long.as_str(), long.as_str(), "x\ny"];
        let given: Vec<Arc<str>> = names.iter().map(|name| ids.id(name)).collect();
        assert_eq!(
            given[..5].iter().map(|id| &**id).collect::<Vec<_>>(),
            ["a", "a~1", "unnamed", "unnamed~2", "a~1~3"]
        );
        assert_eq!(&*given[7], "x_y");
        assert!(given.iter().all(|id| (1..=256).contains(&id.chars().count())));
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
