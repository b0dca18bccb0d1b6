//! What a run tells other tracking systems: runs of MLflow (REST API 2.0), and OpenTelemetry metrics in the JSON of OTLP/HTTP. Only what is
//! said is made here; nothing is sent.
//!
//! Names and bounds of the `gen_ai.client.*` histograms are those of OpenTelemetry's semantic conventions for generative AI (status:
//! development). They are of requests as the client saw them, so the server's names are not used. The figures are gauges `edge_eval.<figure>`.

mod histogram;

use std::path::Path;

use metric::CellRecords;
use record::Request;
use serde_json::{Value, json};

use crate::{
    Result,
    document::{CellFigures, Document},
    loaded::Loaded,
};
use histogram::Histogram;

/// A run of MLflow.
#[derive(Clone, Debug, PartialEq)]
pub struct MlflowRun {
    /// Its name.
    pub name: String,
    /// What it was done with.
    pub params: Vec<(String, String)>,
    /// What came out: only what is known, so nothing missing is a number.
    pub metrics: Vec<(String, f64)>,
    /// What is to be known of it.
    pub tags: Vec<(String, String)>,
}

/// The run as a whole, and one run a variant that belongs under it.
pub fn mlflow(document: &Document) -> (MlflowRun, Vec<MlflowRun>) {
    let machine = &document.machine;
    let tag = |key: &str, value: &str| (format!("edge_eval.{key}"), value.to_owned());
    let mut tags = vec![tag("method", &document.method), tag("machine", &machine.digest), tag("version", &machine.edge_eval)];
    tags.extend(machine.cpu.as_deref().map(|cpu| tag("cpu", cpu)));
    tags.extend((!machine.gpus.is_empty()).then(|| tag("gpus", &machine.gpus.join(", "))));
    tags.extend((!document.warnings.is_empty()).then(|| tag("warnings", &document.warnings.join("; "))));
    let whole = MlflowRun { name: document.run.clone(), params: Vec::new(), metrics: Vec::new(), tags };
    (whole, document.cells.iter().chain(document.further_levels()).map(mlflow_cell).collect())
}

fn mlflow_cell(cell: &CellFigures) -> MlflowRun {
    let mut metrics = Vec::new();
    let mut missing = Vec::new();
    for (name, figure) in &cell.metrics {
        match (figure.value, &figure.missing) {
            (Some(value), _) => {
                metrics.push((name.clone(), value));
                metrics.extend(
                    figure
                        .ci95
                        .into_iter()
                        .flat_map(|(low, high)| [(format!("{name}.ci95_low"), low), (format!("{name}.ci95_high"), high)]),
                );
            }
            (None, why) => missing.push(format!("{name}: {}", why.as_deref().unwrap_or("no reason"))),
        }
    }
    let param = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut params = vec![
        param("family", &cell.family),
        param("tier", &cell.tier),
        param("task", &cell.task),
        param("strategy", &cell.strategy),
        param("engine", &cell.engine),
        param("mark", &cell.mark),
    ];
    params.extend(cell.concurrency.map(|level| param("concurrency", &level.to_string())));
    params.extend(cell.engine_version.as_deref().map(|version| param("engine_version", version)));
    let tags = if missing.is_empty() { Vec::new() } else { vec![("edge_eval.missing".to_owned(), missing.join("\n"))] };
    MlflowRun { name: name(cell), params, metrics, tags }
}

/// `LLaMA 1B · rag · lora-int4 · vllm · 8 streams`.
fn name(cell: &CellFigures) -> String {
    let level = cell.concurrency.map_or_else(String::new, |level| format!(" · {level} streams"));
    format!("{} · {} · {} · {}{level}", cell.model(), cell.task, cell.strategy, cell.engine)
}

/// A run as one OTLP export request: its figures as gauges, and its requests as histograms. `at_wall_ns` is the instant of sending.
///
/// # Errors
/// The run cannot be read.
pub fn otlp(run: &Path, document: &Document, at_wall_ns: u64) -> Result<Value> {
    let loaded = Loaded::read(run)?;
    let times = Times { start: document.started_wall_ns, at: at_wall_ns.max(document.started_wall_ns) };
    let mut metrics = histograms(&loaded, times);
    metrics.extend(gauges(document, times));
    let machine = &document.machine;
    let mut resource = vec![
        attribute("service.name", "edge-eval"),
        attribute("service.version", &machine.edge_eval),
        attribute("edge_eval.run", &document.run),
        attribute("edge_eval.machine", &machine.digest),
    ];
    resource.extend(machine.cpu.as_deref().map(|cpu| attribute("host.cpu.model.name", cpu)));
    Ok(json!({"resourceMetrics": [{
        "resource": {"attributes": resource},
        "scopeMetrics": [{"scope": {"name": "edge-eval", "version": machine.edge_eval}, "metrics": metrics}],
    }]}))
}

