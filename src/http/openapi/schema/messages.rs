//! The messages to webhooks, as the document's `webhooks` (OpenAPI 3.1).

use utoipa::OpenApi;
use utoipa::openapi::Paths;

use crate::http::shapes::webhook::{ClusterMessage, DeploymentMessage, WebhookMessage};

#[derive(OpenApi)]
#[openapi(paths(
    job_finished,
    cluster_changed,
    deployment_proposed,
    deployment_applied,
    deployment_degraded,
    deployment_broken,
    deployment_recovered
))]
struct Messages;

/// Returns the messages by type.
pub(crate) fn messages() -> Paths {
    Messages::openapi().paths
}

/// A job has ended
///
/// The message is sent to each enabled webhook of the job's tenant until the receiver accepts it, at most nine times
/// within a day, always with the same `webhook-id`. It is signed as Standard Webhooks specifies.
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
#[expect(dead_code, reason = "The receiver implements it; this only describes it")]
fn job_finished() {}

/// Describes messages about clusters and deployments, which are sent as those about jobs.
macro_rules! messages {
    ($($(#[doc = $about:literal])+ $name:ident = $path:literal, $body:ident;)+) => {$(
        $(#[doc = $about])+
        #[utoipa::path(
            post, path = $path, tag = "webhooks",
            params(
                ("webhook-id" = String, Header, description = "The message's id, the same at every attempt.",
                    example = "msg_01931e5d-0a1c-7b2d-9c3e-4d5e6f708192"),
                ("webhook-timestamp" = String, Header, description = "When the attempt was made, in seconds since 1970.",
                    example = "1795426200"),
                ("webhook-signature" = String, Header, description = "One signature for each secret that is valid, with a space between.",
                    example = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
            ),
            request_body = $body,
            responses(
                (status = "2XX", description = "The message is taken."),
                (status = 410, description = "Nothing more is wanted: the webhook is disabled."),
                (status = "default", description = "The message is sent again later."),
            )
        )]
        #[expect(dead_code, reason = "The receiver implements it; this only describes it")]
        fn $name() {}
    )+};
}

messages! {
    /// A cluster with deployments has a new revision
    cluster_changed = "cluster.changed", ClusterMessage;
    /// A placement was proposed
    deployment_proposed = "deployment.proposed", DeploymentMessage;
    /// A placement was applied
    deployment_applied = "deployment.applied", DeploymentMessage;
    /// What is applied became slower than its policy allows
    deployment_degraded = "deployment.degraded", DeploymentMessage;
    /// What is applied became invalid
    deployment_broken = "deployment.broken", DeploymentMessage;
    /// What is applied is valid and fast enough again
    deployment_recovered = "deployment.recovered", DeploymentMessage;
}
