//! Webhooks: the secret that signs their messages, in the format of Standard Webhooks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "whsec_";

/// The type of the only event: a job has ended.
pub const JOB_FINISHED: &str = "job.finished";

/// A secret of 256 random bits. `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WebhookSecret([u8; 32]);

impl WebhookSecret {
    /// Creates the secret with these random bits.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses `whsec_` and base64. Returns `None` if the text is not a secret of this service.
    pub fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?.try_into().ok().map(Self)
    }

    /// Returns the key of the signature.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the whole text, for the receiver.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_is_read_as_it_was_written_and_shows_only_what_is_asked_for() {
        let secret = WebhookSecret::new([7; 32]);
        assert_eq!(secret.reveal(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(WebhookSecret::parse(&secret.reveal()), Some(secret));
        assert_eq!(format!("{secret:?}"), "WebhookSecret");
    }

    proptest! {
        #[test]
        fn no_text_ends_in_a_panic_and_what_is_read_is_what_was_written(text in "(whsec_)?[0-9a-zA-Z+/]{0,44}=?\\PC{0,3}") {
            if let Some(secret) = WebhookSecret::parse(&text) {
                prop_assert_eq!(secret.reveal(), text);
            }
        }
    }
}
