//! `GuideLLM`'s JSON report: one measurement a benchmark of the sweep, with one row a request. Requests that were cut off when a benchmark
//! ended are neither answered nor failed and are left out. Where the report keeps a sample of the rows only, its totals are taken.
//!
//! Source: a file written by `GuideLLM` 0.8.1, <https://github.com/vllm-project/guidellm>.

use record::Request;
use serde::Deserialize;
use units::{Nanos, Reading, Seconds};

use super::{Format, Keys, failure};
use crate::file::Contents;
use crate::observed::peak;
use crate::time::nanos;
use crate::{Imported, Requests, Result, Serving, Stated};

pub(super) static FORMAT: Format = Format {
    name: "guidellm",
    title: "GuideLLM 0.8: its JSON report",
    recognises: |keys: &Keys| keys.have(&["benchmarks", "metadata"]),
    read,
};

#[derive(Deserialize)]
struct Report {
    metadata: Metadata,
    benchmarks: Vec<Benchmark>,
}

#[derive(Deserialize)]
struct Metadata {
    guidellm_version: Option<String>,
}

#[derive(Deserialize)]
struct Benchmark {
    config: Config,
    metrics: Metrics,
    requests: Rows,
    start_time: f64,
    end_time: f64,
}

#[derive(Deserialize)]
struct Config {
    strategy: Strategy,
    #[serde(default)]
    backend: Backend,
}

#[derive(Deserialize)]
struct Strategy {
    type_: String,
    streams: Option<u32>,
    rate: Option<f64>,
}

#[derive(Default, Deserialize)]
struct Backend {
    model: Option<String>,
}

#[derive(Deserialize)]
struct Metrics {
    request_totals: Totals,
    prompt_token_count: Option<Statuses>,
    output_token_count: Option<Statuses>,
    requests_per_second: Option<Statuses>,
    output_tokens_per_second: Option<Statuses>,
    time_to_first_token_ms: Option<Statuses>,
    inter_token_latency_ms: Option<Statuses>,
}

#[derive(Deserialize)]
struct Totals {
    successful: u64,
    errored: u64,
    #[serde(default)]
    incomplete: u64,
}

#[derive(Deserialize)]
struct Statuses {
    successful: Option<Distribution>,
}

#[derive(Deserialize)]
struct Distribution {
    mean: f64,
    total_sum: Option<f64>,
}

