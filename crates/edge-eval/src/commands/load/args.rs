//! The flags, in groups. What goes with what is checked in `check.rs`; here they are only named.

use std::path::PathBuf;

use clap::ValueEnum;
use load::Limits;

use super::pressure::Level;

/// Put load on an OpenAI-compatible server and report latencies and throughput
///
/// The closed loop keeps `--concurrency` streams busy. With `--rate` or `--trace` requests are sent when they are due, whether or not
/// earlier ones were answered, and every latency counts from the due time. Prompts are fresh in every run unless `--seed` repeats them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  edge-eval load --url http://127.0.0.1:8000 --model tiny --concurrency 4 --requests 64 --max-tokens 64 --json
  edge-eval load --url http://127.0.0.1:8000 --model tiny --rate 5 --duration-s 60 --arrivals gamma --burstiness 0.5
  edge-eval load --url http://127.0.0.1:8000 --model tiny --trace AzureLLMInferenceTrace_conv.csv --time-scale 0.1 --tokenizer model/
  edge-eval load --url http://127.0.0.1:8000 --model tiny --sweep-concurrency 1,2,4,8,16 --out points.jsonl
  edge-eval load --url http://127.0.0.1:8000 --model tiny --search rate --slo ttft:200,itl:20

Exit codes: 0 done, 1 a request failed, 2 bad arguments.")]
pub(crate) struct Args {
    /// The server's address, with or without /v1
    #[arg(long, help_heading = "Server")]
    pub(super) url: String,
    /// The model name sent with every request
    #[arg(long, help_heading = "Server")]
    pub(super) model: String,
    /// Which call: chat sends messages, completions plain text
    #[arg(long, value_enum, default_value_t = Endpoint::Chat, help_heading = "Server")]
    pub(super) endpoint: Endpoint,
    /// Name of the environment variable that holds the API key
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    pub(super) api_key_env: Option<String>,
    /// A request is given up after this many seconds
    #[arg(long, default_value_t = 600.0, value_name = "S", help_heading = "Server")]
    pub(super) timeout_s: f64,

