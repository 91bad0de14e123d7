//! The OpenAPI document: it is committed as it is generated, and keeps the rules that every client generator needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cutpoint::domain::deployment::{DeploymentOptions, Policy};
use cutpoint::http;
use cutpoint_planner::check::StageProposal;
use cutpoint_planner::domain::base::{BasePipeline, BasePlacement};
use cutpoint_planner::domain::cluster::{ClusterInventory, Link, Node, Position};
use cutpoint_planner::domain::groups::LayerGroup;
use cutpoint_planner::domain::model::{Edge, Layer, ModelProfile};
use cutpoint_planner::domain::network::{AccessPoint, FullMesh, Matrix, Radio, Segment, Station, Topology};
use cutpoint_planner::domain::occupant::{Occupant, OccupiedHop, OccupiedMedium, OccupiedNode};
use cutpoint_planner::domain::options::{
    Colocation, Constraints, CostModel, Objective, Pin, PipelineOptions, SolverOptions,
};
use serde_json::{Map, Value};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

fn document() -> Value {
    serde_json::from_str(&http::openapi_json()).unwrap()
}

/// Every operation under its id.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|item| METHODS.iter().filter_map(|method| item.get(method)));
    operations.map(|operation| (operation["operationId"].as_str().unwrap().to_owned(), operation.clone())).collect()
}

/// Calls `visit` for every object in the document with its place.
fn visit_objects(place: &str, value: &Value, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(place, map);
            for (key, value) in map {
                visit_objects(&format!("{place}/{key}"), value, visit);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                visit_objects(&format!("{place}/{index}"), value, visit);
            }
        }
        _ => {}
    }
}

/// A validator for a piece of the document, whose references it resolves.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn media_types(operation: &Value) -> Vec<(String, Value)> {
    let body = operation.get("requestBody").into_iter();
    let responses = operation["responses"].as_object().unwrap().values();
    let contents = body.chain(responses).filter_map(|part| part.get("content")?.as_object());
    contents.flatten().map(|(name, content)| (name.clone(), content.clone())).collect()
}

#[test]
fn the_committed_documents_are_fresh() {
    let documents = [("openapi.json", http::openapi_json()), ("openapi-3.0.json", http::openapi_3_0_json())];
    let mut stale = Vec::new();
    for (name, document) in documents {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name);
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&fresh, &document).unwrap();
        if std::fs::read_to_string(&path).unwrap_or_default() != document {
            stale.push(format!("{} is stale; {} is what it should be", path.display(), fresh.display()));
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

#[test]
fn the_older_document_has_no_newer_words() {
    let document: Value = serde_json::from_str(&http::openapi_3_0_json()).unwrap();
    assert_eq!(document["openapi"], "3.0.3");
    // Keywords of schemas that only 3.1 knows (OpenAPI 3.0.3, "Schema Object").
    let newer = ["propertyNames", "const", "prefixItems", "patternProperties", "$defs", "identifier", "contains", "if"];
    visit_objects("", &document, &mut |place, map| {
        // A map of properties or of schemas has names, not keywords.
        let names = place.ends_with("/properties") || place.ends_with("/schemas") || place.contains("/example");
        if names {
            return;
        }
        for word in newer {
            assert!(!map.contains_key(word), "{place} has {word}");
        }
        for word in ["exclusiveMinimum", "exclusiveMaximum"] {
            assert!(map.get(word).is_none_or(Value::is_boolean), "{place} has a number as {word}");
        }
        assert!(map.get("type").is_none_or(|kind| !kind.is_array()), "{place} has a list of types");
        assert!(!map.contains_key("$ref") || map.len() == 1, "{place} has words beside a reference");
    });
    let newer: Value = serde_json::from_str(&http::openapi_json()).unwrap();
    let ids = |document: &Value| operations(document).into_iter().map(|(id, _)| id).collect::<Vec<String>>();
    assert_eq!(ids(&document), ids(&newer));
}

#[test]
fn every_operation_has_a_unique_snake_case_id_a_tag_a_summary_and_an_example() {
    let document = document();
    let operations = operations(&document);
    let ids: BTreeSet<&str> = operations.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids.len(), operations.len());
    for (id, operation) in &operations {
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{id}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{id}");
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{id}");
        for (media_type, content) in media_types(operation) {
            // Files of other programs are no JSON.
            let is_file =
                ["application/octet-stream", "multipart/form-data", "application/zip"].contains(&media_type.as_str());
            assert!(is_file || content.get("example").is_some(), "{id}: {media_type} has no example");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{id}: {parameter}");
        }
    }
}

