//! Content hashes, by which equal documents are recognised.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Returns the SHA-256 (FIPS 180-4) of a value's JSON as 64 lower-case hexadecimal characters.
pub fn content_hash(value: &impl Serialize) -> String {
    text_hash(&json_text(value))
}

/// Returns the SHA-256 of a text as 64 lower-case hexadecimal characters.
pub fn text_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a value's JSON.
pub fn json_text(value: &impl Serialize) -> String {
    // Domain types have only text keys in maps and no infinite numbers, so writing them cannot
    // fail.
    serde_json::to_string(value).expect("domain types are JSON")
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