    /// Streams of the closed loop [default: 1]; with --rate or --trace, connections opened before the window
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "How hard")]
    pub(super) concurrency: Option<u32>,
    /// Measured requests [default: 8 a stream or 10 s of the rate, at least 32; the whole trace]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000), help_heading = "How hard")]
    pub(super) requests: Option<u32>,
    /// With --rate or --trace: the requests that are due within so many seconds
    #[arg(long, value_name = "S", help_heading = "How hard")]
    pub(super) duration_s: Option<f64>,
    /// Requests before them, not measured, at the same concurrency [default: 0; a stream each in sweeps and searches]
    #[arg(long, value_name = "N", help_heading = "How hard")]
    pub(super) warmup: Option<u32>,
    /// With --rate or --trace: most streams at once; requests beyond wait, and their wait is in their latency
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "How hard")]
    pub(super) max_streams: Option<u32>,

    /// Requests a second, sent when they are due
    #[arg(long, value_name = "R", help_heading = "Arrivals")]
    pub(super) rate: Option<f64>,
    /// The law of the gaps [default: poisson]
    #[arg(long, value_enum, help_heading = "Arrivals")]
    pub(super) arrivals: Option<Law>,
    /// Shape of gamma gaps: under 1 is burstier than Poisson, above 1 more even
    #[arg(long, value_name = "B", help_heading = "Arrivals")]
    pub(super) burstiness: Option<f64>,
    /// The rate at the end of a ramp from --rate over the window
    #[arg(long, value_name = "R", help_heading = "Arrivals")]
    pub(super) ramp_to: Option<f64>,
    /// A recorded trace: Azure's CSV, Mooncake's JSON lines, or arrival_ns,input_tokens,output_tokens
    #[arg(long, value_name = "FILE", help_heading = "Arrivals")]
    pub(super) trace: Option<PathBuf>,
    /// Stretches the trace's time: 0.1 replays it ten times as fast [default: 1]
    #[arg(long, value_name = "X", help_heading = "Arrivals")]
    pub(super) time_scale: Option<f64>,

    /// Tokens of every prompt, the chat template's among them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_777_216), help_heading = "Prompts and answers")]
    pub(super) prompt_tokens: Option<u32>,
    /// The server's tokenizer, a model folder or its tokenizer.json: makes prompt lengths exact; without it usage tells them
    #[arg(long, value_name = "PATH", help_heading = "Prompts and answers")]
    pub(super) tokenizer: Option<PathBuf>,
    /// Words of every prompt [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Prompts and answers")]
    pub(super) prompt_words: Option<u32>,
    /// One prompt a line, used in turn
    #[arg(long, value_name = "FILE", help_heading = "Prompts and answers")]
    pub(super) prompts: Option<PathBuf>,
    /// Longest answer, in tokens [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Prompts and answers")]
    pub(super) max_tokens: Option<u32>,
    /// Let answers end by themselves; without it their length is forced (ignore_eos)
    #[arg(long, help_heading = "Prompts and answers")]
    pub(super) natural_stop: bool,
    /// Sampling temperature
    #[arg(long, default_value_t = 0.0, value_name = "T", help_heading = "Prompts and answers")]
    pub(super) temperature: f64,
    /// Seed of prompts, arrivals and the server's sampler [default: another each time, told in the output]
    #[arg(long, value_name = "N", help_heading = "Prompts and answers")]
    pub(super) seed: Option<u64>,

    /// A run at each of these concurrencies, such as 1,2,4,8
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Sweep and search")]
    pub(super) sweep_concurrency: Option<Vec<u32>>,
    /// A run at each of these rates, such as 1,2,5
    #[arg(long, value_name = "R,…", value_delimiter = ',', help_heading = "Sweep and search")]
    pub(super) sweep_rate: Option<Vec<f64>>,
    /// Look for the highest load that keeps to --slo, from --rate or --concurrency on
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Sweep and search")]
    pub(super) search: Option<What>,
    /// The search goes no further [default: 4096 streams or 10000 requests a second]
    #[arg(long, value_name = "LOAD", help_heading = "Sweep and search")]
    pub(super) search_max: Option<f64>,
    /// Limits in ms a request must keep to, such as ttft:200,itl:20,tpot:30,e2e:5000; gives goodput
    #[arg(long, value_name = "LIMITS", help_heading = "Sweep and search")]
    pub(super) slo: Option<Limits>,
    /// Share of requests that must keep to the limits
    #[arg(long, default_value_t = 0.95, value_name = "SHARE", help_heading = "Sweep and search")]
    pub(super) attainment: f64,
    /// Seconds of rest between two runs
    #[arg(long, default_value_t = 1.0, value_name = "S", help_heading = "Sweep and search")]
    pub(super) cool_down_s: f64,

    /// Print JSON: one object, or with a sweep or search one with its points
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
    /// A line of JSON for each run, written as it ends
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) out: Option<PathBuf>,
    /// One row a request with every instant, as Parquet
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) save: Option<PathBuf>,
    /// No progress on stderr
    #[arg(long, short, help_heading = "Output")]
    pub(super) quiet: bool,
}

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Endpoint {
    Chat,
    Completions,
}

/// A law of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Law {
    Constant,
    Poisson,
    Gamma,
    Ramp,
}

/// What a search raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    Rate,
    Concurrency,
}

impl Args {
    /// The load of a single run.
    pub(super) fn level(&self) -> Level {
        match (self.trace.is_some(), self.rate) {
            (true, _) => Level::Trace,
            (false, Some(rate)) => Level::Rate(rate),
            (false, None) => Level::Concurrency(self.concurrency.unwrap_or(1)),
        }
    }

    /// The grid of loads, where one was given.
    pub(super) fn sweep(&self) -> Option<Vec<Level>> {
        let concurrencies = self.sweep_concurrency.as_ref().map(|all| all.iter().map(|n| Level::Concurrency(*n)).collect());
        concurrencies.or_else(|| self.sweep_rate.as_ref().map(|all| all.iter().map(|rate| Level::Rate(*rate)).collect()))
    }

    /// Whether there are several runs.
    pub(super) fn several(&self) -> bool {
        self.search.is_some() || self.sweep_concurrency.is_some() || self.sweep_rate.is_some()
    }

    /// Limits, none of them without `--slo`.
    pub(super) fn limits(&self) -> Limits {
        self.slo.unwrap_or_default()
    }

    /// Longest answer where no trace tells it.
    pub(super) fn answer_tokens(&self) -> u32 {
        self.max_tokens.unwrap_or(64)
    }
}
