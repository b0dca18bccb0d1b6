//! llama-bench's JSON (`-o json`, `-o jsonl`): one measurement a test, one request a repetition. No server, no sampling and no tokenizer
//! are in its times, and a test of generation alone has no input tokens.
//!
//! Source: <https://github.com/ggml-org/llama.cpp>, `tools/llama-bench/README.md`.

use record::Request;
use serde::Deserialize;
use units::{Bytes, Nanos, Reading};

use super::{Format, Keys};
use crate::file::Contents;
use crate::time::{after, nanos};
use crate::{Imported, Requests, Result, Serving, Stated};

pub(super) static FORMAT: Format = Format {
    name: "llama-bench",
    title: "llama.cpp's llama-bench -o json or jsonl",
    recognises: |keys: &Keys| keys.have(&["n_prompt", "n_gen", "avg_ns", "build_commit"]),
    read,
};

#[derive(Deserialize)]
struct Test {
    build_number: Option<u64>,
    model_type: Option<String>,
    model_size: Option<u64>,
    n_prompt: u32,
    n_gen: u32,
    #[serde(default)]
    n_depth: u32,
    avg_ts: Option<f64>,
    samples_ns: Vec<f64>,
}

fn read(contents: &Contents) -> Result<Vec<Imported>> {
    let tests: Vec<Test> = if contents.is_array() { contents.json()? } else { contents.values()? };
    tests.iter().enumerate().map(|(index, test)| serving(contents, index, test).map(Imported::Serving)).collect()
}

fn serving(contents: &Contents, index: usize, test: &Test) -> Result<Serving> {
    contents.bounded(&format!("[{index}].samples_ns"), test.samples_ns.len() as u64)?;
    let mut start = Nanos(0);
    let mut requests = Vec::with_capacity(test.samples_ns.len());
    for (number, sample) in test.samples_ns.iter().enumerate() {
        let place = || format!("[{index}].samples_ns[{number}]");
        let length = nanos(*sample, "ns").filter(|length| length.get() > 0);
        let length = length.ok_or_else(|| contents.bad(place(), format!("{sample} ns is no duration")))?;
        let end = after(start, length);
        requests.push(Request {
            index: number as u32,
            due: start,
            sent: start,
            end,
            prompt_tokens: Some(test.n_prompt),
            completion_tokens: Some(test.n_gen),
            ..Request::default()
        });
        start = end;
    }
    let mut notes = vec!["no server, tokenizer or sampling is in these times".to_owned()];
    if test.n_prompt == 0 {
        notes.push("generation alone: the requests have no input tokens, so that a hosted model's price lacks them".to_owned());
    }
    if test.n_depth > 0 {
        notes.push(format!("after a context of {} tokens, whose time is not counted", test.n_depth));
    }
    Ok(Serving {
        label: test.label(),
        window: if requests.is_empty() { Reading::missing("the test has no samples") } else { Reading::Known(start.since(Nanos(0))) },
        requests: Requests::Rows(requests),
        concurrency: Reading::Known(1),
        weights: test.model_size.map_or_else(|| Reading::missing("the test has no model_size"), |bytes| Reading::Known(Bytes(bytes))),
        stated: test.avg_ts.map(|value| Stated { key: "avg_ts".to_owned(), unit: "tokens/s", value }).into_iter().collect(),
        notes,
    })
}

impl Test {
    fn label(&self) -> String {
        let build = self.build_number.map_or_else(String::new, |number| format!(" build {number}"));
        let kind = match (self.n_prompt, self.n_gen) {
            (prompt, 0) => format!("pp {prompt}"),
            (0, generated) => format!("tg {generated}"),
            (prompt, generated) => format!("pp {prompt} + tg {generated}"),
        };
        format!("llama-bench{build}, {}, {kind}", self.model_type.as_deref().unwrap_or("a model without a name"))
    }
}
