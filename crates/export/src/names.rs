//! Names that every target takes, made of any text: labels of the domain name system (RFC 1123) that begin with a letter.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::error::ExportError;

/// The most characters of a label.
pub(crate) const LONGEST_LABEL: usize = 63;

/// Returns a label of at most so many characters. A text that is one stays as it is; another gets six hexadecimal digits
/// of its hash, so that texts that become alike stay apart.
pub(crate) fn label(text: &str, longest: usize) -> String {
    if is_label(text, longest) {
        return text.to_owned();
    }
    let hash = Sha256::digest(text.as_bytes());
    let ending: String = hash.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    let mut name = String::new();
    for sign in text.chars() {
        match sign.to_ascii_lowercase() {
            sign if sign.is_ascii_alphanumeric() => name.push(sign),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
        if name.len() > longest - ending.len() - 2 {
            break;
        }
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.insert(0, 'n');
    }
    name.truncate(longest - ending.len() - 1);
    format!("{}-{ending}", name.trim_end_matches('-'))
}

/// Returns a label that is not among those taken, and takes it.
pub(crate) fn unique_label(text: &str, longest: usize, taken: &mut BTreeSet<String>) -> String {
    let mut name = label(text, longest);
    let mut count = 1_u32;
    while !taken.insert(name.clone()) {
        count += 1;
        name = label(&format!("{text} {count}"), longest);
    }
    name
}

/// Returns a name that a person chose, if the target takes it.
pub(crate) fn chosen(what: &'static str, name: &str, longest: usize) -> Result<String, ExportError> {
    if is_label(name, longest) {
        return Ok(name.to_owned());
    }
    Err(ExportError::Name { what, name: name.to_owned(), longest })
}

/// Returns `true` if a text is a label that begins with a letter, as names of services of Kubernetes do (RFC 1035).
pub(crate) fn is_label(text: &str, longest: usize) -> bool {
    let inner = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'-';
    text.len() <= longest
        && text.bytes().all(inner)
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
}

/// Returns `true` if a text can be the value of a label of Kubernetes.
pub(crate) fn is_label_value(text: &str) -> bool {
    let is_end = |sign: Option<char>| sign.is_none_or(|sign| sign.is_ascii_alphanumeric());
    text.len() <= LONGEST_LABEL
        && text.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_.".contains(sign))
        && is_end(text.chars().next())
        && is_end(text.chars().next_back())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_texts_become_labels() {
        assert_eq!(label("pi-4", 63), "pi-4");
        assert!(label("A_b", 63).starts_with("a-b-"));
        assert!(label("Küche 2", 63).starts_with("k-che-2-"));
        assert!(label("", 63).starts_with("n-"));
        assert!(label("../../etc", 63).starts_with("etc-"));
        assert_eq!(label(&"x".repeat(300), 63).len(), 63);
        assert_ne!(label("A_b", 63), label("A b", 63));
    }

    #[test]
    fn what_collapses_is_told_apart() {
        let mut taken = BTreeSet::new();
        let names = ["a", "a", "a", "A"].map(|text| unique_label(text, 10, &mut taken));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 4, "{names:?}");
        assert!(names.iter().all(|name| is_label(name, 10)), "{names:?}");
    }

    #[test]
    fn values_of_labels_are_told_from_others() {
        for text in ["", "a", "A_b", "pi-1.local", &"x".repeat(63)] {
            assert!(is_label_value(text), "{text}");
        }
        for text in ["-a", "a.", "ü", "a b", &"x".repeat(64)] {
            assert!(!is_label_value(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_texts_become_valid_and_unique_names(texts in prop::collection::vec("\\PC{0,80}", 1..12), longest in 10_usize..64) {
            let mut taken = BTreeSet::new();
            for text in &texts {
                let name = unique_label(text, longest, &mut taken);
                prop_assert!(is_label(&name, longest), "{:?} became {:?}", text, name);
            }
            prop_assert_eq!(taken.len(), texts.len());
        }
    }
}
