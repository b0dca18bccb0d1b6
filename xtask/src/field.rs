//! How truthful load clients are: ours and the field's, each against a fresh mock whose own truth is the measure.
//!
//! Every client asks for the same: so many streams in the closed loop, so many requests each, every request counted, the first
//! burst too. What a client says (its mean TTFT and ITL) is set beside what the mock did (from a request's arrival to the first
//! write of text; between two writes of text). Clients of others are run only when they are named; nothing is installed here.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// What to drive, and how hard.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The program to examine; its mock serves all clients
    #[arg(long, default_value = "target/release/edge-eval")]
    edge_eval: PathBuf,
    /// The executable of `GuideLLM`
    #[arg(long)]
    guidellm: Option<PathBuf>,
    /// The executable of `AIPerf`
    #[arg(long)]
    aiperf: Option<PathBuf>,
    /// A folder with a tokenizer and a config.json, which both need
    #[arg(long)]
    tokenizer: Option<PathBuf>,
    /// Streams
    #[arg(long, value_delimiter = ',', default_value = "1,8,64,256,1000,2000")]
    streams: Vec<u32>,
    /// Requests of each stream
    #[arg(long, default_value_t = 10)]
    requests_per_stream: u32,
    /// Tokens of each answer
    #[arg(long, default_value_t = 64)]
    tokens: u32,
    /// A client is not driven beyond so many streams when it is not ours: the slow ones take minutes there
    #[arg(long, default_value_t = 1000)]
    most_streams_of_others: u32,
}

/// A client and how it is driven.
struct Client<'a> {
    name: &'static str,
    command: Box<dyn Fn(&Load<'_>) -> Command + 'a>,
    /// Where its report has the mean TTFT and ITL in milliseconds, in its own file or on stdout.
    means: fn(&Value) -> Option<(f64, f64)>,
    ours: bool,
}

/// What one client is to do.
struct Load<'a> {
    url: &'a str,
    streams: u32,
    requests: u32,
    tokens: u32,
    /// Where it writes its report.
    report: &'a Path,
}

/// Prints the table as Markdown, a row as soon as it is known.
pub(crate) fn run(options: &Options) -> Result<()> {
    println!("| streams | client | requests | true TTFT, ms | said | error | true ITL, ms | said | error |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for &streams in &options.streams {
        for client in clients(options)? {
            if client.ours || streams <= options.most_streams_of_others {
                match row(options, &client, streams) {
                    Ok(row) => println!("{row}"),
                    Err(why) => println!("| {streams} | {} | - | - | - | - | - | - | {why:#} |", client.name),
                }
            }
        }
    }
    Ok(())
}

fn clients(options: &Options) -> Result<Vec<Client<'_>>> {
    let mut clients = vec![ours(&options.edge_eval)];
    if options.guidellm.is_none() && options.aiperf.is_none() {
        return Ok(clients);
    }
    let tokenizer = options.tokenizer.as_deref().context("--tokenizer is needed: the clients of others count tokens by it")?;
    clients.extend(options.guidellm.as_deref().map(|program| guidellm(program, tokenizer)));
    clients.extend(options.aiperf.as_deref().map(|program| aiperf(program, tokenizer)));
    Ok(clients)
}

fn ours(program: &Path) -> Client<'_> {
    Client {
        name: "edge-eval",
        command: Box::new(move |load| {
            let mut command = Command::new(program);
            command.args(["load", "--json", "--quiet", "--model", "mock", "--url", load.url]);
            flags(&mut command, &[("--concurrency", load.streams), ("--requests", load.requests), ("--max-tokens", load.tokens)]);
            command
        }),
        means: |said| Some((said["ttft_ms"]["mean"].as_f64()?, said["itl_ms"]["mean"].as_f64()?)),
        ours: true,
    }
}

fn guidellm<'a>(program: &'a Path, tokenizer: &'a Path) -> Client<'a> {
    Client {
        name: "GuideLLM",
        command: Box::new(move |load| {
            let mut command = Command::new(program);
            command.args(["run", "--disable-console"]);
            command.arg("--backend").arg(format!("kind=openai_http,target={},model=mock", load.url));
            command.arg("--profile").arg(format!("kind=concurrent,streams={}", load.streams));
            command.arg("--constraint").arg(format!("kind=max_requests,count={}", load.requests));
            command.arg("--tokenizer").arg(format!("kind=hf_auto,model={}", tokenizer.display()));
            command.arg("--data").arg(format!("kind=synthetic_text,prompt_tokens=64,output_tokens={}", load.tokens));
            command.arg("--output").arg(format!("kind=json,path={}", load.report.display()));
            command
        }),
        means: |said| {
            let metrics = &said["benchmarks"][0]["metrics"];
            let mean = |name: &str| metrics[name]["successful"]["mean"].as_f64();
            Some((mean("time_to_first_token_ms")?, mean("inter_token_latency_ms")?))
        },
        ours: false,
    }
}

