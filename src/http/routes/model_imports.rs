//! `/v1/models/import`: profiles from files of other programs.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_import::pipeedge::{self, Choice};
use cutpoint_import::{Imported, dnn_partitioning};
use cutpoint_onnx::options::{parse_dimension, parse_shape, parse_values};
use cutpoint_onnx::{ExternalData, Options};
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::named::named;
use crate::domain::tenant::Tenant;
use crate::http::api::{Api, Limits};
use crate::http::compute::compute_apart;
use crate::http::gate::caller::MayPlan;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::import::{not_one_file, of_import, of_onnx, part_missing, unknown_part};
use crate::http::problem::responses::{
    BadBody, Internal, InvalidOrReused, Refused, Slow, StorageFull, TooLarge, Unavailable, WrongMedia,
};
use crate::http::request::query::Parameters;
use crate::http::request::upload::{BODY, File, Upload};
use crate::http::shapes::import::ImportReport;
use crate::http::shapes::joined::ImportedModel;
use crate::import::onnx;
use crate::store::{Idempotency, ModelDocument};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    // Uploads have limits of their own.
    OpenApiRouter::new().routes(routes!(import_model)).layer(DefaultBodyLimit::disable())
}

named! {
    /// What a model is imported from.
    pub enum ModelFormat {
        /// An ONNX file.
        Onnx = "onnx",
        /// models.yml of PipeEdge.
        Pipeedge = "pipeedge",
        /// A graph of dnn-partitioning.
        DnnPartitioning = "dnn-partitioning",
    }
}

