//! What the service sends by itself, as the document's `webhooks` (OpenAPI 3.1).

use utoipa::OpenApi;
use utoipa::openapi::Paths;

use crate::http::shapes::webhook::WebhookMessage;

#[derive(OpenApi)]
#[openapi(paths(job_finished))]
struct Messages;

/// The messages by their types.
pub(crate) fn messages() -> Paths {
    Messages::openapi().paths
}

/// A job has ended
///
/// Sent to each enabled webhook of the job's tenant until the receiver takes it, at the most nine times within a day,
/// always with the same `webhook-id`. Signed as Standard Webhooks says.
#[utoipa::path(
    post, path = "job.finished", tag = "webhooks",
    params(
        ("webhook-id" = String, Header, description = "The message's id, the same at every attempt.",
            example = "msg_01931e5d-0a1c-7b2d-9c3e-4d5e6f708192"),
        ("webhook-timestamp" = String, Header, description = "When the attempt was made, in seconds since 1970.",
            example = "1795426200"),
        ("webhook-signature" = String, Header, description = "One signature for each secret that is valid, with a space between.",
            example = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
    ),
    request_body = WebhookMessage,
    responses(
        (status = "2XX", description = "The message is taken."),
        (status = 410, description = "Nothing more is wanted: the webhook is disabled."),
        (status = "default", description = "The message is sent again later."),
    )
)]
#[expect(dead_code, reason = "It is the receiver's to answer; this describes it")]
fn job_finished() {}
