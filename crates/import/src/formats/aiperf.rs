//! `AIPerf`: `profile_export.jsonl` has one row a request with its instants, `profile_export_aiperf.json` the summary alone. GPU telemetry
//! that the summary may hold is not read: it is no energy of a window.
//!
//! Source: files written by `AIPerf` 0.13.0 (schema 1.4), <https://github.com/ai-dynamo/aiperf>.

use std::collections::BTreeMap;

use record::Request;
use serde::Deserialize;
use units::{Nanos, Reading};

use super::{Format, Keys, failure};
use crate::file::Contents;
use crate::observed::peak;
use crate::time::{after, nanos};
use crate::{Imported, Requests, Result, Serving, Stated};

pub(super) static FORMAT: Format = Format {
    name: "aiperf",
    title: "AIPerf 0.13: profile_export.jsonl, profile_export_aiperf.json",
    recognises: |keys: &Keys| keys.have(&["aiperf_version"]) || keys.have(&["metadata", "metrics"]) && !keys.have(&["benchmarks"]),
    read,
};

fn read(contents: &Contents) -> Result<Vec<Imported>> {
    let is_summary = contents.keys()?.iter().any(|key| key == "aiperf_version");
    let serving = if is_summary { summary(contents)? } else { rows(contents)? };
    Ok(serving.map(Imported::Serving).into_iter().collect())
}