#[test]
fn the_messages_of_webhooks_are_described() {
    let document = document();
    let messages = document["webhooks"].as_object().unwrap();
    let of_deployments = ["applied", "broken", "degraded", "proposed", "recovered"];
    let of_deployments = of_deployments.map(|end| (format!("deployment.{end}"), "DeploymentMessage"));
    let others = [("cluster.changed".to_owned(), "ClusterMessage"), ("job.finished".to_owned(), "WebhookMessage")];
    let wanted: BTreeMap<String, &str> = of_deployments.into_iter().chain(others).collect();
    assert_eq!(messages.keys().collect::<BTreeSet<_>>(), wanted.keys().collect());
    for (name, schema) in wanted {
        let content = &messages[&name]["post"]["requestBody"]["content"]["application/json"];
        assert_eq!(content["schema"]["$ref"], format!("#/components/schemas/{schema}"));
        // A message calls itself what one of its kind is called.
        let of_kind = content["example"]["type"].as_str().unwrap();
        assert_eq!(of_kind.split('.').next(), name.split('.').next());
    }
    let older: Value = serde_json::from_str(&http::openapi_3_0_json()).unwrap();
    assert!(older.get("webhooks").is_none() && older["components"]["schemas"].get("WebhookMessage").is_some());
}

#[test]
fn every_reference_resolves() {
    let document = document();
    visit_objects("", &document, &mut |place, map| {
        if let Some(Value::String(address)) = map.get("$ref") {
            assert!(document.pointer(address.strip_prefix('#').unwrap()).is_some(), "{place}: {address}");
        }
    });
}

#[test]
fn every_example_validates() {
    let document = document();
    let mut examples = 0;
    visit_objects("", &document, &mut |place, map| {
        if let (Some(schema), Some(example)) = (map.get("schema"), map.get("example")) {
            let faults: Vec<String> =
                validator(&document, schema).iter_errors(example).map(|fault| fault.to_string()).collect();
            assert!(faults.is_empty(), "{place}: {faults:?}");
            examples += 1;
        }
    });
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Some(example) = schema.get("example") {
            assert!(validator(&document, schema).is_valid(example), "{name}");
        }
    }
    assert!(examples > 20);
}

#[test]
fn success_answers_of_an_operation_share_a_schema_and_errors_share_problem() {
    for (id, operation) in operations(&document()) {
        let mut schemas = BTreeSet::new();
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{id} {status}");
            if status.starts_with('2') {
                let contents = response["content"].as_object().into_iter().flatten();
                schemas.extend(contents.map(|(_, content)| content["schema"].to_string()));
            } else if status.starts_with(['4', '5']) {
                let media_types: Vec<&String> = response["content"].as_object().unwrap().keys().collect();
                assert_eq!(media_types, ["application/problem+json"], "{id} {status}");
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{id} {status}");
            }
        }
        // An export has the type of its format.
        assert!(schemas.len() <= 1 || id.starts_with("export_"), "{id}: {schemas:?}");
    }
}

/// Whether an operation has a parameter of this place, and of this name where one is given.
fn takes(operation: &Value, place: &str, name: Option<&str>) -> bool {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.any(|parameter| parameter["in"] == place && name.is_none_or(|name| parameter["name"] == name))
}

#[test]
fn every_operation_lists_the_errors_that_its_parts_can_have() {
    // These answer also while the service is overloaded, and know nothing but that the process lives.
    let never_away = ["check_health"];
    for (id, operation) in operations(&document()) {
        let has_body = operation.get("requestBody").is_some();
        let has_input = has_body || operation.get("parameters").is_some();
        let mut wanted = BTreeSet::from(["500"]);
        let causes = [
            (!never_away.contains(&id.as_str()), ["503"].as_slice()),
            (has_input, &["400"]),
            (takes(&operation, "path", None), &["404"]),
            (has_body, &["408", "413", "415"]),
            (takes(&operation, "header", Some("Idempotency-Key")), &["422"]),
            (takes(&operation, "header", Some("If-Match")), &["412"]),
            // A change must name what it changes, a deletion may.
            (has_body && takes(&operation, "header", Some("If-Match")), &["422", "428"]),
        ];
        causes.iter().filter(|(holds, _)| *holds).for_each(|(_, statuses)| wanted.extend(*statuses));
        let listed: BTreeSet<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(wanted.is_subset(&listed), "{id}: {wanted:?} in {listed:?}");
        assert_eq!(takes(&operation, "header", Some("If-None-Match")), listed.contains("304"), "{id}");
    }
}

