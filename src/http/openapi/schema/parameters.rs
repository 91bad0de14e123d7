//! The formats of parameters, which parameters of the same name share.

use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use utoipa::Number;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, Object, Schema, SchemaType, Type};

use crate::domain::id::IdKind;

const NUMBER: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

/// Adds the format to every parameter that is parsed strictly.
pub(crate) fn narrow(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        let of_tenant = operation.operation_id.as_deref() == Some("stream_events");
        let pattern = if of_tenant && parameter.name == "Last-Event-ID" {
            Some("^([0-9]{1,19})?$".to_owned())
        } else {
            pattern(parameter)
        };
        let Some(RefOr::T(schema)) = &mut parameter.schema else { continue };
        let Some(value) = value(schema) else { continue };
        if let Some(pattern) = pattern {
            value.pattern = Some(pattern);
        }
        if matches!(value.schema_type, SchemaType::Type(Type::Integer)) && value.maximum.is_none() {
            value.maximum = Some(Number::UInt(MAX_SAFE_INTEGER as usize));
        }
    }
}

fn pattern(parameter: &Parameter) -> Option<String> {
    let is_query = parameter.parameter_in == ParameterIn::Query;
    let is_header = parameter.parameter_in == ParameterIn::Header;
    let id = |kind: IdKind| format!("^{}{NUMBER}$", kind.prefix());
    match parameter.name.as_str() {
        "model_id" if is_query => Some(id(IdKind::Model)),
        "cluster_id" if is_query => Some(id(IdKind::Cluster)),
        "job_id" if is_query => Some(id(IdKind::Job)),
        "base" if is_query => Some(id(IdKind::Placement)),
        "cursor" if is_query => Some("^[A-Za-z0-9_-]+$".to_owned()),
        "dim" if is_query => Some("^.+=[1-9][0-9]{0,8}$".to_owned()),
        "input" if is_query => Some("^.+=([0-9]{1,9}([x,][0-9]{1,9})*)?$".to_owned()),
        "value" if is_query => Some("^.+=-?[0-9]{1,9}(,-?[0-9]{1,9})*$".to_owned()),
        "medium" | "address" if is_query => Some("^[^=]+=".to_owned()),
        "label" if is_query => Some("^[^=]+=".to_owned()),
        "node" if is_query => Some("^[^=]+=[^=]+$".to_owned()),
        "Idempotency-Key" if is_header => Some("^[!-~]{1,255}$".to_owned()),
        "Last-Event-ID" if is_header => Some("^([0-9]{1,19}-(queued|started|incumbent|bound|finished))?$".to_owned()),
        _ => None,
    }
}

/// Returns the schema of a parameter's value, or of its items if it is a list.
fn value(schema: &mut Schema) -> Option<&mut Object> {
    match schema {
        Schema::Object(object) => Some(object),
        Schema::Array(array) => match &mut array.items {
            ArrayItems::RefOrSchema(items) => match items.as_mut() {
                RefOr::T(schema) => value(schema),
                RefOr::Ref(_) => None,
            },
            ArrayItems::False => None,
        },
        _ => None,
    }
}
