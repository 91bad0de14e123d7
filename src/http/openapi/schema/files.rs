//! Bodies that are files: their bytes are no text and no list of numbers.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Components, Ref, RefOr};

const ONE: &str = "application/octet-stream";
const ARCHIVE: &str = "application/zip";
const SEVERAL: &str = "multipart/form-data";

/// Says of bodies and answers that are files, and of the parts of one with several, that they are binary.
pub(crate) fn describe(operation: &mut Operation, components: &mut Components) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && let Some(RefOr::T(content)) = response.content.get_mut(ARCHIVE)
        {
            content.schema = Some(binary().into());
        }
    }
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    if let Some(RefOr::T(content)) = body.content.get_mut(ONE) {
        content.schema = Some(binary().into());
    }
    let Some(RefOr::T(parts)) = body.content.get(SEVERAL) else { return };
    let Some(RefOr::Ref(Ref { ref_location, .. })) = &parts.schema else { return };
    let name = ref_location.rsplit('/').next().unwrap_or_default();
    if let Some(RefOr::T(Schema::Object(parts))) = components.schemas.get_mut(name) {
        parts.properties.values_mut().for_each(describe_part);
    }
}

fn describe_part(part: &mut RefOr<Schema>) {
    match part {
        RefOr::T(Schema::Array(files)) => files.items = ArrayItems::RefOrSchema(Box::new(binary().into())),
        RefOr::T(Schema::Object(file)) => {
            let description = std::mem::replace(file, binary()).description;
            file.description = description;
        }
        _ => {}
    }
}

fn binary() -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).build()
}