#[test]
fn every_answer_lists_its_headers_each_described_once() {
    let document = document();
    for (name, header) in document["components"]["headers"].as_object().unwrap() {
        assert!(header["description"].is_string(), "{name}");
        assert!(validator(&document, &header["schema"]).is_valid(&header["example"]), "{name}");
    }
    let always_answered = ["check_health", "check_readiness", "get_metrics"];
    for (id, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let headers: BTreeSet<&str> = response["headers"].as_object().unwrap().keys().map(String::as_str).collect();
            for name in &headers {
                let address = format!("#/components/headers/{name}");
                assert_eq!(response["headers"][name], serde_json::json!({ "$ref": address }), "{id} {status}");
            }
            let may_wait = takes(&operation, "header", Some("Prefer"));
            let causes = [
                (true, "x-request-id"),
                (!always_answered.contains(&id.as_str()), "RateLimit"),
                (!always_answered.contains(&id.as_str()), "RateLimit-Policy"),
                (status == "503" || status == "429", "Retry-After"),
                (status == "401" || status == "403", "WWW-Authenticate"),
                (status == "201" || status == "202", "Location"),
                (status == "304", "ETag"),
                (may_wait && status.starts_with('2'), "Preference-Applied"),
            ];
            for (_, name) in causes.iter().filter(|(holds, _)| *holds) {
                assert!(headers.contains(name), "{id} {status}: {name}");
            }
        }
    }
}

#[test]
fn every_link_leads_to_an_operation_and_gives_what_it_takes() {
    let document = document();
    let operations: BTreeMap<String, Value> = operations(&document).into_iter().collect();
    let mut led_to = BTreeSet::new();
    for (id, operation) in &operations {
        for response in operation["responses"].as_object().unwrap().values() {
            for link in response["links"].as_object().into_iter().flatten().map(|(_, link)| link) {
                let next = link["operationId"].as_str().unwrap();
                let given = link["parameters"].as_object().cloned().unwrap_or_default();
                let known = operations[next]["parameters"].as_array().cloned().unwrap_or_default();
                for name in given.keys() {
                    assert!(known.iter().any(|parameter| parameter["name"] == *name), "{id} to {next}: {name}");
                }
                for parameter in known.iter().filter(|parameter| parameter["required"] == true) {
                    assert!(given.contains_key(parameter["name"].as_str().unwrap()), "{id} to {next}: {parameter}");
                }
                led_to.insert(next);
            }
        }
    }
    // What takes an id is found from the answers; the types of problem are named by every problem.
    for (id, operation) in operations.iter().filter(|(_, operation)| takes(operation, "path", None)) {
        assert!(led_to.contains(id.as_str()) || id == "get_problem", "nothing leads to {id}: {operation}");
    }
}

#[test]
fn there_are_no_nulls_tuples_generics_or_inline_objects() {
    let document = document();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name} is the name of a generic schema");
    }
    visit_objects("", &document, &mut |place, map| {
        if place.contains("/example") {
            return;
        }
        let of_type = map.get("type").map(Value::to_string).unwrap_or_default();
        assert!(!of_type.contains("null"), "{place} may be null");
        assert!(!map.contains_key("prefixItems"), "{place} is a tuple");
        let is_component = place.matches('/').count() == 3 && place.starts_with("/components/schemas/");
        let has_members = map.get("properties").is_some_and(Value::is_object);
        // A property may itself be called `properties`: its parent then holds schemas, not a schema.
        assert!(is_component || !has_members, "{place} is an inline object");
        for union in ["oneOf", "anyOf", "allOf"] {
            let is_union = map.contains_key(union);
            assert!(
                !is_union || is_component && map.contains_key("discriminator"),
                "{place} is an undiscriminated union"
            );
        }
    });
}