#[derive(Clone, Copy)]
struct Times {
    start: u64,
    at: u64,
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A part of a figure that is a gauge of its own: what its name ends in, and its value.
type Part = (&'static str, fn(&crate::Figure) -> Option<f64>);
const PARTS: &[Part] =
    &[("", |figure| figure.value), (".ci95_low", |figure| Some(figure.ci95?.0)), (".ci95_high", |figure| Some(figure.ci95?.1))];

/// A figure is one gauge with a point a variant, and its interval two more.
fn gauges(document: &Document, times: Times) -> Vec<Value> {
    let mut metrics = Vec::new();
    for definition in &document.definitions {
        let known =
            || document.cells.iter().chain(document.further_levels()).filter_map(|cell| Some((cell, cell.metrics.get(&definition.name)?)));
        let points = |get: fn(&crate::Figure) -> Option<f64>| -> Vec<Value> {
            let point = |(cell, figure): (&CellFigures, &crate::Figure)| {
                let value = get(figure)?;
                Some(json!({"attributes": of_figure(cell), "timeUnixNano": times.at.to_string(), "asDouble": value}))
            };
            known().filter_map(point).collect()
        };
        for (suffix, get) in PARTS {
            let points = points(*get);
            if !points.is_empty() {
                let name = format!("edge_eval.{}{suffix}", definition.name);
                metrics.push(
                    json!({"name": name, "unit": definition.unit, "description": definition.definition, "gauge": {"dataPoints": points}}),
                );
            }
        }
    }
    metrics
}

fn of_figure(cell: &CellFigures) -> Vec<Value> {
    let mut all = vec![
        attribute("gen_ai.request.model", &cell.model()),
        attribute("gen_ai.provider.name", &cell.engine),
        attribute("edge_eval.task", &cell.task),
        attribute("edge_eval.strategy", &cell.strategy),
    ];
    all.extend(cell.concurrency.map(|level| json!({"key": "edge_eval.concurrency", "value": {"intValue": level.to_string()}})));
    all
}

/// The quantities of requests, each with what it is of a request and its bounds.
fn histograms(loaded: &Loaded, times: Times) -> Vec<Value> {
    type Of = fn(&Request) -> Vec<f64>;
    let quantities: [(&str, &str, &str, &[f64], Of); 3] = [
        ("gen_ai.client.operation.duration", "s", "from sending a request to the end of its answer", histogram::DURATIONS, |request| {
            vec![request.end.signed_since(request.sent).get()]
        }),
        (
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "from sending a request to the first text of its answer",
            histogram::FIRST,
            |request| request.first_content.map(|first| first.signed_since(request.sent).get()).into_iter().collect(),
        ),
        ("gen_ai.client.operation.time_per_output_chunk", "s", "between two chunks of an answer", histogram::CHUNKS, |request| {
            request.content_times.windows(2).map(|pair| pair[1].signed_since(pair[0]).get()).collect()
        }),
    ];
    let mut metrics = Vec::new();
    for (name, unit, description, bounds, of) in quantities {
        let points: Vec<Value> = loaded.campaign.cells.iter().flat_map(|cell| points(cell, bounds, of, times)).collect();
        metrics.extend(histogram_metric(name, unit, description, &points));
    }
    let tokens: Vec<Value> = loaded.campaign.cells.iter().flat_map(|cell| token_points(cell, times)).collect();
    metrics.extend(histogram_metric("gen_ai.client.token.usage", "{token}", "tokens of a request, as the server counted them", &tokens));
    metrics
}

fn histogram_metric(name: &str, unit: &str, description: &str, points: &[Value]) -> Option<Value> {
    // 2 is cumulative.
    let histogram = json!({"aggregationTemporality": 2, "dataPoints": points});
    (!points.is_empty()).then(|| json!({"name": name, "unit": unit, "description": description, "histogram": histogram}))
}

/// The requests of all runs of a cell at its own level.
fn requests(cell: &CellRecords) -> impl Iterator<Item = &Request> {
    cell.serve.iter().flat_map(|run| &run.requests)
}

/// One point of the answered requests, and one of those that failed, by what befell them.
fn points(cell: &CellRecords, bounds: &[f64], of: fn(&Request) -> Vec<f64>, times: Times) -> Vec<Value> {
    let mut by_error: std::collections::BTreeMap<Option<&str>, Histogram> = std::collections::BTreeMap::new();
    for request in requests(cell) {
        let error = request.failure.as_deref().map(|failure| failure.split(':').next().unwrap_or(failure));
        let histogram = by_error.entry(error).or_insert_with(|| Histogram::new(bounds));
        for value in of(request) {
            histogram.add(value);
        }
    }
    let told = |(error, histogram): (Option<&str>, Histogram)| {
        let mut attributes = of_cell(cell);
        attributes.extend(error.map(|error| attribute("error.type", error)));
        (!histogram.is_empty()).then(|| histogram.point(&attributes, times))
    };
    by_error.into_iter().filter_map(told).collect()
}

fn token_points(cell: &CellRecords, times: Times) -> Vec<Value> {
    type Kind = (&'static str, fn(&Request) -> Option<u32>);
    let kinds: [Kind; 2] = [("input", |request| request.prompt_tokens), ("output", |request| request.completion_tokens)];
    let point = |(kind, count): Kind| {
        let mut histogram = Histogram::new(histogram::TOKENS);
        requests(cell).filter(|request| request.failure.is_none()).filter_map(count).for_each(|tokens| histogram.add(f64::from(tokens)));
        let attributes: Vec<Value> = of_cell(cell).into_iter().chain([attribute("gen_ai.token.type", kind)]).collect();
        (!histogram.is_empty()).then(|| histogram.point(&attributes, times))
    };
    kinds.into_iter().filter_map(point).collect()
}

fn of_cell(records: &CellRecords) -> Vec<Value> {
    let cell = &records.cell;
    vec![
        attribute("gen_ai.operation.name", "chat"),
        attribute("gen_ai.provider.name", &cell.engine),
        attribute("gen_ai.request.model", &format!("{} {}", cell.family, cell.tier)),
        attribute("edge_eval.task", &cell.task),
        attribute("edge_eval.strategy", cell.strategy.name()),
    ]
}
