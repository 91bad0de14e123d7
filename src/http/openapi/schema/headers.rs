//! The headers of answers: each is described once, and every answer lists its headers.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{Components, Header, Ref, RefOr};

use crate::http::gate::load_shedding::ALWAYS_ANSWERED;

const REQUEST_ID: &str = "x-request-id";
const CHALLENGE: &str = "WWW-Authenticate";
const QUOTA: [&str; 2] = ["RateLimit", "RateLimit-Policy"];

/// Returns the description of every header.
pub(crate) fn describe(components: &mut Components) {
    components.headers.extend(described().map(|(name, header)| (name.to_owned(), RefOr::T(header))));
}

fn described() -> [(&'static str, Header); 11] {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build();
    [
        (
            "Content-Disposition",
            header(
                text(),
                "The name of the file.",
                "inline; filename=\"plc_01931e5d-0a1b-7f24-a6c8-7d8e9f0a1b2c.svg\"",
            ),
        ),
        (
            "Content-Security-Policy",
            header(text(), "A browser that opens the file runs nothing of it.", "default-src 'none'; sandbox"),
        ),
        ("X-Content-Type-Options", header(text(), "A browser takes the file as what its type says.", "nosniff")),
        ("ETag", header(text(), "The version of the resource, for If-None-Match and If-Match.", "\"3\"")),
        ("Location", header(text(), "The path of the resource.", "/v1/jobs/job_01931e5c-b7c8-7e03-8f5a-1b2c3d4e5f60")),
        (
            "Preference-Applied",
            header(
                text(),
                "The longest time that the answer waited for, as requested with `Prefer`; absent without a wait.",
                "wait=10",
            ),
        ),
        (
            "RateLimit",
            header(text(), "Each quota and how much of it is free, as structured fields.", "\"requests\";r=511"),
        ),
        (
            "RateLimit-Policy",
            header(text(), "Each quota and what it counts.", "\"requests\";q=512;qu=\"concurrent-requests\""),
        ),
        (CHALLENGE, header(text(), "The kind of key that is required (RFC 6750).", "Bearer realm=\"cutpoint\"")),
        ("Retry-After", header(seconds, "Seconds after which to retry.", 1)),
        (
            REQUEST_ID,
            header(
                text(),
                "The request's id: the one that the client sent, or a new one.",
                "01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90",
            ),
        ),
    ]
}

fn header(schema: Object, description: &str, example: impl Into<serde_json::Value>) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).example(Some(example.into())).build()
}

/// Adds the headers to an operation's answers: those that its handler names, and those that middleware sets.
pub(crate) fn list(path: &str, operation: &mut Operation) {
    let may_wait = operation
        .parameters
        .iter()
        .flatten()
        .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "Prefer"));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let is_success = status.starts_with(['2', '3']);
        let mut names = vec![REQUEST_ID];
        if !ALWAYS_ANSWERED.contains(&path) {
            names.extend(QUOTA);
        }
        if is_success && may_wait {
            names.push("Preference-Applied");
        }
        match status.as_str() {
            "304" => names.push("ETag"),
            "401" | "403" => names.push(CHALLENGE),
            _ => {}
        }
        refer(response, &names);
    }
}

fn refer(response: &mut Response, names: &[&str]) {
    let named: Vec<String> = response.headers.keys().cloned().collect();
    for name in named.iter().map(String::as_str).chain(names.iter().copied()) {
        response.headers.insert(name.to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
    }
}