#[test]
fn unions_are_told_apart_by_one_value_of_kind() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let unions: Vec<(&String, &Value)> = schemas.iter().filter(|(_, schema)| schema.get("oneOf").is_some()).collect();
    assert_eq!(unions.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Network", "Objective"]);
    for (name, union) in unions {
        assert_eq!(union["discriminator"]["propertyName"], "kind", "{name}");
        let mapping = union["discriminator"]["mapping"].as_object().unwrap();
        let members: BTreeSet<&str> =
            union["oneOf"].as_array().unwrap().iter().map(|item| item["$ref"].as_str().unwrap()).collect();
        assert_eq!(members, mapping.values().map(|address| address.as_str().unwrap()).collect());
        for (kind, address) in mapping {
            let member = document.pointer(address.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
            assert_eq!(member["properties"]["kind"]["enum"], serde_json::json!([kind]), "{name}");
            assert!(member["required"].as_array().unwrap().contains(&"kind".into()), "{name}");
        }
    }
}

#[test]
fn request_schemas_have_the_fields_that_the_readers_know_and_no_others() {
    let documents: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("ModelProfile", ModelProfile::FIELDS.as_slice()),
        ("Layer", &Layer::FIELDS),
        ("Edge", &Edge::FIELDS),
        ("LayerGroup", &LayerGroup::FIELDS),
        ("ClusterInventory", &ClusterInventory::FIELDS),
        ("Node", &Node::FIELDS),
        ("Position", &Position::FIELDS),
        ("Link", &Link::FIELDS),
        ("FullMeshNetwork", &FullMesh::FIELDS),
        ("RadioNetwork", &Radio::FIELDS),
        ("MatrixNetwork", &Matrix::FIELDS),
        ("AccessPointNetwork", &AccessPoint::FIELDS),
        ("Station", &Station::FIELDS),
        ("TopologyNetwork", &Topology::FIELDS),
        ("Segment", &Segment::FIELDS),
        ("MaxThroughputObjective", &["kind"]),
        ("MinLatencyObjective", &["kind"]),
        ("TradeoffObjective", &["kind"]),
        ("MinNodesObjective", &Objective::FIELDS),
        ("Constraints", &Constraints::FIELDS),
        ("Pin", &Pin::FIELDS),
        ("Colocation", &Colocation::FIELDS),
        ("BasePlacement", &BasePlacement::FIELDS),
        ("BasePipeline", &BasePipeline::FIELDS),
        ("Occupant", &Occupant::FIELDS),
        ("OccupiedNode", &OccupiedNode::FIELDS),
        ("OccupiedHop", &OccupiedHop::FIELDS),
        ("OccupiedMedium", &OccupiedMedium::FIELDS),
        ("CostModel", &CostModel::FIELDS),
        ("SolverOptions", &SolverOptions::FIELDS),
        ("PipelineOptions", &PipelineOptions::FIELDS),
        ("NodePatch", http::NodePatch::FIELDS),
        ("LinksPatch", http::LinksPatch::FIELDS),
        ("JobRequest", http::JobRequest::FIELDS),
        ("EvaluationRequest", http::EvaluationRequest::FIELDS),
        ("PlacementRequest", http::PlacementRequest::FIELDS),
        ("StageProposal", &StageProposal::FIELDS),
        ("PipelineProposal", http::PipelineProposal::FIELDS),
        ("WebhookRequest", http::WebhookRequest::FIELDS),
        ("WebhookPatch", http::WebhookPatch::FIELDS),
        ("ClusterPatch", http::ClusterPatch::FIELDS),
        ("NodesChange", http::NodesChange::FIELDS),
        ("NodeUpsert", http::NodeUpsert::FIELDS),
        ("LinksChange", http::LinksChange::FIELDS),
        ("LinkPair", http::LinkPair::FIELDS),
        ("HeartbeatRequest", http::HeartbeatRequest::FIELDS),
        ("DeploymentRequest", http::DeploymentRequest::FIELDS),
        ("DeploymentPatch", http::DeploymentPatch::FIELDS),
        ("DeploymentOptions", DeploymentOptions::FIELDS),
        ("Policy", Policy::FIELDS),
        ("AppliedRequest", http::AppliedRequest::FIELDS),
        ("TogetherRequest", http::TogetherRequest::FIELDS),
    ]);
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, fields) in &documents {
        let schema = &schemas[*name];
        let properties: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(properties, fields.iter().copied().collect(), "{name}");
        assert_eq!(schema["additionalProperties"], false, "{name}");
    }
    let closed = schemas.iter().filter(|(_, schema)| schema["additionalProperties"] == false);
    // These list the parts of bodies with several files.
    let closed = closed.filter(|(name, _)| !["PipeEdgeFiles", "SiteFiles"].contains(&name.as_str()));
    let closed: BTreeSet<&str> = closed.map(|(name, _)| name.as_str()).collect();
    assert_eq!(closed, documents.keys().copied().collect(), "every closed schema is compared with a reader");
}
