//! `/v1/placements/{id}/export`: a placement as files of an orchestrator, or as a drawing.

use std::io::{Cursor, Write};

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use cutpoint_export::{Documents, Export, ExportError, Format, Options, export};
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::domain::tenant::Tenant;
use crate::http::api::Api;
use crate::http::compute::compute_apart;
use crate::http::gate::caller::MayRead;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, BadParameter, Internal, Invalid, NotFound, Refused, Slow, TooLarge, Unavailable, WrongMedia,
};
use crate::http::request::body::Document;
use crate::http::request::export_request::{ExportParameters, read_export};
use crate::http::request::query::Parameters;
use crate::http::request::stored::found;
use crate::http::routes::placements::placement_id;
use crate::http::shapes::stages::CutStages;

/// An SVG that a browser opens by itself must not run anything.
const SANDBOX: &str = "default-src 'none'; sandbox";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(export_placement, export_cut_placement))
}

/// Export a placement
///
/// Returns the placement as files that start its pipelines, or as a drawing. Equal requests get equal files. The runners read the
/// stages.json that is beside their ONNX files; `POST` gives each its own part of it.
#[utoipa::path(
    get, path = "/v1/placements/{id}/export", tag = "placements", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The placement."), ExportParameters),
    responses(
        (status = 200, description = "The export.",
            headers(("Content-Disposition" = String), ("Content-Security-Policy" = String), ("X-Content-Type-Options" = String)),
            content(
            (String = "application/yaml", example = "kind: Deployment"), (Object = "application/json", example = json!({"Job": {"ID": "resnet50"}})),
            (String = "application/zip"), (String = "text/vnd.graphviz", example = "digraph pipeline {}"),
            (String = "image/svg+xml", example = "<svg width=\"720\" height=\"480\"></svg>"))),
        BadParameter, NotFound, Invalid, Refused, Internal, Unavailable,
    )
)]
async fn export_placement(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    query: Parameters,
) -> Result<Response, Problem> {
    let (format, options) = read_export(query)?;
    exported(&api, &caller.tenant, &id, None, (format, options)).await
}

/// Export a placement with its stages.json
///
/// The body is the stages.json that `cutpoint cut` wrote for the placement. Each runner gets its own stage alone, with the
/// addresses of its neighbours, and the export has the pipeline's token. Nothing is stored.
#[utoipa::path(
    post, path = "/v1/placements/{id}/export", tag = "placements", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The placement."), ExportParameters),
    request_body = CutStages,
    responses(
        (status = 200, description = "The export.",
            headers(("Content-Disposition" = String), ("Content-Security-Policy" = String), ("X-Content-Type-Options" = String)),
            content(
            (String = "application/yaml", example = "kind: Deployment"), (Object = "application/json", example = json!({"Job": {"ID": "resnet50"}})),
            (String = "application/zip"), (String = "text/vnd.graphviz", example = "digraph pipeline {}"),
            (String = "image/svg+xml", example = "<svg width=\"720\" height=\"480\"></svg>"))),
        BadBody, Slow, NotFound, TooLarge, WrongMedia, Invalid, Refused, Internal, Unavailable,
    )
)]
async fn export_cut_placement(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    query: Parameters,
    document: Document,
) -> Result<Response, Problem> {
    let asked = read_export(query)?;
    exported(&api, &caller.tenant, &id, Some(document.value), asked).await
}

async fn exported(
    api: &Api,
    tenant: &Tenant,
    id: &str,
    stages: Option<Value>,
    (format, options): (Format, Options),
) -> Result<Response, Problem> {
    let placement = api.store.placement(tenant, &placement_id(id)?).await?;
    // A placement outlives its cluster, whose nodes only add what the placement does not say.
    let revision = Some(placement.summary.cluster_revision);
    let cluster = api.store.cluster_document(tenant, &placement.summary.cluster_id, revision).await;
    let cluster = found(cluster)?.map(|(_, text)| text);
    let exported = compute_apart(move || -> Result<Export, Problem> {
        let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(Problem::internal);
        let mut document = json!({"placement": parse(&placement.document)?});
        if let Some(asked) = &placement.options {
            // They say whether the plan counts what runners take.
            document["options"] = parse(asked)?;
        }
        let cluster = cluster.as_deref().map(parse).transpose()?;
        let documents = Documents { placement: &document, stages: stages.as_ref(), cluster: cluster.as_ref() };
        export(documents, format, &options).map_err(|error| refused(&error, &options))
    });
    answer(&exported.await?, format, id)
}

/// Returns the problem of a placement that cannot be exported in this way.
fn refused(error: &ExportError, options: &Options) -> Problem {
    let (parameter, code) = match error {
        ExportError::NoStages => ("", FaultCode::Conflict),
        ExportError::NoImage(_) => ("/query/image", FaultCode::Missing),
        ExportError::Image(_) => ("/query/image", FaultCode::OutOfRange),
        ExportError::Name { what: "name", .. } => ("/query/name", FaultCode::OutOfRange),
        ExportError::Name { .. } => ("/query/namespace", FaultCode::OutOfRange),
        ExportError::NoAddress(_) => ("/query/address", FaultCode::Missing),
        ExportError::SameAddress(_) | ExportError::Ports(_) => ("/query/address", FaultCode::Conflict),
        ExportError::UnknownNode(node) if options.node_names.contains_key(node) => {
            ("/query/node", FaultCode::UnknownReference)
        }
        ExportError::UnknownNode(_) => ("/query/address", FaultCode::UnknownReference),
        ExportError::StageFiles(_) => ("/query/stage_files", FaultCode::Conflict),
        ExportError::Stages(_) => ("", FaultCode::UnknownValue),
        ExportError::OtherPlacement(_) => ("/stages", FaultCode::Conflict),
        ExportError::NoToken => ("/token", FaultCode::Missing),
        ExportError::BadToken => ("/token", FaultCode::OutOfRange),
        other => return Problem::internal(other),
    };
    // Every message ends with what to do.
    let text = error.to_string();
    let (detail, action) = text.split_once(". ").unwrap_or((&text, "Give another value"));
    Problem::invalid_request(vec![Fault::new(parameter, code, detail, action)])
}

fn answer(export: &Export, format: Format, id: &str) -> Result<Response, Problem> {
    let (media_type, ending) = match format {
        _ if !export.can_be_joined => ("application/zip", "zip"),
        Format::Kubernetes => ("application/yaml", "yaml"),
        Format::Nomad | Format::Cuts => ("application/json", "json"),
        Format::Compose => ("application/zip", "zip"),
        Format::Dot => ("text/vnd.graphviz", "dot"),
        Format::Svg => ("image/svg+xml", "svg"),
    };
    let bytes = if export.can_be_joined {
        export.files.iter().flat_map(|file| &file.bytes).copied().collect()
    } else {
        zipped(export).map_err(Problem::internal)?
    };
    let disposition = format!("inline; filename=\"{id}.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX)),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(disposition).map_err(Problem::internal)?),
    ];
    Ok((headers, bytes).into_response())
}

/// Returns the files as an archive, which is the same for equal files.
fn zipped(export: &Export) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for file in &export.files {
        // Only their owner needs what holds a token.
        let mode = if file.is_private { 0o600 } else { 0o644 };
        archive.start_file(&file.path, options.unix_permissions(mode))?;
        archive.write_all(&file.bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}