fn aiperf<'a>(program: &'a Path, tokenizer: &'a Path) -> Client<'a> {
    Client {
        name: "AIPerf",
        command: Box::new(move |load| {
            let mut command = Command::new(program);
            command.args(["profile", "-m", "mock", "--url", load.url, "--endpoint-type", "chat", "--streaming", "--ui", "none"]);
            command.args(["--output-tokens-stddev", "0", "--synthetic-input-tokens-mean", "64", "--use-server-token-count"]);
            command.args(["--extra-inputs", "ignore_eos:true"]);
            flags(
                &mut command,
                &[("--concurrency", load.streams), ("--request-count", load.requests), ("--output-tokens-mean", load.tokens)],
            );
            command.arg("--tokenizer").arg(tokenizer);
            // It names its report itself.
            command.arg("--artifact-dir").arg(load.report.with_extension("aiperf"));
            command
        }),
        means: |said| Some((said["time_to_first_token"]["avg"].as_f64()?, said["inter_token_latency"]["avg"].as_f64()?)),
        ours: false,
    }
}

fn flags(command: &mut Command, flags: &[(&str, u32)]) {
    for (name, value) in flags {
        command.arg(name).arg(value.to_string());
    }
}

/// One client against a fresh mock.
fn row(options: &Options, client: &Client<'_>, streams: u32) -> Result<String> {
    let folder = tempfile::tempdir().context("making a folder for reports")?;
    let (truth_file, report) = (folder.path().join("truth.jsonl"), folder.path().join("report.json"));
    let (mut mock, url) = mock(&options.edge_eval, &truth_file)?;
    let load = Load { url: &url, streams, requests: streams * options.requests_per_stream, tokens: options.tokens, report: &report };
    let said = drive(client, &load);
    let ended = interrupt(&mut mock);
    let (said_ttft, said_itl) = (client.means)(&said?).context("its report lacks the mean TTFT or ITL")?;
    ended?;
    let truth = Truth::read(&truth_file, options.tokens)?;
    ensure!(truth.requests > 0, "the mock saw no whole request");
    let Truth { ttft_ms, itl_ms, requests } = truth;
    Ok(format!(
        "| {streams} | {} | {requests} | {ttft_ms:.3} | {said_ttft:.3} | {:+.3} | {itl_ms:.4} | {said_itl:.4} | {:+.4} |",
        client.name,
        said_ttft - ttft_ms,
        said_itl - itl_ms
    ))
}

/// Starts the mock; gives it and its address.
fn mock(program: &Path, truth: &Path) -> Result<(Child, String)> {
    let mut mock = Command::new(program)
        .args(["mock", "--ttft-ms", "50", "--itl-ms", "10", "--truth"])
        .arg(truth)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let mut url = String::new();
    BufReader::new(mock.stdout.take().context("its stdout is piped")?).read_line(&mut url).context("reading the mock's address")?;
    Ok((mock, url.trim().to_owned()))
}

fn drive(client: &Client<'_>, load: &Load<'_>) -> Result<Value> {
    let output = (client.command)(load).stdin(Stdio::null()).output().with_context(|| format!("starting {}", client.name))?;
    let its_own = load.report.with_extension("aiperf").join("profile_export_aiperf.json");
    let file = [load.report, &its_own].into_iter().find(|file| file.is_file());
    let said = match file {
        Some(file) => serde_json::from_reader(BufReader::new(File::open(file)?)),
        None => serde_json::from_slice(&output.stdout),
    };
    said.with_context(|| format!("{} ended with {} and without a report", client.name, output.status))
}

/// Ends the mock as a user would, so that it writes its truth.
fn interrupt(mock: &mut Child) -> Result<()> {
    let sent = Command::new("kill").arg("-INT").arg(mock.id().to_string()).status().context("running kill")?;
    if !sent.success() {
        bail!("the mock had ended before it was told to");
    }
    mock.wait().context("waiting for the mock")?;
    Ok(())
}

/// What the mock did, over its whole answers of the asked length: a client's own probes before the run are not among them.
struct Truth {
    ttft_ms: f64,
    itl_ms: f64,
    requests: usize,
}

impl Truth {
    fn read(file: &Path, tokens: u32) -> Result<Self> {
        let (mut ttft, mut gaps) = (Vec::new(), Vec::new());
        for line in BufReader::new(File::open(file).context("opening the mock's truth")?).lines() {
            let served: Value = serde_json::from_str(&line?).context("reading the mock's truth")?;
            if served["whole"] != true || served["tokens"] != tokens {
                continue;
            }
            let instants = served["written"].as_array().context("a truth without instants")?;
            let written: Vec<f64> = instants.iter().filter_map(Value::as_f64).collect();
            let arrived = served["arrived"].as_f64().context("a truth without an arrival")?;
            ttft.extend(written.first().map(|first| (first - arrived) / 1e6));
            gaps.extend(written.windows(2).map(|pair| (pair[1] - pair[0]) / 1e6));
        }
        Ok(Self { requests: ttft.len(), ttft_ms: mean(&ttft), itl_ms: mean(&gaps) })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
