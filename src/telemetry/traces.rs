//! Traces: spans of requests and jobs, sent to an OpenTelemetry collector (OTLP over HTTP, protobuf).

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::TelemetryError;

const SERVICE_NAME: &str = "cutpoint";

/// Sends spans. Create it and shut it down outside of an async runtime, since it has its own thread and blocks.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Creates a sender to the collector at this address, such as `http://127.0.0.1:4318`. `/v1/traces` is appended.
    ///
    /// # Errors
    /// The address is invalid.
    pub(super) fn to(endpoint: &str) -> Result<Self, TelemetryError> {
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(address);
        let resource = Resource::builder().with_service_name(SERVICE_NAME).build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter.build()?).with_resource(resource);
        Ok(Self(provider.build()))
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.0.tracer(SERVICE_NAME)
    }

    /// Sends the remaining spans and shuts down.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Makes a span part of the trace that a caller's `traceparent` and `tracestate` identify (W3C Trace Context). Does
/// nothing if no traces are sent.
pub fn continue_trace(span: &tracing::Span, traceparent: &str, tracestate: Option<&str>) {
    let state = tracestate.map(|state| ("tracestate".to_owned(), state.to_owned()));
    let carrier: HashMap<String, String> =
        [("traceparent".to_owned(), traceparent.to_owned())].into_iter().chain(state).collect();
    let parent = TraceContextPropagator::new().extract(&carrier);
    // This fails only if no traces are sent. Then there is no trace to continue.
    let _ = span.set_parent(parent);
}