#[derive(Deserialize)]
struct Rows {
    #[serde(default)]
    successful: Vec<Row>,
    #[serde(default)]
    errored: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    info: Info,
    prompt_tokens: Option<u32>,
    output_tokens: Option<u32>,
    cached_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Info {
    timings: Timings,
    error: Option<String>,
}

/// Wall times in seconds.
#[derive(Deserialize)]
struct Timings {
    targeted_start: Option<f64>,
    request_start: Option<f64>,
    first_request_iteration: Option<f64>,
    first_token_iteration: Option<f64>,
    first_output_token_iteration: Option<f64>,
    request_end: Option<f64>,
}

fn read(contents: &Contents) -> Result<Vec<Imported>> {
    let report: Report = contents.json()?;
    let version = report.metadata.guidellm_version.as_deref().unwrap_or("of an unknown version");
    let all = report.benchmarks.iter().enumerate();
    all.map(|(index, benchmark)| serving(contents, version, index, benchmark).map(Imported::Serving)).collect()
}

fn serving(contents: &Contents, version: &str, index: usize, benchmark: &Benchmark) -> Result<Serving> {
    let place = format!("benchmarks[{index}]");
    let requests = requests(contents, &place, benchmark)?;
    let strategy = &benchmark.config.strategy;
    let concurrency = match (&requests, strategy.streams) {
        (Requests::Rows(rows), _) => Reading::Known(peak(rows)),
        (_, Some(streams)) => Reading::Known(streams),
        _ => Reading::missing("the strategy names no streams"),
    };
    let model = benchmark.config.backend.model.as_deref().unwrap_or("a model without a name");
    let level = match (strategy.streams, strategy.rate) {
        (Some(streams), _) => format!("{} {streams}", strategy.type_),
        (None, Some(rate)) => format!("{} {rate}/s", strategy.type_),
        (None, None) => strategy.type_.clone(),
    };
    let cut = benchmark.metrics.request_totals.incomplete;
    let mut notes = vec!["tokens are the server's counts where it told them, else the tool's own".to_owned()];
    notes.extend((cut > 0).then(|| format!("{cut} requests were cut off at the end and are left out")));
    if matches!(requests, Requests::Totals { .. }) {
        notes.push("the report does not hold every request: its totals are taken".to_owned());
    }
    Ok(Serving {
        label: format!("GuideLLM {version}, {model}, {level}"),
        requests,
        window: Reading::Known(window(contents, &place, benchmark)?),
        concurrency,
        weights: Reading::missing("GuideLLM does not tell it"),
        stated: benchmark.metrics.stated(),
        notes,
    })
}

fn window(contents: &Contents, place: &str, benchmark: &Benchmark) -> Result<Seconds> {
    let length = nanos(benchmark.end_time - benchmark.start_time, "s").filter(|length| length.get() > 0);
    let length = length.ok_or_else(|| contents.bad(format!("{place}.end_time"), "not after start_time"))?;
    Ok(length.since(Nanos(0)))
}

fn requests(contents: &Contents, place: &str, benchmark: &Benchmark) -> Result<Requests> {
    let (rows, totals) = (&benchmark.requests, &benchmark.metrics.request_totals);
    contents.bounded(&format!("{place}.metrics.request_totals"), totals.successful.saturating_add(totals.errored))?;
    if rows.successful.len() as u64 != totals.successful || rows.errored.len() as u64 != totals.errored {
        return Ok(Requests::Totals {
            answered: totals.successful,
            failed: Reading::Known(totals.errored),
            input: total(contents, place, "prompt_token_count", benchmark.metrics.prompt_token_count.as_ref())?,
            output: total(contents, place, "output_token_count", benchmark.metrics.output_token_count.as_ref())?,
        });
    }
    let (answered, failed) = (rows.successful.iter().map(|row| (row, "successful")), rows.errored.iter().map(|row| (row, "errored")));
    let origin = rows.successful.iter().chain(&rows.errored).filter_map(|row| row.info.timings.due()).fold(benchmark.start_time, f64::min);
    let mut requests = Vec::with_capacity(rows.successful.len() + rows.errored.len());
    let mut number = (0, "successful");
    for (row, status) in answered.chain(failed) {
        number = if number.1 == status { (number.0 + 1, status) } else { (1, status) };
        let index = requests.len() as u32;
        let request = row.request(index, origin, status);
        let bad = |key| contents.bad(format!("{place}.requests.{status}[{}].info.timings.{key}", number.0 - 1), "missing or impossible");
        requests.push(request.map_err(bad)?);
    }
    requests.sort_by_key(|request| request.due);
    for (index, request) in requests.iter_mut().enumerate() {
        request.index = index as u32;
    }
    Ok(Requests::Rows(requests))
}

impl Timings {
    fn due(&self) -> Option<f64> {
        self.targeted_start.or(self.request_start)
    }
}

impl Row {
    /// The request, or the key of the instant that is missing or impossible.
    fn request(&self, index: u32, origin: f64, status: &str) -> Result<Request, &'static str> {
        let timings = &self.info.timings;
        let at = |seconds: Option<f64>, key: &'static str| match seconds {
            None => Ok(None),
            Some(seconds) => nanos(seconds - origin, "s").map(Some).ok_or(key),
        };
        let failed = status == "errored";
        let due = at(timings.due(), "targeted_start")?;
        let sent = at(timings.request_start, "request_start")?.or(due);
        let end = at(timings.request_end, "request_end")?.or(sent.filter(|_| failed));
        // A request that failed early may have no instants at all.
        let (sent, end) = match (sent, end) {
            (Some(sent), Some(end)) if end >= sent => (sent, end),
            (None, None) if failed => (Nanos(0), Nanos(0)),
            (None, _) => return Err("request_start"),
            (Some(_), _) => return Err("request_end"),
        };
        Ok(Request {
            index,
            due: due.unwrap_or(sent),
            sent,
            first_event: at(timings.first_request_iteration, "first_request_iteration")?,
            first_content: at(timings.first_token_iteration, "first_token_iteration")?,
            first_answer: at(timings.first_output_token_iteration, "first_output_token_iteration")?,
            // The instants of the first and the last token alone are told: no gap between tokens is known.
            content_times: Vec::new(),
            end,
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.output_tokens,
            cached_tokens: self.cached_tokens,
            failure: failed.then(|| failure(self.info.error.as_deref().unwrap_or("errored"))),
            ..Request::default()
        })
    }
}

fn total(contents: &Contents, place: &str, key: &str, statuses: Option<&Statuses>) -> Result<Reading<u64>> {
    let sum = statuses.and_then(|statuses| statuses.successful.as_ref()).and_then(|distribution| distribution.total_sum);
    match sum {
        None => Ok(Reading::missing(format!("the report has no sum of {key}"))),
        Some(sum) if sum.fract() == 0.0 && (0.0..=2f64.powi(53)).contains(&sum) => Ok(Reading::Known(sum as u64)),
        Some(sum) => Err(contents.bad(format!("{place}.metrics.{key}.successful.total_sum"), format!("{sum} is no count"))),
    }
}

impl Metrics {
    fn stated(&self) -> Vec<Stated> {
        let all = [
            ("requests_per_second", "requests/s", &self.requests_per_second),
            ("output_tokens_per_second", "tokens/s", &self.output_tokens_per_second),
            ("time_to_first_token_ms", "ms", &self.time_to_first_token_ms),
            ("inter_token_latency_ms", "ms", &self.inter_token_latency_ms),
        ];
        let told = all.into_iter().filter_map(|(key, unit, statuses)| Some((key, unit, statuses.as_ref()?.successful.as_ref()?.mean)));
        told.map(|(key, unit, value)| Stated { key: format!("metrics.{key}.successful.mean"), unit, value }).collect()
    }
}