/// Import a model
///
/// The body is the file: an ONNX model, models.yml of PipeEdge, or a graph of dnn-partitioning. PipeEdge's two files go
/// as the parts `models` and `device_types` of multipart/form-data. The weights of an ONNX model are read past while it
/// arrives and are not stored. A model whose data is in other files is refused. Importing the same content again returns
/// the existing model with 200.
#[utoipa::path(
    post, path = "/v1/models/import", tag = "models", security(("key" = ["plan"])),
    params(
        ("format" = String, Query, description = "What the file is: onnx, pipeedge or dnn-partitioning.", pattern = "^(onnx|pipeedge|dnn-partitioning)$"),
        ("name" = Option<String>, Query, nullable = false, description = "The name of the model. By default that of the graph.", min_length = 1, max_length = 256),
        ("batch_size" = Option<u64>, Query, nullable = false, description = "Inputs that one pass takes at once. Of PipeEdge's models, which profile.", minimum = 1),
        ("dim" = Option<Vec<String>>, Query, nullable = false, description = "The size of a dimension that an ONNX file names, as `batch=1`. `dim.batch=1` as a parameter of its own says the same."),
        ("input" = Option<Vec<String>>, Query, nullable = false, description = "The shape of an input, or of a tensor whose size depends on data, as `images=1x3x640x640`. `input.images=1x3x640x640` says the same."),
        ("value" = Option<Vec<String>>, Query, nullable = false, description = "The integers that an input holds if they decide a branch or a shape, as `sr=16000`. `value.sr=16000` says the same."),
        ("model" = Option<String>, Query, nullable = false, description = "Which of PipeEdge's models; must be given if the file has several.", min_length = 1),
        ("dtype" = Option<String>, Query, nullable = false, description = "Which type of numbers of PipeEdge's profiles, such as torch.float32.", min_length = 1),
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key gets the same answer."),
    ),
    request_body(content((Vec<u8> = "application/octet-stream"), (PipeEdgeFiles = "multipart/form-data"))),
    responses(
        (status = 201, description = "Imported.", body = ImportedModel, headers(("Location" = String))),
        (status = 200, description = "The model was registered before.", body = ImportedModel, headers(("Location" = String))),
        BadBody, Slow, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn import_model(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    mut query: Parameters,
    upload: Upload,
) -> Result<Response, Problem> {
    let format = query.one_of::<ModelFormat>("format");
    let name = query.chosen_id("name");
    let batch_size = query.integer("batch_size", 1, MAX_SAFE_INTEGER);
    let imported = match format {
        Some(ModelFormat::Onnx) | None => {
            let options = onnx_options(&mut query, name, batch_size);
            query.refuse(&["model", "dtype"], "this format");
            query.finish()?;
            let read = move |file: &mut dyn std::io::Read| {
                let profile = cutpoint_onnx::profile(file, &options).map_err(|error| of_onnx(&error))?;
                onnx::imported(&profile, BODY).map_err(Problem::internal)
            };
            upload.stream(read).await?
        }
        Some(ModelFormat::Pipeedge) => {
            let (model, dtype) = (query.chosen_id("model"), query.chosen_id("dtype"));
            query.refuse(&["dim", "input", "value"], "this format");
            query.finish()?;
            let read = move |files: &[File]| {
                let choice = Choice { model: model.as_deref(), batch_size, dtype: dtype.as_deref() };
                pipeedge_model(files, &choice, name)
            };
            upload.files(read).await?
        }
        Some(ModelFormat::DnnPartitioning) => {
            query.refuse(&["batch_size", "dim", "input", "value", "model", "dtype"], "this format");
            query.finish()?;
            let read = move |files: &[File]| {
                let [file] = files else { return Err(not_one_file()) };
                let imported = dnn_partitioning::import(&file.input(), name.as_deref().unwrap_or("model"));
                imported.map(|instance| instance.model).map_err(|error| of_import(&error))
            };
            upload.files(read).await?
        }
    };
    register(&api, &caller.tenant, imported).await
}

/// The files of PipeEdge's scheduler.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)]
struct PipeEdgeFiles {
    /// models.yml.
    models: String,
    /// device_types.yml, with measured times.
    #[schema(nullable = false)]
    device_types: Option<String>,
}

fn onnx_options(query: &mut Parameters, name: Option<String>, batch_size: Option<u64>) -> Options {
    Options {
        name,
        batch_size,
        dimensions: query.parsed("dim", parse_dimension).into_iter().collect(),
        shapes: query.parsed("input", parse_shape).into_iter().collect(),
        values: query.parsed("value", parse_values).into_iter().collect(),
        external_data: ExternalData::Refuse,
    }
}

fn pipeedge_model(files: &[File], choice: &Choice<'_>, name: Option<String>) -> Result<Imported, Problem> {
    let file = |part: &str| files.iter().find(|file| file.part == part);
    let known = ["models", "device_types"];
    if let Some(other) = files.iter().find(|file| !file.part.is_empty() && !known.contains(&file.part.as_str())) {
        return Err(unknown_part(&other.part, &known));
    }
    let Some(models) = file("models").or(file("")) else { return Err(part_missing("models", 0)) };
    let types = file("device_types").map(File::input);
    let imported = pipeedge::models(&models.input(), types.as_ref(), choice);
    let mut imported = imported.map_err(|error| of_import(&error))?;
    let names: Vec<&str> = imported.iter().filter_map(|model| model.document["name"].as_str()).collect();
    if names.len() > 1 {
        let mut query = Parameters::default();
        let detail = format!("the file has several models: {}", names.join(", "));
        query.fault("model", FaultCode::Missing, detail, "Name one of them");
        query.finish()?;
    }
    let mut model = imported.pop().ok_or_else(|| part_missing("models", 0))?;
    if let Some(name) = name {
        model.document["name"] = name.into();
    }
    Ok(model)
}

/// Registers an imported profile and answers with what there is to say about it.
///
/// # Errors
/// 422 for a profile with faults, and what the store answers.
pub(crate) async fn register(
    api: &Api,
    tenant: &Tenant,
    (imported, idempotency): (Imported, Option<Idempotency>),
) -> Result<Response, Problem> {
    let Imported { document, report } = imported;
    let limits = api.limits;
    let model = compute_apart(move || read_profile(&limits, &document)).await?;
    let registered = api.store.register_model(tenant, model, idempotency).await?;
    let status = if registered.created { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/v1/models/{}", registered.row.id);
    let report = serde_json::to_string(&ImportReport::from(report)).map_err(Problem::internal)?;
    let body = json::with_member(&registered.row, "report", &report)?;
    Ok(([(header::LOCATION, location)], json::text(status, body)).into_response())
}

/// Reads an imported profile. Its faults are those of the file, whatever made it.
fn read_profile(limits: &Limits, document: &serde_json::Value) -> Result<ModelDocument, Problem> {
    let mut reader = Reader::new();
    let profile = limits.read_model(&mut reader, document);
    let profile = reader.finish(profile).map_err(|faults| {
        let detail = "the profile that the file makes has faults; pointers lead into that profile";
        Problem::invalid_request(faults).with_detail(detail)
    })?;
    Ok(ModelDocument::new(&profile))
}
