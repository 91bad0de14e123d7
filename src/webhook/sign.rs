//! Signatures of Standard Webhooks 1.0 (<https://www.standardwebhooks.com>): HMAC-SHA256 over `id.timestamp.payload`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::webhook::WebhookSecret;

/// Header: the message's id, the same at every attempt.
pub const ID: &str = "webhook-id";
/// Header: the time of the attempt, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header: the signatures, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// Returns the value of the header [`SIGNATURE`], with one signature for each secret.
pub fn signatures(secrets: &[WebhookSecret], id: &str, timestamp_s: i64, payload: &str) -> String {
    let signed = secrets.iter().map(|secret| signature(secret, id, timestamp_s, payload));
    signed.collect::<Vec<_>>().join(" ")
}

fn signature(secret: &WebhookSecret, id: &str, timestamp_s: i64, payload: &str) -> String {
    // HMAC takes a key of any length (RFC 2104, section 2).
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("HMAC takes every key");
    mac.update(format!("{id}.{timestamp_s}.").as_bytes());
    mac.update(payload.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;
    use standardwebhooks::Webhook;

    use crate::clock::{Clock, SystemClock};

    fn headers(id: &str, timestamp_s: i64, signatures: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(ID, id), (TIMESTAMP, &timestamp_s.to_string()), (SIGNATURE, signatures)] {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_published_library_signs_the_same() {
        let payload = "{\"type\":\"job.finished\",\"data\":{\"labels\":{\"site\":\"Dächer\"}}}";
        for byte in [0, 7, 255] {
            let secret = WebhookSecret::new([byte; 32]);
            let published = Webhook::new(&secret.reveal()).unwrap();
            let wanted = published.sign("msg_1", 1_767_225_600, payload.as_bytes()).unwrap();
            assert_eq!(signatures(&[secret], "msg_1", 1_767_225_600, payload), wanted);
        }
    }

    #[test]
    fn the_published_library_verifies_with_each_of_two_secrets_and_with_no_other() {
        let (new, old, other) = (WebhookSecret::new([1; 32]), WebhookSecret::new([2; 32]), WebhookSecret::new([3; 32]));
        let timestamp_s = SystemClock::new().now().as_second();
        let signed = signatures(&[new, old], "msg_1", timestamp_s, "{}");
        let verify = |secret: &WebhookSecret, id: &str, payload: &str| {
            let verifier = Webhook::new(&secret.reveal()).unwrap();
            verifier.verify(payload.as_bytes(), &headers(id, timestamp_s, &signed)).is_ok()
        };
        assert!(verify(&new, "msg_1", "{}") && verify(&old, "msg_1", "{}"));
        assert!(!verify(&other, "msg_1", "{}"));
        assert!(!verify(&new, "msg_2", "{}") && !verify(&new, "msg_1", "{ }"));
        let late = headers("msg_1", timestamp_s + 1, &signed);
        assert!(Webhook::new(&new.reveal()).unwrap().verify(b"{}", &late).is_err());
    }
}
