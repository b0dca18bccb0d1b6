//! `edge-eval mock`: a server of known truth, to try clients on.

use std::path::PathBuf;

use ::load::mock::{Behaviour, Distribution, Mock, Rule, Script, Spread, Stall, Truth, Usage};
use anyhow::Context;
use serde_json::json;

use crate::{
    end::End,
    gate, print, signals,
    stage::{Protocol, StageArgs},
};

/// Serve scripted answers with an OpenAI-compatible API, and record what was truly done when
///
/// Prints its address, serves until it is interrupted, then prints what was true. Times are milliseconds or a distribution: 50,
/// uniform:40:60, normal:50:5, lognormal:50:0.3 (median, sigma), exponential:50. The truth so far is at /truth, one JSON object a
/// request; POST /truth/reset forgets it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval mock --ttft 'lognormal:50:0.3' --itl 10 --truth truth.jsonl\n  edge-eval mock --status 429 --every 10\n\nA script file:\n  threads = 2\n  [answer]\n  ttft_ms = \"lognormal:50:0.3\"\n  itl_ms = 10\n  [[rule]]\n  requests = [0, 5]\n  answer = { stalls = [{ token = 3, ms = 200 }] }"
)]
pub(crate) struct Args {
    /// A script in TOML; flags are put over it
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Port on 127.0.0.1; 0 lets the system choose one
    #[arg(long)]
    port: Option<u16>,
    /// Worker threads, each with its share of the connections
    #[arg(long)]
    threads: Option<u32>,
    /// Seed of every draw
    #[arg(long)]
    seed: Option<u32>,
    /// Write the truth here when it ends, one JSON object a request
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    #[command(flatten)]
    answer: Answer,
    /// What goes wrong does so in every n-th request only
    #[arg(long, value_name = "N")]
    every: Option<u32>,
    #[command(flatten)]
    faults: Faults,
    #[command(flatten)]
    stage: StageArgs,
}

/// How every request is answered.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Every answer")]
struct Answer {
    /// From a request's arrival to its first token
    #[arg(long, visible_alias = "ttft-ms", value_name = "MS|DIST")]
    ttft: Option<Distribution>,
    /// Between two tokens; at 0 as fast as the machine can
    #[arg(long, visible_alias = "itl-ms", value_name = "MS|DIST")]
    itl: Option<Distribution>,
    /// Tokens of an answer, whatever is asked for
    #[arg(long, value_name = "N")]
    tokens: Option<u32>,
    /// Tokens in one event
    #[arg(long, value_name = "N")]
    tokens_per_event: Option<u32>,
    /// Events in one write
    #[arg(long, value_name = "N")]
    events_per_write: Option<u32>,
    /// An event with the role alone so long after the arrival
    #[arg(long, value_name = "MS")]
    role_after_ms: Option<f64>,
    /// So many of the first tokens are reasoning
    #[arg(long, value_name = "N")]
    reasoning_tokens: Option<u32>,
    /// usage.prompt_tokens; the words of the prompt without it
    #[arg(long, value_name = "N")]
    prompt_tokens: Option<u32>,
    /// usage.prompt_tokens_details.cached_tokens, and vLLM's prefix-cache counters at /metrics
    #[arg(long, value_name = "N")]
    cached_tokens: Option<u32>,
    /// Close the connection after each answer
    #[arg(long)]
    close: bool,
}

/// What goes wrong, in every request or in every n-th.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What goes wrong")]
struct Faults {
    /// A status other than 200
    #[arg(long, value_name = "CODE")]
    status: Option<u16>,
    /// A pause before a token, such as 3:200 for 200 ms before token 3
    #[arg(long, value_name = "TOKEN:MS", value_parser = stall)]
    stall: Vec<Stall>,
    /// Headers so long after the arrival
    #[arg(long, value_name = "MS")]
    headers_after_ms: Option<f64>,
    /// Close the connection after so many events
    #[arg(long, value_name = "N")]
    close_after_events: Option<u32>,
    /// Reset the connection after so many events
    #[arg(long, value_name = "N")]
    reset_after_events: Option<u32>,
    /// This event, from 0, is JSON cut short
    #[arg(long, value_name = "N")]
    malformed_event: Option<u32>,
    /// Write the last event by half and close
    #[arg(long)]
    half_event: bool,
    /// Never end an answer
    #[arg(long)]
    never_ends: bool,
    /// true, missing or lying
    #[arg(long, value_name = "HOW")]
    usage: Option<Usage>,
    /// Another content type
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Answer with bytes that are no HTTP
    #[arg(long)]
    garbage: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let protocol = Protocol::begin(&args.stage)?;
    protocol.end(serve(args, protocol))
}