/// A line of `profile_export.jsonl`.
#[derive(Deserialize)]
struct Row {
    metadata: Metadata,
    #[serde(default)]
    metrics: Metrics,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Metadata {
    credit_issued_ns: Option<u64>,
    request_start_ns: u64,
    request_end_ns: u64,
    #[serde(default)]
    benchmark_phase: Option<String>,
    #[serde(default)]
    was_cancelled: bool,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<i64>,
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metrics {
    usage_prompt_tokens: Option<One>,
    usage_completion_tokens: Option<One>,
    input_sequence_length: Option<One>,
    output_sequence_length: Option<One>,
    time_to_first_token: Option<One>,
    inter_chunk_latency: Option<Many>,
}

#[derive(Deserialize)]
struct One {
    value: f64,
    unit: String,
}

#[derive(Deserialize)]
struct Many {
    value: Vec<f64>,
    unit: String,
}

const COUNTED_BY_TOOL: &str = "tokens are counted by the tool's own tokenizer, not by the server";

fn rows(contents: &Contents) -> Result<Option<Serving>> {
    let lines: Vec<(usize, Row)> = contents.lines()?;
    let measured: Vec<_> =
        lines.iter().filter(|(_, row)| row.metadata.benchmark_phase.as_deref().is_none_or(|phase| phase == "profiling")).collect();
    let Some(origin) = measured.iter().map(|(_, row)| row.due()).min() else { return Ok(None) };
    let mut requests = Vec::with_capacity(measured.len());
    for (line, row) in &measured {
        let index = requests.len() as u32;
        requests.push(row.request(index, origin).map_err(|(key, what)| contents.bad(format!("line {line}: {key}"), what))?);
    }
    let by_tool = measured.iter().any(|(_, row)| row.error.is_none() && row.metrics.usage_completion_tokens.is_none());
    let start = requests.iter().map(|row| row.sent).min().unwrap_or_default();
    let end = requests.iter().map(|row| row.end).max().unwrap_or_default();
    let warmup = lines.len() - measured.len();
    let mut notes: Vec<String> = by_tool.then(|| COUNTED_BY_TOOL.to_owned()).into_iter().collect();
    notes.extend((warmup > 0).then(|| format!("{warmup} rows of other phases than profiling are left out")));
    Ok(Some(Serving {
        label: "AIPerf, rows".to_owned(),
        concurrency: Reading::Known(peak(&requests)),
        requests: Requests::Rows(requests),
        window: Reading::Known(end.since(start)),
        weights: Reading::missing("AIPerf does not tell it"),
        stated: Vec::new(),
        notes,
    }))
}

impl Row {
    /// When it was due: when the load generator let it go.
    fn due(&self) -> u64 {
        let started = self.metadata.request_start_ns;
        self.metadata.credit_issued_ns.map_or(started, |credit| credit.min(started))
    }

    /// The request, or the key and what is wrong with it.
    fn request(&self, index: u32, origin: u64) -> Result<Request, (&'static str, String)> {
        let (sent, end) = (self.metadata.request_start_ns - origin, self.metadata.request_end_ns.saturating_sub(origin));
        if end < sent {
            return Err(("metadata.request_end_ns", "before the request's start".to_owned()));
        }
        let first = self.metrics.time_to_first_token.as_ref().map(|ttft| duration("metrics.time_to_first_token", ttft.value, &ttft.unit));
        let first_content = first.transpose()?.map(|ttft| after(Nanos(sent), ttft));
        let metrics = &self.metrics;
        Ok(Request {
            index,
            due: Nanos(self.due() - origin),
            sent: Nanos(sent),
            first_content,
            content_times: self.content_times(first_content)?,
            end: Nanos(end),
            prompt_tokens: tokens(
                "metrics.usage_prompt_tokens",
                metrics.usage_prompt_tokens.as_ref().or(metrics.input_sequence_length.as_ref()),
            )?,
            completion_tokens: tokens(
                "metrics.usage_completion_tokens",
                metrics.usage_completion_tokens.as_ref().or(metrics.output_sequence_length.as_ref()),
            )?,
            failure: self.failure(),
            ..Request::default()
        })
    }

    fn content_times(&self, first: Option<Nanos>) -> Result<Vec<Nanos>, (&'static str, String)> {
        let (Some(first), Some(gaps)) = (first, &self.metrics.inter_chunk_latency) else { return Ok(Vec::new()) };
        let mut times = vec![first];
        let mut now = first;
        for gap in &gaps.value {
            now = after(now, duration("metrics.inter_chunk_latency", *gap, &gaps.unit)?);
            times.push(now);
        }
        Ok(times)
    }

    fn failure(&self) -> Option<String> {
        match &self.error {
            Some(error) => {
                let code = error.code.map(|code| format!(" {code}")).unwrap_or_default();
                let kind = error.kind.as_deref().unwrap_or("error");
                Some(failure(&format!("{kind}{code}: {}", error.message.as_deref().unwrap_or_default())))
            }
            None => self.metadata.was_cancelled.then(|| "cancelled".to_owned()),
        }
    }
}

fn duration(key: &'static str, value: f64, unit: &str) -> Result<Nanos, (&'static str, String)> {
    nanos(value, unit).ok_or_else(|| (key, format!("{value} {unit} is no duration")))
}

fn tokens(key: &'static str, count: Option<&One>) -> Result<Option<u32>, (&'static str, String)> {
    let Some(One { value, unit }) = count else { return Ok(None) };
    let whole = unit == "tokens" && value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(value);
    if whole { Ok(Some(*value as u32)) } else { Err((key, format!("{value} {unit} is no number of tokens"))) }
}

/// `profile_export_aiperf.json`.
#[derive(Deserialize)]
struct Summary {
    aiperf_version: String,
    request_count: Option<Statistics>,
    error_request_count: Option<Statistics>,
    benchmark_duration: Option<Statistics>,
    total_usage_prompt_tokens: Option<Statistics>,
    total_usage_completion_tokens: Option<Statistics>,
    total_isl: Option<Statistics>,
    total_osl: Option<Statistics>,
    request_throughput: Option<Statistics>,
    output_token_throughput: Option<Statistics>,
    time_to_first_token: Option<Statistics>,
    inter_token_latency: Option<Statistics>,
    request_latency: Option<Statistics>,
    #[serde(default)]
    input_config: InputConfig,
    #[serde(default)]
    was_cancelled: bool,
}

#[derive(Deserialize)]
struct Statistics {
    unit: String,
    avg: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputConfig {
    models: Models,
    phases: Vec<Phase>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Models {
    items: Vec<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct Phase {
    name: Option<String>,
    concurrency: Option<u32>,
}

fn summary(contents: &Contents) -> Result<Option<Serving>> {
    let summary: Summary = contents.json()?;
    let whole = |key: &str, statistics: &Option<Statistics>| whole(contents, key, statistics.as_ref());
    let Reading::Known(answered) = whole("request_count", &summary.request_count)? else { return Ok(None) };
    contents.bounded("request_count", answered)?;
    let seconds = |duration: &Statistics| {
        nanos(duration.avg, &duration.unit)
            .map(|length| length.since(Nanos(0)))
            .ok_or_else(|| contents.bad("benchmark_duration", format!("{} {} is no duration", duration.avg, duration.unit)))
    };
    let window = summary.benchmark_duration.as_ref().map(seconds).transpose()?;
    let mut notes = Vec::new();
    if summary.total_usage_completion_tokens.is_none() {
        notes.push(COUNTED_BY_TOOL.to_owned());
    }
    if summary.was_cancelled {
        notes.push("the benchmark was cancelled before its end".to_owned());
    }
    Ok(Some(Serving {
        label: summary.label(),
        requests: Requests::Totals {
            answered,
            // The key is left out where no request failed.
            failed: if summary.error_request_count.is_none() {
                Reading::Known(0)
            } else {
                whole("error_request_count", &summary.error_request_count)?
            },
            input: first_known(
                whole("total_usage_prompt_tokens", &summary.total_usage_prompt_tokens)?,
                whole("total_isl", &summary.total_isl)?,
            ),
            output: first_known(
                whole("total_usage_completion_tokens", &summary.total_usage_completion_tokens)?,
                whole("total_osl", &summary.total_osl)?,
            ),
        },
        window: window.map_or_else(|| Reading::missing("the summary has no benchmark_duration"), Reading::Known),
        concurrency: summary.concurrency(),
        weights: Reading::missing("AIPerf does not tell it"),
        stated: summary.stated(),
        notes,
    }))
}

impl Summary {
    fn label(&self) -> String {
        let model = self.input_config.models.items.first().and_then(|model| model.get("name")).and_then(|name| name.as_str());
        format!("AIPerf {}, {}", self.aiperf_version, model.unwrap_or("a model without a name"))
    }

    fn concurrency(&self) -> Reading<u32> {
        let profiling = self.input_config.phases.iter().find(|phase| phase.name.as_deref().is_none_or(|name| name == "profiling"));
        let told = profiling.and_then(|phase| phase.concurrency);
        told.map_or_else(|| Reading::missing("the summary names no concurrency"), Reading::Known)
    }

    fn stated(&self) -> Vec<Stated> {
        let all = [
            ("request_throughput.avg", "requests/s", &self.request_throughput),
            ("output_token_throughput.avg", "tokens/s", &self.output_token_throughput),
            ("time_to_first_token.avg", "ms", &self.time_to_first_token),
            ("inter_token_latency.avg", "ms", &self.inter_token_latency),
            ("request_latency.avg", "ms", &self.request_latency),
        ];
        let told = all.into_iter().filter_map(|(key, unit, value)| Some((key, unit, value.as_ref()?.avg)));
        told.map(|(key, unit, value)| Stated { key: key.to_owned(), unit, value }).collect()
    }
}

fn first_known(first: Reading<u64>, second: Reading<u64>) -> Reading<u64> {
    if first.known().is_ok() { first } else { second }
}

fn whole(contents: &Contents, key: &str, statistics: Option<&Statistics>) -> Result<Reading<u64>> {
    match statistics {
        None => Ok(Reading::missing(format!("the summary has no {key}"))),
        Some(Statistics { avg, .. }) if avg.fract() == 0.0 && (0.0..=2f64.powi(53)).contains(avg) => Ok(Reading::Known(*avg as u64)),
        Some(Statistics { avg, .. }) => Err(contents.bad(key, format!("{avg} is no count"))),
    }
}
