//! `/v1/models/{id}/timings`: a model with the times that a profiler measured.

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use cutpoint_import::timings::{self, TimingFormat, TimingOptions};
use cutpoint_planner::domain::fault::FaultCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::MayPlan;
use crate::http::problem::Problem;
use crate::http::problem::import::{not_one_file, of_import};
use crate::http::problem::responses::{
    BadBody, Internal, InvalidOrReused, NotFound, Refused, Slow, StorageFull, TooLarge, Unavailable, WrongMedia,
};
use crate::http::request::query::Parameters;
use crate::http::request::stored::read_stored;
use crate::http::request::upload::{File, Upload};
use crate::http::routes::model_imports::register;
use crate::http::shapes::joined::ImportedModel;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    // Uploads have limits of their own.
    OpenApiRouter::new().routes(routes!(add_timings)).layer(DefaultBodyLimit::disable())
}

/// Add measured times to a model
///
/// The body is the file of a profiler that ran the model on a device: of onnxruntime, TensorRT or TFLite, or CSV with the
/// columns `layer_id,device_class,seconds`. The answer is a new model with these times. Kernels that ran several layers
/// become groups. Layers that no name matches get estimated times. That no name matches at all is a fault.
#[utoipa::path(
    post, path = "/v1/models/{id}/timings", tag = "models", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The model that was profiled."),
        ("device_class" = String, Query, description = "The class of the device that was measured, as in the inventory.", min_length = 1, max_length = 256),
        ("format" = Option<String>, Query, nullable = false, description = "What wrote the file: onnxruntime, tensorrt, tflite or csv. By default it is looked up in the file.", pattern = "^(onnxruntime|tensorrt|tflite|csv)$"),
        ("session_s" = Option<f64>, Query, nullable = false, description = "Mean seconds of a whole pass without the profiler. All times are scaled to sum to it.", exclusive_minimum = 0, maximum = 10000000),
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key gets the same answer."),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "A new model with the times.", body = ImportedModel, headers(("Location" = String))),
        (status = 200, description = "The model with these times was registered before.", body = ImportedModel, headers(("Location" = String))),
        BadBody, NotFound, Slow, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn add_timings(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    mut query: Parameters,
    upload: Upload,
) -> Result<Response, Problem> {
    let device_class = query.chosen_id("device_class");
    if !query.was_given("device_class") {
        let action = "Give the class of the device that was measured";
        query.fault("device_class", FaultCode::Missing, "device_class is missing", action);
    }
    let format = query.text("format").and_then(|text| {
        let found = TimingFormat::NAMES.iter().find(|(name, _)| *name == text).map(|(_, format)| *format);
        if found.is_none() {
            let action = "Give one of onnxruntime, tensorrt, tflite, csv";
            query.fault("format", FaultCode::UnknownValue, format!("{text:?} is not allowed here"), action);
        }
        found
    });
    let session_s = query.seconds("session_s", 1e7);
    query.finish()?;
    let id = Id::parse(IdKind::Model, &id).ok_or_else(|| Problem::not_found("model", &id))?;
    let stored = api.store.model_document(&caller.tenant, &id).await?;
    let read = move |files: &[File]| {
        let [file] = files else { return Err(not_one_file()) };
        let document = read_stored(&stored, |document| Ok(document.clone()))?;
        let options = TimingOptions {
            format,
            device_class: device_class.as_deref().unwrap_or_default(),
            session_s,
            ..TimingOptions::default()
        };
        timings::apply(&document, &file.input(), &options).map_err(|error| of_import(&error))
    };
    register(&api, &caller.tenant, upload.files(read).await?).await
}
