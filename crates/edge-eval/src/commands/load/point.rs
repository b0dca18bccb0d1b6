//! One run at one load: prompts made, the server's counters looked at, the window, the figures.

use std::collections::BTreeMap;

use anyhow::Context;
use indicatif::ProgressBar;
use load::{
    ApiKey, Body, DEFINITIONS, Job, Message, Prompt, Sampling, Silent, Summary, closed_loop, prefix_cache,
    prompts::{Counter, Line, Measure, Synthesis, WORDS},
};
use record::{ClientCertificate, Request};
use serde::Serialize;
use serde_json::json;
use units::Seconds;

use super::{
    args::{Args, Endpoint},
    pressure::{Level, Pressure},
    tokens::Tokens,
    workload::Source,
};
use crate::progress;

/// Warm-up requests of a point with a rate, at most.
const MOST_WARMUP: u32 = 32;
/// Words of the two probes that fit tokens to words; the longer one fits the smallest contexts.
const PROBES: (u32, u32) = (8, 72);

/// What every point shares.
pub(super) struct Runner<'a> {
    pub(super) args: &'a Args,
    pub(super) api_key: Option<ApiKey>,
    pub(super) seed: u64,
    pub(super) source: Source,
    pub(super) counter: Option<Tokens>,
    /// How far the client is proven on this machine.
    pub(super) certificate: Option<ClientCertificate>,
}

/// One point as printed and saved.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    pub(super) load: Level,
    pub(super) url: String,
    pub(super) model: String,
    /// What was asked for: arrivals, prompts, answers.
    pub(super) asked: serde_json::Value,
    /// Seed of this point's prompts and arrivals.
    pub(super) seed: u64,
    #[serde(flatten)]
    pub(super) summary: Summary,
    /// What a reader must know.
    pub(super) notes: Vec<String>,
    /// How far the client is proven on this machine, where `calibrate` was run.
    pub(super) client_certificate: Option<String>,
    pub(super) definitions: BTreeMap<&'static str, &'static str>,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) all_failed: Option<String>,
    #[serde(skip)]
    pub(super) hint: Option<&'static str>,
}

