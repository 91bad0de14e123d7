//! No change of the OpenAPI document breaks a client, unless the version says so: a check against the last committed
//! document, and tests of the check.

mod breaking;

use std::path::Path;
use std::process::Command;

use self::breaking::{breaks, may_break};
use cutpoint::http;
use serde_json::{Value, json};

/// What git answers; it must, where there is a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !folder.join(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(arguments).current_dir(folder).output().expect("git must be installed");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The document as clients have it: that of the release before while this version is not released, else that of the last
/// commit, or of the one before where nothing has changed since.
fn before() -> Option<Value> {
    let commits = git(&["log", "--format=%H", "--", "openapi/openapi.json"])?;
    let texts = commits.lines().filter_map(|commit| git(&["show", &format!("{commit}:./openapi/openapi.json")]));
    let changed = texts.filter(|text| *text != http::openapi_json());
    let mut documents = changed.map(|text| serde_json::from_str::<Value>(&text).unwrap());
    let (version, changelog) = (env!("CARGO_PKG_VERSION"), include_str!("../../../CHANGELOG.md"));
    if changelog.contains(&format!("## [{version}] - unreleased")) {
        return documents.find(|document| document["info"]["version"] != version);
    }
    documents.next()
}

#[test]
fn the_document_breaks_no_client() {
    let Some(before) = before() else {
        return eprintln!("nothing to compare with: no repository, or one that does not go back far enough");
    };
    let after: Value = serde_json::from_str(&http::openapi_json()).unwrap();
    let broken = breaks(&before, &after);
    let allowed = may_break(before["info"]["version"].as_str().unwrap(), after["info"]["version"].as_str().unwrap());
    assert!(allowed || broken.is_empty(), "raise the version, or take back:\n  {}", broken.join("\n  "));
}

fn document() -> Value {
    json!({
        "paths": {"/a": {
            "get": {"parameters": [{"name": "q", "in": "query", "required": false, "schema": {"type": "string"}}],
                "responses": {"404": {}, "200": {"headers": {"ETag": {}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Out"}}}}}},
            "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}},
                "responses": {"200": {}}}}},
        "webhooks": {"a.ended": {"post": {"responses": {}}}},
        "components": {"schemas": {
            "In": {"type": "object", "required": ["a"], "additionalProperties": true, "properties": {
                "a": {"type": "integer", "minimum": 0, "maximum": 9}, "b": {"type": "string", "enum": ["x", "y"]},
                "c": {"type": "array", "items": {"type": "number"}}}},
            "Out": {"type": "object", "required": ["d"], "properties": {"d": {"type": "number"}, "e": {"type": "string"}}}
        }}
    })
}

/// What a change at a place breaks; `Null` takes the place away.
fn broken_by(pointer: &str, value: Value) -> Vec<String> {
    let mut after = document();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = after.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let name = name.replace("~1", "/");
    if value.is_null() {
        drop(parent.remove(&name))
    } else {
        drop(parent.insert(name, value))
    }
    breaks(&document(), &after)
}

#[test]
fn what_clients_rely_on_may_not_change() {
    let inner = "/components/schemas/In/properties";
    let outer = "/components/schemas/Out";
    let cases = [
        ("/paths/~1a", Value::Null),
        ("/webhooks/a.ended", Value::Null),
        ("/paths/~1a/get", Value::Null),
        ("/paths/~1a/get/parameters", json!([])),
        ("/paths/~1a/get/responses/200", Value::Null),
        ("/paths/~1a/get/responses/200/headers/ETag", Value::Null),
        ("/components/schemas/In", Value::Null),
        ("/components/schemas/In/properties/b", Value::Null),
        ("/components/schemas/Out/properties/e", Value::Null),
        ("/components/schemas/In/required", json!(["a", "b"])),
        ("/components/schemas/In/additionalProperties", json!(false)),
        (&format!("{inner}/b/enum"), json!(["x"])),
        (&format!("{inner}/b/maxLength"), json!(3)),
        (&format!("{inner}/a/type"), json!("string")),
        (&format!("{inner}/a/minimum"), json!(1)),
        (&format!("{inner}/a/maximum"), json!(8)),
        (&format!("{inner}/c/items"), json!({"type": "integer"})),
        (&format!("{outer}/required"), json!([])),
        (&format!("{outer}/properties/d"), json!({"type": "string"})),
    ];
    for (pointer, value) in cases {
        let broken = broken_by(pointer, value.clone());
        assert_eq!(broken.len(), 1, "{pointer} {value}: {broken:?}");
    }
    let required = json!([{"name": "q", "in": "query", "required": true, "schema": {"type": "string"}}]);
    assert_eq!(broken_by("/paths/~1a/get/parameters", required).len(), 1);
    let added = json!([{"name": "q", "in": "query", "schema": {"type": "string"}}, {"name": "r", "in": "query", "required": true}]);
    assert_eq!(broken_by("/paths/~1a/get/parameters", added).len(), 1);
}

#[test]
fn what_is_new_breaks_nothing() {
    let inner = "/components/schemas/In/properties";
    let cases = [
        ("/webhooks/b.ended", json!({"post": {"responses": {}}})),
        ("/paths/~1b", json!({"get": {"responses": {}}})),
        ("/paths/~1a/delete", json!({"responses": {}})),
        ("/paths/~1a/get/responses/503", json!({})),
        ("/paths/~1a/get/responses/200/headers/Location", json!({})),
        ("/components/schemas/New", json!({"type": "object", "required": ["x"]})),
        (&format!("{inner}/n"), json!({"type": "string"})),
        (&format!("{inner}/a/type"), json!("number")),
        (&format!("{inner}/a/minimum"), Value::Null),
        (&format!("{inner}/a/maximum"), json!(10)),
        (&format!("{inner}/b/enum"), json!(["x", "y", "z"])),
        (&format!("{inner}/a/description"), json!("words")),
        ("/components/schemas/In/required", json!([])),
        ("/components/schemas/Out/required", json!(["d", "e"])),
        ("/components/schemas/Out/properties/d/minimum", json!(0)),
    ];
    assert_eq!(breaks(&document(), &document()), [""; 0]);
    for (pointer, value) in cases {
        assert_eq!(broken_by(pointer, value.clone()), [""; 0], "{pointer} {value}");
    }
}

#[test]
fn only_a_version_that_says_so_may_break() {
    for (before, after, allowed) in [
        ("0.1.0", "0.1.1", false),
        ("0.1.0", "0.2.0", true),
        ("1.2.0", "1.3.0", false),
        ("1.2.0", "2.0.0", true),
        ("1.2.0", "1.2.0", false),
    ] {
        assert_eq!(may_break(before, after), allowed, "{before} {after}");
    }
}
