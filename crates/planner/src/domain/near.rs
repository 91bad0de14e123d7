//! Names of a list that are spelt nearly as a given one, which may be a typing error.

/// The most edits between two near spellings.
const MOST_EDITS: usize = 2;

/// The most names that are returned for one name.
const MOST_NAMES: usize = 3;

/// The most pairs of letters that are compared in all, which bounds the time for a document with
/// many long names. Beyond that no name is returned.
const MOST_STEPS: usize = 1 << 24;

/// The names that exist.
pub(super) struct NearSpellings<'a> {
    names: Vec<(&'a str, Vec<char>)>,
    steps: usize,
}

impl<'a> NearSpellings<'a> {
    pub(super) fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { names: names.into_iter().map(|name| (name, letters(name))).collect(), steps: 0 }
    }

    /// Returns the names that are spelt nearly as `name`, the nearest first, without regard to case.
    pub(super) fn of(&mut self, name: &str) -> Vec<&'a str> {
        let wanted = letters(name);
        let mut near: Vec<(usize, &str)> = Vec::new();
        for (name, letters) in &self.names {
            // A short name becomes any other short name in few edits.
            let most = MOST_EDITS.min(letters.len().min(wanted.len()) / 2);
            if letters.len().abs_diff(wanted.len()) > most || self.steps > MOST_STEPS {
                continue;
            }
            self.steps += letters.len() * wanted.len();
            let edits = edits(letters, &wanted);
            if edits <= most {
                near.push((edits, name));
            }
        }
        near.sort_by_key(|&(edits, _)| edits);
        near.into_iter().map(|(_, name)| name).take(MOST_NAMES).collect()
    }
}

fn letters(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Returns the number of letters that must be inserted, deleted or replaced to turn one word into
/// the other (Levenshtein 1965).
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, &letter) in a.iter().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (at, &other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_far_ones_not_at_all() {
        let mut near = NearSpellings::new(["raspberry-pi-4", "raspberry-pi-5", "jetson-nano", "pi"]);
        assert_eq!(near.of("raspberry-pi-5"), ["raspberry-pi-5", "raspberry-pi-4"]);
        assert_eq!(near.of("Raspberry-Pi4"), ["raspberry-pi-4", "raspberry-pi-5"]);
        assert_eq!(near.of("jetson_nan"), ["jetson-nano"]);
        assert_eq!(near.of("xy"), [""; 0]);
        assert_eq!(near.of("p"), [""; 0]);
    }

    #[test]
    fn edits_insert_delete_and_replace() {
        let edits = |a: &str, b: &str| edits(&letters(a), &letters(b));
        assert_eq!((edits("", "abc"), edits("abc", ""), edits("abc", "abc")), (3, 3, 0));
        assert_eq!((edits("kitten", "sitting"), edits("sitting", "kitten")), (3, 3));
    }
}
