//! Tokens of the page's sessions: what a browser keeps in its cookie, and the hash that the service stores.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The token of a session: 256 random bits as 43 characters (base64url, RFC 4648). `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// Creates the token with these random bits.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(secret))
    }

    /// Parses the text of a cookie. Returns `None` if it cannot be a token.
    pub fn parse(text: &str) -> Option<Self> {
        let secret: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self::new(secret)).filter(|token| token.0 == text)
    }

    /// Returns its SHA-256 (FIPS 180-4), hexadecimal: with this many random bits a slow hash would add no protection.
    pub fn hash(&self) -> String {
        Sha256::digest(self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the whole text, for the cookie.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_its_hash_hides_it() {
        let token = SessionToken::new([7; 32]);
        assert_eq!(SessionToken::parse(token.reveal()), Some(token.clone()));
        assert_eq!(token.hash().len(), 64);
        assert!(!format!("{token:?}{}", token.hash()).contains(token.reveal()));
        for wrong in ["", "abc", &format!("{}x", token.reveal()), "ü"] {
            assert_eq!(SessionToken::parse(wrong), None, "{wrong}");
        }
    }
}
