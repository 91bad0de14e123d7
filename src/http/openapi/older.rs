//! Converts the OpenAPI document to version 3.0.3, for generators that do not support 3.1.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// Returns the text of the document as version 3.0.3.
pub fn openapi_3_0_json(document: &OpenApi) -> String {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    downgrade(&mut document);
    // The document consists of texts, numbers and maps with text keys, so serialising it cannot fail.
    let mut text = serde_json::to_string_pretty(&document).expect("the document is JSON");
    text.push('\n');
    text
}

fn downgrade(document: &mut Value) {
    document["openapi"] = json!("3.0.3");
    // OpenAPI 3.0 has no webhooks. The schemas of their messages stay.
    document.as_object_mut().and_then(|members| members.remove("webhooks"));
    if let Some(license) = document.pointer_mut("/info/license").and_then(Value::as_object_mut) {
        license.remove("identifier");
    }
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        schemas.values_mut().for_each(downgrade_schema);
    }
    if let Some(paths) = document.get_mut("paths") {
        drop_scopes(paths);
        keep_one_body(paths);
        downgrade_below(paths);
    }
}

/// Removes scopes from security requirements. OpenAPI 3.0 allows them only for OAuth 2 and OpenID Connect.
fn drop_scopes(paths: &mut Value) {
    let operations = paths.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut);
    for operation in operations.flat_map(Map::values_mut) {
        let requirements = operation.get_mut("security").and_then(Value::as_array_mut).into_iter().flatten();
        for scopes in requirements.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
            *scopes = json!([]);
        }
    }
}

/// Keeps one media type of bodies that are a file or several: most generators for OpenAPI 3.0 take no more.
fn keep_one_body(paths: &mut Value) {
    let operations = paths.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut);
    for operation in operations.flat_map(Map::values_mut) {
        if let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut)
            && content.len() > 1
        {
            content.remove("multipart/form-data");
        }
    }
}

/// Converts the schemas within a part of the document that is not a schema itself. Examples are skipped.
fn downgrade_below(part: &mut Value) {
    match part {
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "schema" => downgrade_schema(member),
                    "example" | "examples" => {}
                    _ => downgrade_below(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(downgrade_below),
        _ => {}
    }
}

fn downgrade_schema(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    map.remove("propertyNames");
    exclusive(map, "exclusiveMinimum", "minimum");
    exclusive(map, "exclusiveMaximum", "maximum");
    if let Some(value) = map.remove("const") {
        map.insert("enum".to_owned(), json!([value]));
    }
    // OpenAPI 3.0 ignores all members next to a reference.
    if let Some(reference) = map.get("$ref").cloned()
        && map.len() > 1
    {
        map.clear();
        map.insert("$ref".to_owned(), reference);
    }
    for name in ["items", "additionalProperties", "not"] {
        if let Some(inner) = map.get_mut(name) {
            downgrade_schema(inner);
        }
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(downgrade_schema);
    }
    for name in ["oneOf", "anyOf", "allOf"] {
        if let Some(Value::Array(items)) = map.get_mut(name) {
            items.iter_mut().for_each(downgrade_schema);
        }
    }
}

/// Converts an exclusive limit: a number in 3.1, and a Boolean in addition to the limit in 3.0.
fn exclusive(map: &mut Map<String, Value>, exclusive: &str, limit: &str) {
    if let Some(number) = map.get(exclusive).filter(|value| value.is_number()).cloned() {
        map.insert(limit.to_owned(), number);
        map.insert(exclusive.to_owned(), json!(true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_words_say_the_same() {
        let mut document = json!({
            "openapi": "3.1.0", "info": {"license": {"name": "MIT", "identifier": "MIT"}},
            "paths": {"/a": {"get": {"security": [{"key": ["read"]}], "parameters": [{"schema": {"type": "number", "exclusiveMinimum": 0}}],
                "responses": {"200": {"content": {"x": {"example": {"schema": {"const": 1}}}}}}}}},
            "components": {"schemas": {"A": {
                "properties": {"const": {"const": "a"}, "b": {"$ref": "#/x", "description": "b"}},
                "propertyNames": {"type": "string"}, "additionalProperties": {"type": "number", "exclusiveMaximum": 1}
            }}}
        });
        downgrade(&mut document);
        let wanted = json!({
            "openapi": "3.0.3", "info": {"license": {"name": "MIT"}},
            "paths": {"/a": {"get": {"security": [{"key": []}],
                "parameters": [{"schema": {"type": "number", "minimum": 0, "exclusiveMinimum": true}}],
                "responses": {"200": {"content": {"x": {"example": {"schema": {"const": 1}}}}}}}}},
            "components": {"schemas": {"A": {
                "properties": {"const": {"enum": ["a"]}, "b": {"$ref": "#/x"}},
                "additionalProperties": {"type": "number", "maximum": 1, "exclusiveMaximum": true}
            }}}
        });
        assert_eq!(document, wanted);
    }
}
