//! Sends the events of `tracing` to the log as OTLP over HTTP.

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use std::collections::HashMap;
use std::env;
use std::error::Error;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("SEALOG_URL").unwrap_or_else(|_| "http://127.0.0.1:7070".to_owned());
    let key = env::var("SEALOG_KEY")?;
    let exporter = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{url}/v1/logs"))
        .with_headers(HashMap::from([("Authorization".to_owned(), format!("Bearer {key}"))]))
        .build()?;
    let provider = SdkLoggerProvider::builder()
        .with_resource(Resource::builder().with_service_name("rust-example").build())
        .with_batch_exporter(exporter)
        .build();
    tracing_subscriber::registry().with(OpenTelemetryTracingBridge::new(&provider)).init();

    tracing::warn!(order = "o-17", "card declined");
    tracing::info!(name: "user.login", user.id = "u-1", "signed in");

    // Waits until what is queued was sent; what is not by then is lost.
    provider.shutdown()?;
    Ok(())
}
