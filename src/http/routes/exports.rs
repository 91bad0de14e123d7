//! `/v1/placements/{id}/export`: a placement as files of an orchestrator, or as a drawing.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use cutpoint_export::{Documents, Endpoint, Export, ExportError, Format, Options, StageFiles, export};
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::domain::named::Named;
use crate::http::api::Api;
use crate::http::compute::compute_apart;
use crate::http::gate::caller::MayRead;
use crate::http::problem::Problem;
use crate::http::problem::responses::{BadParameter, Internal, Invalid, NotFound, Refused, Unavailable};
use crate::http::request::query::Parameters;
use crate::http::request::stored::found;
use crate::http::routes::placements::placement_id;

/// An SVG that a browser opens by itself must not run anything.
const SANDBOX: &str = "default-src 'none'; sandbox";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(export_placement))
}

impl Named for Format {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        Self::name(self)
    }
}

/// Export a placement
///
/// Returns the placement as files that start its pipelines, or as a drawing. Equal requests get equal files. The ONNX files
/// of the stages, with the pipeline's token in their stages.json, are written by `cutpoint cut`.
#[utoipa::path(
    get, path = "/v1/placements/{id}/export", tag = "placements", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The placement."),
        ("format" = String, Query, description = "kubernetes (documents of YAML), nomad (a job in JSON), compose (a zip with a folder for each node), dot, svg, or cuts (the tensors at each cut, in JSON).", pattern = "^(kubernetes|nomad|compose|dot|svg|cuts)$"),
        ("image" = Option<String>, Query, nullable = false, description = "The image of the runner; kubernetes, nomad and compose need it.", min_length = 1),
        ("name" = Option<String>, Query, nullable = false, description = "The name of the pipeline in its target, `cutpoint` by default.", min_length = 1, max_length = 256),
        ("namespace" = Option<String>, Query, nullable = false, description = "The namespace of the objects of Kubernetes and of the job of Nomad.", min_length = 1, max_length = 256),
        ("address" = Option<Vec<String>>, Query, nullable = false, description = "Where a node is reached, for nomad and compose, as `pi-1=10.0.0.2:7101` or `pi-1=[fe80::1]:7101`."),
        ("stage_folder" = Option<String>, Query, nullable = false, description = "The folder of each node that has the files of its stages. By default they are in the image, and with compose in the folder of the node.", min_length = 1),
        ("feed" = Option<u64>, Query, nullable = false, description = "How many inferences a feeder sends. Without it there is no feeder.", minimum = 1),
    ),
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
    mut query: Parameters,
) -> Result<Response, Problem> {
    let format = query.one_of::<Format>("format");
    let options = Options {
        image: query.text("image"),
        name: query.chosen_id("name"),
        namespace: query.chosen_id("namespace"),
        stage_files: query.text("stage_folder").map(StageFiles::Host),
        feed: query.integer("feed", 1, MAX_SAFE_INTEGER),
        addresses: addresses(&mut query),
        ..Options::default()
    };
    query.finish()?;
    // A format that is missing is a fault, so the default is never used.
    let format = format.unwrap_or(Format::Svg);
    let placement = api.store.placement(&caller.tenant, &placement_id(&id)?).await?;
    // A placement outlives its cluster, whose nodes only add what the placement does not say.
    let revision = Some(placement.summary.cluster_revision);
    let cluster = api.store.cluster_document(&caller.tenant, &placement.summary.cluster_id, revision).await;
    let cluster = found(cluster)?.map(|(_, text)| text);
    let exported = compute_apart(move || -> Result<Export, Problem> {
        let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(Problem::internal);
        let (document, cluster) = (parse(&placement.document)?, cluster.as_deref().map(parse).transpose()?);
        let documents = Documents { placement: &document, stages: None, cluster: cluster.as_ref() };
        export(documents, format, &options).map_err(|error| refused(&error))
    });
    answer(&exported.await?, format, &id)
}

fn addresses(query: &mut Parameters) -> BTreeMap<String, Endpoint> {
    let mut addresses = BTreeMap::new();
    for text in query.all("address") {
        match Endpoint::of_node(&text) {
            Ok((node, endpoint)) => {
                addresses.insert(node, endpoint);
            }
            Err(reason) => {
                let action = "Give a node, a host and a port, such as pi-1=10.0.0.2:7101 or pi-1=[fe80::1]:7101";
                query.fault("address", FaultCode::UnknownValue, format!("{text:?}: {reason}"), action);
            }
        }
    }
    addresses
}

/// Returns the problem of a placement that cannot be exported in this way.
fn refused(error: &ExportError) -> Problem {
    let (parameter, code) = match error {
        ExportError::NoStages => ("", FaultCode::Conflict),
        ExportError::NoImage(_) => ("/query/image", FaultCode::Missing),
        ExportError::Image(_) => ("/query/image", FaultCode::OutOfRange),
        ExportError::Name { what: "name", .. } => ("/query/name", FaultCode::OutOfRange),
        ExportError::Name { .. } => ("/query/namespace", FaultCode::OutOfRange),
        ExportError::NoAddress(_) => ("/query/address", FaultCode::Missing),
        ExportError::SameAddress(_) | ExportError::Ports(_) => ("/query/address", FaultCode::Conflict),
        ExportError::UnknownNode(_) => ("/query/address", FaultCode::UnknownReference),
        ExportError::StageFiles(_) => ("/query/stage_folder", FaultCode::Conflict),
        other => return Problem::internal(other),
    };
    // Every message ends with what to do.
    let text = error.to_string();
    let (detail, action) = text.split_once(". ").unwrap_or((&text, "Give another value"));
    Problem::invalid_request(vec![Fault::new(parameter, code, detail, action)])
}

fn answer(export: &Export, format: Format, id: &str) -> Result<Response, Problem> {
    let (media_type, ending) = match format {
        Format::Kubernetes => ("application/yaml", "yaml"),
        Format::Nomad | Format::Cuts => ("application/json", "json"),
        Format::Compose => ("application/zip", "zip"),
        Format::Dot => ("text/vnd.graphviz", "dot"),
        Format::Svg => ("image/svg+xml", "svg"),
    };
    let bytes = match format {
        Format::Compose => zipped(export).map_err(Problem::internal)?,
        _ => export.files.iter().flat_map(|file| &file.bytes).copied().collect(),
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
