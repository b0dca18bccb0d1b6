//! `vllm bench serve --save-result`: the summary, and with `--save-detailed` the lists from which rows follow. `--append-result` writes
//! several results one after the other: each is a measurement.
//!
//! A row's end is its last token: the file does not keep when a request's stream was closed. Source: vLLM 0.24.0,
//! `vllm/benchmarks/serve.py`.

use record::Request;
use serde::Deserialize;
use units::{Nanos, Reading};

use super::{Format, Keys, failure};
use crate::file::Contents;
use crate::observed::peak;
use crate::time::{after, nanos};
use crate::{Imported, Requests, Result, Serving, Stated};

pub(super) static FORMAT: Format = Format {
    name: "vllm-bench",
    title: "vllm bench serve --save-result, vLLM 0.24",
    recognises: |keys: &Keys| keys.have(&["duration", "completed", "total_input_tokens"]),
    read,
};

#[derive(Deserialize)]
struct Run {
    model_id: Option<String>,
    num_prompts: Option<u64>,
    max_concurrency: Option<u32>,
    max_concurrent_requests: Option<u32>,
    duration: f64,
    completed: u64,
    failed: Option<u64>,
    total_input_tokens: u64,
    total_output_tokens: Option<u64>,
    request_throughput: Option<f64>,
    output_throughput: Option<f64>,
    mean_ttft_ms: Option<f64>,
    mean_tpot_ms: Option<f64>,
    mean_itl_ms: Option<f64>,
    input_lens: Option<Vec<u32>>,
    output_lens: Option<Vec<u32>>,
    ttfts: Option<Vec<f64>>,
    itls: Option<Vec<Vec<f64>>>,
    start_times: Option<Vec<f64>>,
    errors: Option<Vec<Option<String>>>,
}

/// The lists of `--save-detailed`, all of one length.
struct Lists<'a> {
    inputs: &'a [u32],
    outputs: &'a [u32],
    ttfts: &'a [f64],
    itls: &'a [Vec<f64>],
    starts: &'a [f64],
    errors: &'a [Option<String>],
}

fn read(contents: &Contents) -> Result<Vec<Imported>> {
    let runs: Vec<Run> = contents.values()?;
    runs.iter().enumerate().map(|(index, run)| serving(contents, index, run).map(Imported::Serving)).collect()
}

fn serving(contents: &Contents, index: usize, run: &Run) -> Result<Serving> {
    let place = format!("[{index}]");
    let window = nanos(run.duration, "s").filter(|length| length.get() > 0);
    let window = window.ok_or_else(|| contents.bad(format!("{place}.duration"), format!("{} s is no duration", run.duration)))?;
    let rows = run.lists().map(|lists| lists.rows(contents, &place)).transpose()?;
    let mut notes = vec!["tokens are the client's counts: the server's for outputs where it told them".to_owned()];
    if rows.is_some() {
        notes.push("a request ends with its last token: the end of its stream is not in the file".to_owned());
    }
    let requests = match rows {
        Some(rows) => Requests::Rows(rows),
        None => totals(contents, &place, run)?,
    };
    let concurrency = match &requests {
        Requests::Rows(rows) => Some(peak(rows)),
        Requests::Totals { .. } => run.max_concurrent_requests.or(run.max_concurrency),
    };
    Ok(Serving {
        label: format!("vllm bench serve, {}", run.model_id.as_deref().unwrap_or("a model without a name")),
        requests,
        window: Reading::Known(window.since(Nanos(0))),
        concurrency: concurrency.map_or_else(|| Reading::missing("the file names no concurrency"), Reading::Known),
        weights: Reading::missing("vllm bench serve does not tell it"),
        stated: run.stated(),
        notes,
    })
}

fn totals(contents: &Contents, place: &str, run: &Run) -> Result<Requests> {
    contents.bounded(&format!("{place}.completed"), run.completed)?;
    // Versions before `failed`: what was put less what came back.
    let failed = run.failed.or_else(|| run.num_prompts.and_then(|put| put.checked_sub(run.completed)));
    contents.bounded(&format!("{place}.failed"), failed.unwrap_or(0))?;
    Ok(Requests::Totals {
        answered: run.completed,
        failed: failed.map_or_else(|| Reading::missing("the file does not tell it"), Reading::Known),
        input: Reading::Known(run.total_input_tokens),
        output: run.total_output_tokens.map_or_else(|| Reading::missing("the file has no total_output_tokens"), Reading::Known),
    })
}

impl Run {
    /// The lists, where all are there.
    fn lists(&self) -> Option<Lists<'_>> {
        Some(Lists {
            inputs: self.input_lens.as_ref()?,
            outputs: self.output_lens.as_ref()?,
            ttfts: self.ttfts.as_ref()?,
            itls: self.itls.as_ref()?,
            starts: self.start_times.as_ref()?,
            errors: self.errors.as_ref()?,
        })
    }

    fn stated(&self) -> Vec<Stated> {
        let all = [
            ("request_throughput", "requests/s", self.request_throughput),
            ("output_throughput", "tokens/s", self.output_throughput),
            ("mean_ttft_ms", "ms", self.mean_ttft_ms),
            ("mean_tpot_ms", "ms", self.mean_tpot_ms),
            ("mean_itl_ms", "ms", self.mean_itl_ms),
        ];
        all.into_iter().filter_map(|(key, unit, value)| Some(Stated { key: key.to_owned(), unit, value: value? })).collect()
    }
}

impl Lists<'_> {
    fn rows(&self, contents: &Contents, place: &str) -> Result<Vec<Request>> {
        let n = self.inputs.len();
        contents.bounded(&format!("{place}.input_lens"), n as u64)?;
        let lengths = [
            ("output_lens", self.outputs.len()),
            ("ttfts", self.ttfts.len()),
            ("itls", self.itls.len()),
            ("start_times", self.starts.len()),
            ("errors", self.errors.len()),
        ];
        if let Some((key, length)) = lengths.iter().find(|(_, length)| *length != n) {
            return Err(contents.bad(format!("{place}.{key}"), format!("{length} entries, but input_lens has {n}")));
        }
        let origin = self.starts.iter().copied().fold(f64::INFINITY, f64::min);
        (0..n)
            .map(|index| self.row(index, origin).map_err(|key| contents.bad(format!("{place}.{key}[{index}]"), "is no duration")))
            .collect()
    }

    /// The request, or the list whose entry is impossible.
    fn row(&self, index: usize, origin: f64) -> Result<Request, &'static str> {
        let failed = self.errors[index].as_deref().filter(|text| !text.is_empty());
        let sent = nanos(self.starts[index] - origin, "s").ok_or("start_times")?;
        let mut content_times = Vec::new();
        if failed.is_none() {
            let mut now = after(sent, nanos(self.ttfts[index], "s").ok_or("ttfts")?);
            content_times.push(now);
            for gap in &self.itls[index] {
                now = after(now, nanos(*gap, "s").ok_or("itls")?);
                content_times.push(now);
            }
        }
        Ok(Request {
            index: index as u32,
            due: sent,
            sent,
            first_content: content_times.first().copied(),
            end: content_times.last().copied().unwrap_or(sent),
            content_times,
            prompt_tokens: Some(self.inputs[index]),
            completion_tokens: Some(self.outputs[index]),
            failure: failed.map(failure),
            ..Request::default()
        })
    }
}