fn serve(args: &Args, protocol: Protocol) -> anyhow::Result<serde_json::Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the event loop")?;
    let mock = Mock::start(script(args)?)?;
    if args.stage.json {
        let address = mock.address();
        protocol.mark_with("listening", &json!({"address": address, "port": address.port(), "url": mock.url()}));
    } else {
        print::data(&format!("{}\n", mock.url()))?;
    }
    runtime.block_on(signals::stopped());
    let truth = mock.stop().truth;
    if let Some(path) = &args.truth {
        std::fs::write(path, truth.to_jsonl()).with_context(|| format!("writing the truth to {}", path.display()))?;
    }
    if !args.stage.json {
        gate::note(&summary(&truth));
    }
    let answered = truth.requests.iter().filter(|served| served.whole).count();
    Ok(json!({
        "requests": truth.requests.len(), "whole": answered, "connections": truth.connections, "refused": truth.refused,
        "ttft_ms": truth.ttft_ms(), "gap_ms": truth.gaps_ms(), "late_ms": truth.late_ms(),
    }))
}

fn script(args: &Args) -> anyhow::Result<Script> {
    let mut script = match &args.script {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading the script {}", path.display()))?;
            Script::parse(&text).with_context(|| path.display().to_string())?
        }
        None => Script::default(),
    };
    script.port = args.port.unwrap_or(script.port);
    script.threads = args.threads.unwrap_or(script.threads);
    script.seed = args.seed.unwrap_or(script.seed);
    script.answer = script.answer.with(&args.answer.behaviour());
    match args.every {
        Some(every) => script.rules.push(Rule { every: Some(every), requests: Vec::new(), answer: args.faults.behaviour() }),
        None => script.answer = script.answer.with(&args.faults.behaviour()),
    }
    Ok(script)
}

impl Answer {
    fn behaviour(&self) -> Behaviour {
        Behaviour {
            ttft_ms: self.ttft,
            itl_ms: self.itl,
            tokens: self.tokens,
            tokens_per_event: self.tokens_per_event,
            events_per_write: self.events_per_write,
            role_after_ms: self.role_after_ms,
            reasoning_tokens: self.reasoning_tokens,
            prompt_tokens: self.prompt_tokens,
            cached_tokens: self.cached_tokens,
            close: self.close.then_some(true),
            ..Behaviour::default()
        }
    }
}

impl Faults {
    fn behaviour(&self) -> Behaviour {
        Behaviour {
            status: self.status,
            stalls: (!self.stall.is_empty()).then(|| self.stall.clone()),
            headers_after_ms: self.headers_after_ms,
            close_after_events: self.close_after_events,
            reset_after_events: self.reset_after_events,
            malformed_event: self.malformed_event,
            half_event: self.half_event.then_some(true),
            never_ends: self.never_ends.then_some(true),
            usage: self.usage,
            content_type: self.content_type.clone(),
            garbage: self.garbage.then_some(true),
            ..Behaviour::default()
        }
    }
}

fn stall(text: &str) -> Result<Stall, String> {
    let (token, ms) = text.split_once(':').ok_or("a stall is TOKEN:MS, such as 3:200")?;
    let token = token.parse().map_err(|_| format!("'{token}' is no token's number"))?;
    let ms = ms.parse().map_err(|_| format!("'{ms}' is no number of milliseconds"))?;
    Ok(Stall { token, ms })
}

fn summary(truth: &Truth) -> String {
    let spread = |name: &str, spread: Option<Spread>| match spread {
        Some(Spread { n, mean, p99, max }) => format!("{name:<16}mean {mean:.3}  p99 {p99:.3}  max {max:.3} ms  n={n}\n"),
        None => format!("{name:<16}-\n"),
    };
    let whole = truth.requests.iter().filter(|served| served.whole).count();
    let mut text = format!("{} requests, {whole} answered whole, {} connections\n", truth.requests.len(), truth.connections);
    text += &spread("true TTFT", truth.ttft_ms());
    text += &spread("true gap", truth.gaps_ms());
    text += &spread("own lateness", truth.late_ms());
    for reason in truth.refused.iter().take(5) {
        text += &format!("refused         {reason}\n");
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(line: &str) -> anyhow::Result<Script> {
        script(&Line::try_parse_from(line.split(' '))?.args)
    }

    #[test]
    fn flags_are_a_script() {
        let script = parsed("mock --ttft-ms 5 --itl uniform:1:2 --threads 2 --status 429 --stall 3:200 --every 10 --close").unwrap();
        let expected = "threads = 2\n[answer]\nttft_ms = 5\nitl_ms = 'uniform:1:2'\nclose = true\n[[rule]]\nevery = 10\n[rule.answer]\nstatus = 429\nstalls = [{ token = 3, ms = 200 }]";
        assert_eq!(script, Script::parse(expected).unwrap());
    }

    #[test]
    fn a_word_that_is_no_distribution_is_told_with_those_that_are() {
        let error = parsed("mock --ttft gauss:1:2").unwrap_err().to_string();
        assert!(error.contains("lognormal:MEDIAN:SIGMA"), "{error}");
    }
}