impl Runner<'_> {
    /// Runs one load. `index` numbers the points, each of which has prompts of its own.
    pub(super) fn run(&self, index: u64, level: Level) -> anyhow::Result<(Point, Vec<Request>)> {
        let args = self.args;
        // Steele, Lea and Flood 2014: the golden gamma keeps the seeds of points apart.
        let seed = self.seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let pressure = self.source.pressure(args).map_or_else(|| level.pressure(args, seed), Ok)?;
        let mut notes = Vec::new();
        let (job, asked) = self.job(seed, pressure, level, &mut notes)?;
        let bar = progress::bar(job.prompts.len() as u64, "requests", args.quiet || args.json);
        let before = prefix_cache::before(&args.url, self.api_key.as_ref());
        let outcome = load::run(&job, &Progress(bar.clone()));
        bar.finish_and_clear();
        let run = outcome?;
        let mut summary = load::summarise(&run, &args.limits());
        summary.prefix_cache = prefix_cache::after(&before, &args.url, self.api_key.as_ref(), &run);
        self.look(&summary, &mut notes);
        let all_failed = run.all_failed();
        let point = Point {
            load: level,
            url: args.url.clone(),
            model: args.model.clone(),
            asked,
            seed,
            summary,
            notes,
            client_certificate: self.certificate.as_ref().map(ClientCertificate::headline),
            definitions: DEFINITIONS.iter().copied().collect(),
            hint: run.requests.first().and_then(|request| load::hint(request.failure.as_deref()?)).filter(|_| all_failed.is_some()),
            all_failed,
        };
        Ok((point, run.requests))
    }

    fn job(&self, seed: u64, pressure: Pressure, level: Level, notes: &mut Vec<String>) -> anyhow::Result<(Job, serde_json::Value)> {
        let args = self.args;
        let measured = pressure.due.len();
        let default_warmup = match level {
            _ if !args.several() => 0,
            Level::Concurrency(streams) => streams,
            Level::Rate(_) | Level::Trace => pressure.streams.min(MOST_WARMUP),
        };
        let warmup = args.warmup.unwrap_or(default_warmup) as usize;
        let synthesis = self.synthesis(seed, notes)?;
        let prompts = (0..measured + warmup).map(|index| self.source.prompt(args, &synthesis, index, measured));
        let mut prompts: Vec<Prompt> = prompts.collect::<load::Result<_>>()?;
        let warm = prompts.split_off(measured);
        if matches!(&self.source, Source::Lines(lines) if lines.len() < measured + warmup) {
            notes.push("the file's prompts repeat, so a prefix cache may know them".to_owned());
        }
        let answers = if args.trace.is_some() { json!("the trace's") } else { json!(args.answer_tokens()) };
        let asked = json!({
            "arrivals": pressure.asked, "prompts": self.source.asked(measured), "max_tokens": answers, "forced_length": !args.natural_stop,
            "endpoint": args.endpoint, "temperature": args.temperature, "warmup": warmup, "streams": pressure.streams,
            "warmup_drained": false,
        });
        let job = Job {
            warmup: warm,
            prompts,
            arrivals: pressure.due,
            streams: pressure.streams,
            max_streams: args.max_streams,
            ..self.empty_job()
        };
        Ok((job, asked))
    }

    /// A job of nothing.
    fn empty_job(&self) -> Job {
        let args = self.args;
        Job {
            url: args.url.clone(),
            model: args.model.clone(),
            warmup: Vec::new(),
            // The window opens at the measured load; what the warm-up's last answers bring within it is credited to it.
            drain: false,
            prompts: Vec::new(),
            arrivals: Vec::new(),
            streams: 1,
            max_streams: None,
            sampling: Sampling { temperature: Some(args.temperature), seed: Some(self.seed), ignore_eos: !args.natural_stop },
            timeout: Seconds(args.timeout_s),
            api_key: self.api_key.clone(),
        }
    }

    fn synthesis(&self, seed: u64, notes: &mut Vec<String>) -> anyhow::Result<Synthesis<'_>> {
        if !self.source.counts_tokens() {
            return Ok(Synthesis::new(WORDS, None, seed)?);
        }
        if let Some(tokens) = &self.counter {
            self.check_counter(tokens, seed, notes)?;
            return Ok(Synthesis::new(tokens.words(), Some(Measure::Counted(tokens)), seed)?);
        }
        let line = self.fit(seed)?;
        notes.push(format!(
            "prompt lengths by usage: {:.2} tokens a word and {:.0} beside, as two probes showed; --tokenizer makes them exact",
            line.per_word, line.overhead
        ));
        Ok(Synthesis::new(WORDS, Some(Measure::Line(line)), seed)?)
    }

    /// Asks the server once what it counts, and takes over what it counts beside.
    fn check_counter(&self, tokens: &Tokens, seed: u64, notes: &mut Vec<String>) -> anyhow::Result<()> {
        let probe = Synthesis::new(tokens.words(), None, !seed)?.of_words(0, 16);
        let counted = tokens.tokens(&probe).map_err(anyhow::Error::msg)?;
        match self.probe(vec![probe])?.first() {
            Some(Ok(seen)) => {
                let beside = i64::from(*seen) - i64::from(counted);
                tokens.beside.set(tokens.beside.get() + beside);
                if tokens.beside.get() != 0 {
                    notes.push(format!(
                        "the server counts {} tokens beside what this tokenizer and its chat template say; they are reckoned with",
                        tokens.beside.get()
                    ));
                }
            }
            Some(Err(why)) if tokens.lacks_template() => {
                notes.push(format!("prompt lengths leave out the server's chat template, which neither tokenizer nor usage tells ({why})"));
            }
            _ => notes.push("prompt lengths by the tokenizer alone: the server told no usage.prompt_tokens".to_owned()),
        }
        Ok(())
    }

    /// Fits tokens to words by two probes.
    fn fit(&self, seed: u64) -> anyhow::Result<Line> {
        let words = Synthesis::new(WORDS, None, !seed)?;
        let seen = self.probe(vec![words.of_words(0, PROBES.0), words.of_words(1, PROBES.1)])?;
        let told: Result<Vec<u32>, String> = seen.into_iter().collect();
        let told =
            told.map_err(anyhow::Error::msg).context("probing how many tokens a word has; --tokenizer or --prompt-words needs no probe")?;
        Ok(Line::through((PROBES.0, told[0]), (PROBES.1, told[1]))?)
    }

    /// Prompt tokens by usage of some texts, asked one after another before any window.
    fn probe(&self, texts: Vec<String>) -> anyhow::Result<Vec<Result<u32, String>>> {
        let body = |text: String| match self.args.endpoint {
            Endpoint::Chat => Body::Messages(vec![Message { role: "user".to_owned(), content: text }]),
            Endpoint::Completions => Body::Text(text),
        };
        let prompts: Vec<Prompt> = texts.into_iter().map(|text| Prompt { item: String::new(), body: body(text), max_tokens: 1 }).collect();
        let job = Job { arrivals: closed_loop(prompts.len()).collect(), prompts, ..self.empty_job() };
        let told = |request: Request| match request.failure {
            Some(failure) => Err(failure),
            None => request.prompt_tokens.ok_or_else(|| "no usage.prompt_tokens was told".to_owned()),
        };
        Ok(load::run(&job, &Silent)?.requests.into_iter().map(told).collect())
    }

    /// What a reader must know of the figures.
    fn look(&self, summary: &Summary, notes: &mut Vec<String>) {
        if summary.prefix_cache.flagged
            && let Ok(share) = summary.prefix_cache.share().known()
        {
            notes.push(format!(
                "{:.1}% of the prompt tokens came from a prefix cache, more than 1%: TTFT and throughput flatter the server",
                share * 100.0
            ));
        }
        if summary.chunks_are_not_tokens > 0 {
            notes.push(format!(
                "{} answers had another number of events with text than tokens: ITL is by usage, gaps between events are inter_chunk_ms",
                summary.chunks_are_not_tokens
            ));
        }
        if let (Source::Tokens(asked), Some(seen)) = (&self.source, summary.prompt_tokens)
            && self.counter.is_some()
            && (seen.min, seen.max) != (*asked, *asked)
        {
            notes.push(format!("prompts of {asked} tokens were asked for and the server counted {} to {}", seen.min, seen.max));
        }
        if let Some(bound) = self.client_bound(summary) {
            notes.push(bound);
        }
        if summary.came.connections_in_window > 0 {
            notes.push(format!(
                "{} connections were opened within the window, and their time is in the latencies; --concurrency opens more before it",
                summary.came.connections_in_window
            ));
        }
    }
}

impl Runner<'_> {
    /// Whether the load was beyond what the client is proven for on this machine: its figures may then be the client's limit.
    fn client_bound(&self, summary: &Summary) -> Option<String> {
        let truthful = self.certificate.as_ref()?.truthful();
        let Ok(proven) = truthful.known() else { return Some("client-bound: the client is not proven on this machine".to_owned()) };
        let peak = summary.came.peak_concurrency;
        (peak > proven.streams)
            .then(|| format!("client-bound: {peak} requests at once are beyond the {} for which the client is proven here", proven.streams))
    }
}

struct Progress(ProgressBar);

impl load::Observer for Progress {
    fn answered(&self, _failed: bool) {
        self.0.inc(1);
    }
}
