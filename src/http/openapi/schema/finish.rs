//! The last pass over the OpenAPI document. It closes the schemas of requests and adds examples, key scopes, headers
//! and links to the operations.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, RefOr};

use super::{files, headers, limits, links, messages, parameters, sample};

/// Completes the document that utoipa generated.
pub fn finish(api: &mut OpenApi) {
    close_requests(api);
    describe_keys(api);
    if let Some(components) = &mut api.components {
        headers::describe(components);
    }
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item) {
            give_examples(operation);
            if let Some(components) = &mut api.components {
                files::describe(operation, components);
            }
            parameters::narrow(operation);
            headers::list(path, operation);
            links::lead_on(operation);
        }
    }
    let mut messages = messages::messages();
    messages.paths.values_mut().flat_map(operations).for_each(give_examples);
    api.webhooks = Some(messages);
}

/// Defines the security scheme, and adds the scopes to the descriptions of operations, since most tools show only
/// these.
fn describe_keys(api: &mut OpenApi) {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "A key that `cutpoint key create` made. A service on loopback needs none until the first one is made.",
    ));
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("key", SecurityScheme::Http(scheme.build()));
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        if let Some(scope) = scope_of(operation) {
            let words = format!("It needs a key with the scope `{scope}`.");
            let description = operation.description.take().map(|text| format!("{text}\n\n{words}"));
            operation.description = Some(description.unwrap_or(words));
        }
    }
}

fn scope_of(operation: &Operation) -> Option<String> {
    let requirement = serde_json::to_value(operation.security.as_ref()?.first()?).ok()?;
    requirement["key"][0].as_str().map(str::to_owned)
}

/// Returns every operation of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// Closes the schemas of everything that a request can contain, since the reader refuses unknown fields.
fn close_requests(api: &mut OpenApi) {
    let bodies =
        api.paths.paths.values_mut().flat_map(operations).filter_map(|operation| match &operation.request_body {
            Some(RefOr::T(body)) => Some(body.content.values().filter_map(schema_name).collect::<Vec<String>>()),
            _ => None,
        });
    let mut to_visit: Vec<String> = bodies.flatten().collect();
    let mut visited = BTreeSet::new();
    let Some(components) = &mut api.components else { return };
    while let Some(name) = to_visit.pop() {
        let Some(schema) = components.schemas.get_mut(&name) else { continue };
        // Runners measure more than is compared with a plan, and stages.json has what exports pass on unread.
        let is_open = ["Measure", "Cut"].iter().any(|prefix| name.starts_with(prefix));
        if !visited.insert(name) {
            continue;
        }
        if let RefOr::T(Schema::Object(object)) = schema
            && !object.properties.is_empty()
        {
            if !is_open {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
            limits::bound(object);
        }
        to_visit.extend(references(&serde_json::to_value(schema).unwrap_or_default()));
    }
}

/// Returns the names of the components that a part of the document refers to.
fn references(json: &Value) -> Vec<String> {
    match json {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(address) if key == "$ref" => component_name(address).into_iter().collect(),
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn component_name(address: &str) -> Option<String> {
    address.strip_prefix("#/components/schemas/").map(str::to_owned)
}

fn schema_name(content: &RefOr<Content>) -> Option<String> {
    match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(Ref { ref_location, .. })), .. }) => component_name(ref_location),
        _ => None,
    }
}

fn give_examples(operation: &mut Operation) {
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(give_example);
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.values_mut().for_each(give_example);
        }
    }
}

fn give_example(content: &mut RefOr<Content>) {
    let example = schema_name(content).and_then(|name| sample::of(&name));
    if let RefOr::T(content) = content
        && content.example.is_none()
    {
        content.example = example;
    }
}
