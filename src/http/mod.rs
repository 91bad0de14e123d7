//! HTTP: the router, one file for each resource, and the generated OpenAPI document.

pub mod api;
pub mod compute;
pub mod gate;
pub mod headers;
pub mod json;
pub mod keyring;
pub mod openapi;
mod page;
pub mod placement_cache;
pub mod problem;
pub mod request;
pub mod router;
pub mod routes;
pub mod serve;
pub mod shapes;

pub use api::{Api, Limits};
pub use problem::{Problem, ProblemType};
pub use request::cluster_change::{ClusterPatch, LinkPair, LinksChange, NodeUpsert, NodesChange};
pub use request::deployment_request::{AppliedRequest, DeploymentPatch, DeploymentRequest, TogetherRequest};
pub use request::job_request::JobRequest;
pub use request::proposal::PipelineProposal;
pub use router::{openapi_3_0_json, openapi_document, openapi_json, router};
pub use routes::evaluations::EvaluationRequest;
pub use routes::examples::{Example, ExampleKind, ExampleList};
pub use routes::health::{Health, HealthStatus};
pub use routes::heartbeats::HeartbeatRequest;
pub use routes::links::LinksPatch;
pub use routes::nodes::NodePatch;
pub use routes::placements_by_hand::PlacementRequest;
pub use routes::problems::{ProblemDescription, ProblemList};
pub use routes::validation::JobValidation;
pub use serve::{ConnectionLimits, serve};
pub use shapes::joined::{Cluster, Model, Placement};
pub use shapes::page::{ClusterPage, DeliveryPage, JobPage, ModelPage, PlacementPage, WebhookPage};
pub use shapes::webhook::{Webhook, WebhookMessage, WebhookPatch, WebhookRequest, WebhookWithSecret};
