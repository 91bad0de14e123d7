//! API keys: the text that a caller presents, and the hash that the service stores.
//!
//! A key is `cpk_`, the 32 hexadecimal digits of its id, `_`, and 256 random bits as 43 characters (base64url, RFC
//! 4648). Only the SHA-256 of the whole text is stored. With this many random bits a slow hash would add no protection.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::id::{Id, IdKind};

const PREFIX: &str = "cpk_";
/// Hexadecimal digits of the id.
const ID_DIGITS: usize = 32;

/// The text that a caller presents. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

/// The SHA-256 (FIPS 180-4) of a key's text, which is all that the service stores.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyText {
    /// Creates the key with this id and these random bits.
    pub fn new(uuid: Uuid, secret: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}_{}", uuid.simple(), URL_SAFE_NO_PAD.encode(secret)))
    }

    /// Parses the text that a caller presents. Returns `None` if it cannot be a key.
    pub fn parse(text: &str) -> Option<Self> {
        let key = Self(text.to_owned());
        let (id, secret) = text.strip_prefix(PREFIX)?.split_at_checked(ID_DIGITS)?;
        let uuid = Uuid::try_parse(id).ok()?;
        let secret: [u8; 32] = URL_SAFE_NO_PAD.decode(secret.strip_prefix('_')?).ok()?.try_into().ok()?;
        (Self::new(uuid, secret) == key).then_some(key)
    }

    /// Returns the id, `key_…`, by which the key is listed and revoked.
    pub fn id(&self) -> Id {
        let digits = self.0.get(PREFIX.len()..PREFIX.len() + ID_DIGITS).unwrap_or_default();
        Id::new(IdKind::Key, Uuid::try_parse(digits).unwrap_or_default())
    }

    /// Returns the hash to store.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// Returns the whole text. It is shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for KeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyText({})", self.id())
    }
}

impl KeyHash {
    /// Parses 64 hexadecimal digits.
    pub fn parse(digits: &str) -> Option<Self> {
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        bytes?.try_into().ok().map(Self)
    }

    /// Returns `true` if this is the hash of a key. The comparison takes constant time, so that its duration reveals
    /// nothing.
    pub fn is_of(&self, key: &KeyText) -> bool {
        self.0.ct_eq(&key.hash().0).into()
    }
}

impl std::fmt::Display for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> KeyText {
        KeyText::new(Uuid::from_u128(0x0193_1e5c_9d2f_7c1a_b0c4_2f8d_5e6a_7b90), [7; 32])
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let text = key().reveal().to_owned();
        assert_eq!(text, "cpk_01931e5c9d2f7c1ab0c42f8d5e6a7b90_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
        let read = KeyText::parse(&text).unwrap();
        assert_eq!(read, key());
        assert_eq!(read.id().as_str(), "key_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90");
        assert_eq!(format!("{read:?} {:?}", read.hash()), format!("KeyText({}) KeyHash", read.id()));
    }

    #[test]
    fn only_its_own_text_has_its_hash() {
        let hash = KeyHash::parse(&key().hash().to_string()).unwrap();
        assert!(hash.is_of(&key()));
        assert!(!hash.is_of(&KeyText::new(Uuid::nil(), [7; 32])));
        let mut other = [7; 32];
        other[31] ^= 1;
        assert!(!hash.is_of(&KeyText::new(Uuid::from_u128(1), other)));
        for digits in ["", "ab", &"0".repeat(63), &"g".repeat(64), &"0".repeat(66), "é"] {
            assert!(KeyHash::parse(digits).is_none(), "{digits:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_ends_in_a_panic_and_what_is_read_is_what_was_written(text in "(cpk_)?[0-9a-fA-F]{0,33}_?\\PC{0,50}") {
            if let Some(key) = KeyText::parse(&text) {
                prop_assert_eq!(key.reveal(), text);
            }
        }
    }
}
