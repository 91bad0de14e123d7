//! The reader's limits on every text, map and number of a request. utoipa's derives cannot express them within lists
//! and maps.

use utoipa::Number;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, ObjectBuilder, Schema, SchemaType, Type};

const LONGEST_TEXT: usize = 256;
/// The range of numbers above 0 (`Reader::positive`).
const LEAST: f64 = 1e-100;
const MOST: f64 = 1e100;

/// Adds the limits to the fields of a request document.
pub(crate) fn bound(document: &mut Object) {
    document.properties.values_mut().for_each(bound_schema);
}

fn bound_schema(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => bound_object(object),
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                bound_schema(items);
            }
        }
        _ => {}
    }
}

fn bound_object(object: &mut Object) {
    match object.schema_type {
        SchemaType::Type(Type::String) if object.enum_values.is_none() && object.max_length.is_none() => {
            (object.min_length, object.max_length) = (Some(1), Some(LONGEST_TEXT));
        }
        SchemaType::Type(Type::Number) => bound_number(object),
        _ => {}
    }
    if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
        bound_schema(values);
        let name = ObjectBuilder::new().schema_type(Type::String);
        let name = name.min_length(Some(1)).max_length(Some(LONGEST_TEXT)).build();
        object.property_names = Some(Box::new(Schema::Object(name)));
    }
}

fn bound_number(number: &mut Object) {
    if number.exclusive_minimum.take().is_some() {
        number.minimum = Some(Number::Float(LEAST));
    }
    if number.minimum.is_none() {
        number.minimum = Some(Number::UInt(0));
    }
    if number.maximum.is_none() && number.exclusive_maximum.is_none() {
        number.maximum = Some(Number::Float(MOST));
    }
}
