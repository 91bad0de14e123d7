//! Content hashes: how a document is known again.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 (FIPS 180-4) of a value's JSON, in lower-case hexadecimal: 64 characters.
pub fn content_hash(value: &impl Serialize) -> String {
    let mut hasher = Sha256::new();
    // Domain types hold no map with other than text keys and no infinite number: writing them cannot fail.
    let text = serde_json::to_vec(value).expect("domain types are JSON");
    hasher.update(&text);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_hash_is_that_of_the_json() {
        // printf '[1,2]' | sha256sum
        let expected = "49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684";

        assert_eq!(super::content_hash(&[1, 2]), expected);
    }
}
