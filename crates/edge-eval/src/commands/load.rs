//! `edge-eval load`: puts load on any OpenAI-compatible server and says what was seen.

use std::path::PathBuf;

use ::load::{ApiKey, Body, Job, Message, Prompt, Sampling, Summary};
use anyhow::{Context, bail};
use indicatif::ProgressBar;
use units::Seconds;

use crate::{end::End, env, print, progress};

/// Put load on an OpenAI-compatible server and report latencies and throughput
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  edge-eval load --url http://127.0.0.1:8000 --model tiny --concurrency 4 --requests 64 --max-tokens 64 --json"
)]
pub(crate) struct Args {
    /// The server's address, with or without /v1
    #[arg(long)]
    url: String,
    /// The model name sent with every request
    #[arg(long)]
    model: String,
    /// Streams kept open
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    concurrency: u32,
    /// Measured requests
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    requests: u32,
    /// Requests before them, not measured
    #[arg(long, default_value_t = 0)]
    warmup: u32,
    /// Longest answer, in tokens
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
    /// One prompt a line, used in turn; without it numbered synthetic prompts, each different from its first word
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Words of a synthetic prompt
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    prompt_words: u32,
    /// Let answers end by themselves; without it their length is forced (ignore_eos)
    #[arg(long)]
    natural_stop: bool,
    /// Sampling temperature
    #[arg(long, default_value_t = 0.0)]
    temperature: f64,
    /// Seed of the server's sampler and of the synthetic prompts
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// A request is given up after this many seconds
    #[arg(long, default_value_t = 600.0, value_name = "S")]
    timeout_s: f64,
    /// Name of the environment variable that holds the API key
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let job = job(args)?;
    let bar = progress::bar(u64::from(args.requests), "requests", args.quiet || args.json);
    let outcome = ::load::run(&job, &Progress(bar.clone()));
    bar.finish_and_clear();
    let summary = ::load::summarise(&outcome?);
    if args.json {
        print::json(&summary)?;
    } else {
        print::data(&table(&summary))?;
    }
    Ok(if summary.requests_failed > 0 { End::Failed } else { End::Done })
}

struct Progress(ProgressBar);

impl ::load::Observer for Progress {
    fn answered(&self, _failed: bool) {
        self.0.inc(1);
    }
}

fn job(args: &Args) -> anyhow::Result<Job> {
    let api_key = match &args.api_key_env {
        Some(name) => Some(ApiKey::new(env::api_key(name).with_context(|| format!("the environment variable {name} is not set"))?)),
        None => None,
    };
    let texts = match &args.prompts {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading the prompts {}", path.display()))?;
            let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
            if lines.is_empty() {
                bail!("{} holds no prompt: write one a line", path.display());
            }
            lines
        }
        None => Vec::new(),
    };
    let prompt = |index: u32| {
        let text = match texts.len() {
            0 => synthetic(args.seed, index, args.prompt_words),
            n => texts[index as usize % n].clone(),
        };
        let message = Message { role: "user".to_owned(), content: text };
        Prompt { item: String::new(), body: Body::Messages(vec![message]), max_tokens: args.max_tokens }
    };
    Ok(Job {
        url: args.url.clone(),
        model: args.model.clone(),
        warmup: (0..args.warmup).map(|i| prompt(args.requests + i)).collect(),
        prompts: (0..args.requests).map(prompt).collect(),
        concurrency: args.concurrency,
        sampling: Sampling { temperature: Some(args.temperature), seed: Some(args.seed), ignore_eos: !args.natural_stop },
        timeout: Seconds(args.timeout_s),
        api_key,
    })
}

/// A prompt that shares no prefix with another: its first word is its number.
fn synthetic(seed: u64, index: u32, words: u32) -> String {
    const WORDS: [&str; 16] = [
        "river", "market", "winter", "letter", "garden", "engine", "harbour", "village", "teacher", "summer", "bridge", "window", "forest",
        "council", "railway", "museum",
    ];
    let mut state = seed ^ (u64::from(index) << 32) ^ 0x9E37_79B9_7F4A_7C15;
    let mut text = format!("{index}-{seed}:");
    for _ in 1..words {
        // Steele, Lea and Flood 2014, SplitMix64: enough to pick words.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        text.push(' ');
        text += WORDS[(mixed >> 60) as usize];
    }
    text
}

fn table(summary: &Summary) -> String {
    let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let mut text = format!("{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}{:>8}\n", "ms", "mean", "p50", "p90", "p95", "p99", "n");
    for (name, d) in [
        ("ttft", &summary.ttft_ms),
        ("itl", &summary.itl_ms),
        ("tpot", &summary.tpot_ms),
        ("e2e", &summary.e2e_ms),
        ("lateness", &summary.lateness_ms),
    ] {
        text += &format!(
            "{name:<14}{:>10}{:>10}{:>10}{:>10}{:>10}{:>8}\n",
            cell(d.mean),
            cell(d.p50),
            cell(d.p90),
            cell(d.p95),
            cell(d.p99),
            d.n
        );
    }
    text += &format!("throughput    {} tokens/s over {:.2} s\n", cell(summary.throughput_tok_s), summary.window_s);
    text += &format!("requests      {} ok, {} failed\n", summary.requests_ok, summary.requests_failed);
    for (word, count) in &summary.failures {
        text += &format!("  failed      {count} {word}\n");
    }
    for (field, reason) in &summary.missing {
        text += &format!("  -           {field}: {reason}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_prompts_have_the_asked_length_and_no_common_first_word() {
        let a = synthetic(1, 0, 8);
        let b = synthetic(1, 1, 8);
        assert_eq!(a.split(' ').count(), 8);
        assert_ne!(a.split(' ').next(), b.split(' ').next());
        assert_eq!(a, synthetic(1, 0, 8));
    }
}
