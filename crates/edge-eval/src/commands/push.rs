//! `edge-eval push`: the figures of a run told to a tracking server. What is told is `report`'s; here it is sent.

mod http;
mod mlflow;

use std::path::PathBuf;

use anyhow::bail;
use http::Client;

use super::prices;
use crate::{end::End, env, gate::note};

/// Push the figures of a run to MLflow or to an OpenTelemetry collector
///
/// MLflow gets one run for the whole and one under it for each variant. A collector gets every figure as a gauge edge_eval.<figure>, and the
/// requests as histograms under OpenTelemetry's names (gen_ai.client.operation.duration, .time_to_first_chunk, .time_per_output_chunk,
/// gen_ai.client.token.usage), as JSON over HTTP. A missing figure is not pushed, since it is no number. MLFLOW_TRACKING_TOKEN is sent to
/// MLflow as a bearer token.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval push runs/mine --mlflow http://127.0.0.1:5000 --experiment models\n  edge-eval push runs/mine --otlp http://127.0.0.1:4318"
)]
pub(crate) struct Args {
    /// The run folder
    run: PathBuf,
    /// The tracking server's address
    #[arg(long, value_name = "URL")]
    mlflow: Option<String>,
    /// The experiment at MLflow, made where there is none; the plan's name without it
    #[arg(long, value_name = "NAME", requires = "mlflow")]
    experiment: Option<String>,
    /// The collector's address; /v1/metrics is added where it has no path
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// A header for the collector, such as 'x-api-key: …'; may be repeated
    #[arg(long, value_name = "NAME: VALUE", requires = "otlp", value_parser = http::header)]
    header: Vec<(String, String)>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    if args.mlflow.is_none() && args.otlp.is_none() {
        bail!("nowhere to push to: give --mlflow URL or --otlp URL");
    }
    let document = report::read(&args.run)?.on(prices::today());
    if let Some(url) = &args.mlflow {
        let token = env::mlflow_token().map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        let client = Client::new(url, token.into_iter().collect());
        let runs = mlflow::push(&client, &document, args.experiment.as_deref().unwrap_or(&document.run))?;
        note(&format!("pushed {runs} runs to MLflow at {url}"));
    }
    if let Some(url) = &args.otlp {
        let request = report::otlp(&args.run, &document, record::clock::wall().0)?;
        Client::new(url, args.header.clone()).post(&http::with_path(url, "/v1/metrics"), &request)?;
        note(&format!("pushed to the collector at {url}"));
    }
    Ok(End::Done)
}
