//! Links from the answer of an operation to a next operation, with its parameters.

use utoipa::openapi::RefOr;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::Operation;

/// Passes a value of an answer as a parameter of the next operation.
type Given = (&'static str, &'static str);

/// A link from an operation's successful answer to the next operation.
type Lead = (&'static str, &'static str, &'static [Given]);

const ID: Given = ("id", "$response.body#/id");
const FIRST_ID: Given = ("id", "$response.body#/items/0/id");
const FIRST_NAME: Given = ("name", "$response.body#/items/0/name");
const MODEL_ID: Given = ("id", "$response.body#/model_id");
const CLUSTER_ID: Given = ("id", "$response.body#/cluster_id");
const JOB_ID: Given = ("id", "$response.body#/job_id");
const PLACEMENT_ID: Given = ("id", "$response.body#/placement_id");
const VERSION: Given = ("If-Match", "$response.header.ETag");
const FIRST_NODE: Given = ("node", "$response.body#/inventory/nodes/0/id");
const BASE: Given = ("base", "$response.body#/id");
const WEBHOOK_ID: Given = ("id", "$response.body#/webhook/id");
const OF_WEBHOOK: Given = ("id", "$response.body#/items/0/webhook_id");
const FIRST_MESSAGE: Given = ("message_id", "$response.body#/items/0/message_id");
const MEASUREMENT_ID: Given = ("measurement_id", "$response.body#/id");
const OF_FIRST_PLACEMENT: Given = ("id", "$response.body#/items/0/placement_id");
const FIRST_MEASUREMENT: Given = ("measurement_id", "$response.body#/items/0/id");
const FORMAT: Given = ("format", "svg");
/// A value for callers to replace.
const DEVICE_CLASS: Given = ("device_class", "pi-4");
const OF_MODEL: Given = ("model_id", "$response.body#/id");
const ON_CLUSTER: Given = ("cluster_id", "$response.body#/id");

const LEADS: [Lead; 88] = [
    ("create_model", "get_model", &[ID]),
    ("create_model", "delete_model", &[ID]),
    ("create_model", "create_cluster", &[]),
    ("create_model", "create_job", &[]),
    ("create_model", "list_placements", &[OF_MODEL]),
    ("create_model", "add_timings", &[ID, DEVICE_CLASS]),
    ("import_model", "get_model", &[ID]),
    ("import_model", "add_timings", &[ID, DEVICE_CLASS]),
    ("list_models", "get_model", &[FIRST_ID]),
    ("get_model", "list_jobs", &[OF_MODEL]),
    ("get_model", "delete_model", &[ID]),
    ("create_cluster", "get_cluster", &[ID]),
    ("create_cluster", "replace_cluster", &[ID, VERSION]),
    ("create_cluster", "patch_links", &[ID, VERSION]),
    ("create_cluster", "delete_cluster", &[ID]),
    ("create_cluster", "create_job", &[]),
    ("import_cluster", "get_cluster", &[ID]),
    ("list_clusters", "get_cluster", &[FIRST_ID]),
    ("get_cluster", "replace_cluster", &[ID, VERSION]),
    ("get_cluster", "patch_links", &[ID, VERSION]),
    ("get_cluster", "patch_node", &[ID, FIRST_NODE, VERSION]),
    ("get_cluster", "delete_cluster", &[ID]),
    ("get_cluster", "list_placements", &[ON_CLUSTER]),
    ("replace_cluster", "get_cluster", &[ID]),
    ("patch_links", "get_cluster", &[ID]),
    ("patch_node", "get_cluster", &[ID]),
    ("create_job", "get_job", &[ID]),
    ("create_job", "stop_job", &[ID]),
    ("create_job", "get_job_placement", &[ID]),
    ("create_job", "stream_job_events", &[ID]),
    ("create_job", "get_model", &[MODEL_ID]),
    ("create_job", "get_cluster", &[CLUSTER_ID]),
    ("list_jobs", "get_job", &[FIRST_ID]),
    ("get_placement", "export_placement", &[ID, FORMAT]),
    ("get_placement", "export_cut_placement", &[ID, FORMAT]),
    ("get_job", "get_placement", &[PLACEMENT_ID]),
    ("get_job", "get_job_placement", &[ID]),
    ("get_job", "stream_job_events", &[ID]),
    ("get_job", "stop_job", &[ID]),
    ("get_job", "delete_job", &[ID]),
    ("stop_job", "get_job_placement", &[ID]),
    ("stop_job", "delete_job", &[ID]),
    ("create_placement", "get_placement", &[ID]),
    ("create_placement", "get_explanation", &[ID]),
    ("create_placement", "delete_placement", &[ID]),
    ("list_placements", "get_placement", &[FIRST_ID]),
    ("get_placement", "get_explanation", &[ID]),
    ("get_placement", "get_placement_front", &[ID]),
    ("get_placement", "add_measurement", &[ID]),
    ("get_placement", "list_measurements", &[ID]),
    ("add_measurement", "get_measurement", &[PLACEMENT_ID, MEASUREMENT_ID]),
    ("add_measurement", "delete_measurement", &[PLACEMENT_ID, MEASUREMENT_ID]),
    ("add_measurement", "get_explanation", &[PLACEMENT_ID]),
    ("list_measurements", "get_measurement", &[OF_FIRST_PLACEMENT, FIRST_MEASUREMENT]),
    ("get_placement", "get_diff", &[ID, BASE]),
    ("get_placement", "delete_placement", &[ID]),
    ("get_placement", "get_job", &[JOB_ID]),
    ("get_placement", "get_model", &[MODEL_ID]),
    ("get_placement", "get_cluster", &[CLUSTER_ID]),
    ("create_webhook", "get_webhook", &[WEBHOOK_ID]),
    ("create_webhook", "patch_webhook", &[WEBHOOK_ID, VERSION]),
    ("create_webhook", "rotate_webhook_secret", &[WEBHOOK_ID]),
    ("create_webhook", "list_deliveries", &[WEBHOOK_ID]),
    ("create_webhook", "delete_webhook", &[WEBHOOK_ID]),
    ("list_webhooks", "list_deliveries", &[FIRST_ID]),
    ("get_webhook", "patch_webhook", &[ID, VERSION]),
    ("get_webhook", "delete_webhook", &[ID]),
    ("patch_webhook", "get_webhook", &[ID]),
    ("list_deliveries", "resend_delivery", &[OF_WEBHOOK, FIRST_MESSAGE]),
    ("list_webhooks", "get_webhook", &[FIRST_ID]),
    ("list_examples", "get_example", &[FIRST_NAME]),
    ("create_job", "get_placement", &[PLACEMENT_ID]),
    ("create_deployment", "get_deployment", &[ID]),
    ("create_deployment", "patch_deployment", &[ID, VERSION]),
    ("create_deployment", "delete_deployment", &[ID]),
    ("create_deployment", "get_deployment_resilience", &[ID]),
    ("create_deployment", "list_deployment_history", &[ID]),
    ("list_deployments", "get_deployment", &[FIRST_ID]),
    ("get_deployment", "patch_deployment", &[ID, VERSION]),
    ("get_deployment", "apply_deployment", &[ID]),
    ("get_deployment", "delete_deployment", &[ID]),
    ("get_deployment", "get_model", &[MODEL_ID]),
    ("get_deployment", "get_cluster", &[CLUSTER_ID]),
    ("patch_deployment", "get_deployment", &[ID]),
    ("get_cluster", "patch_cluster", &[ID, VERSION]),
    ("get_cluster", "get_cluster_impact", &[ID]),
    ("get_cluster", "record_heartbeats", &[ID]),
    ("get_cluster", "list_heartbeats", &[ID]),
];

/// A link whose body is the whole answer.
const WHOLE: [(&str, &str); 2] = [("get_example", "create_job"), ("get_example", "validate_job")];

/// Adds the links to an operation's successful answers.
pub(crate) fn lead_on(operation: &mut Operation) {
    let Some(id) = operation.operation_id.clone() else { return };
    for (_, next, given) in LEADS.iter().filter(|(from, _, _)| *from == id) {
        let link = given.iter().fold(LinkBuilder::new(), |link, (name, value)| link.parameter(*name, *value));
        add(operation, next, link);
    }
    for (_, next) in WHOLE.iter().filter(|(from, _)| *from == id) {
        add(operation, next, LinkBuilder::new().request_body(Some("$response.body")));
    }
}

fn add(operation: &mut Operation, next: &str, link: LinkBuilder) {
    let link = link.operation_id(next).build();
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            response.links.insert(next.to_owned(), RefOr::T(link.clone()));
        }
    }
}
