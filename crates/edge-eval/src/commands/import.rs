//! `edge-eval import`: the deployment metrics of runs that other benchmarks made, from their result files and what the caller adds.

mod table;

use std::path::{Path, PathBuf};

use ::import::{Api, Format, Given, Imported, Scores, Source, TaskScore};
use anyhow::{Context, ensure};
use units::{Bytes, Dollars, Joules, Missing, Seconds, Watts};

use crate::{end::End, print};

/// Compute the figures of runs that other benchmarks made: AIPerf, GuideLLM, vllm bench serve, llama-bench, lm-evaluation-harness
#[derive(Debug, clap::Args)]
#[command(after_help = "Formats: aiperf, guidellm, llama-bench, lm-eval, vllm-bench; told by a file's keys unless --from names one.\n\n\
    What no file tells is given by flags; a figure whose inputs are not there says which is missing.\n\n\
    Examples:\n  edge-eval import profile_export.jsonl --energy-j 5200 --gpu-gb 12.4\n  \
    edge-eval import bench.json results_int4.json --baseline results_fp16.json --mark acc,none --energy-j 900 --json")]
pub(crate) struct Args {
    /// Result files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Their format, instead of telling it by their keys
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    from: Option<&'static Format>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The measurements are repeated runs of one configuration: their figures get intervals
    #[arg(long)]
    repeated: bool,
    /// Gross energy of the requests, in joules; once for each measurement, in the files' order
    #[arg(long, value_name = "J", value_parser = positive)]
    energy_j: Vec<f64>,
    /// Power of the same devices with nothing running, in watts
    #[arg(long, value_name = "W", value_parser = not_negative)]
    idle_w: Option<f64>,
    /// Gross energy of a cold start, from spawn to the first token, in joules
    #[arg(long, value_name = "J", value_parser = positive)]
    cold_start_j: Option<f64>,
    /// Time of a cold start, in seconds
    #[arg(long, value_name = "S", value_parser = positive)]
    cold_start_s: Option<f64>,
    /// Peak GPU memory of the server, in GB of 1e9 bytes
    #[arg(long, value_name = "GB", value_parser = positive)]
    gpu_gb: Option<f64>,
    /// Peak resident memory of the server, in GB
    #[arg(long, value_name = "GB", value_parser = positive)]
    ram_gb: Option<f64>,
    /// Weights on disk, in GB
    #[arg(long, value_name = "GB", value_parser = positive)]
    weights_gb: Option<f64>,
    /// Weights in memory, in GB
    #[arg(long, value_name = "GB", value_parser = positive)]
    weights_memory_gb: Option<f64>,
    #[command(flatten)]
    quality: Quality,
    #[command(flatten)]
    money: Money,
}

#[derive(Debug, clap::Args)]
struct Quality {
    /// Score of the served model, 0 to 1; otherwise that of an lm-eval file among FILE
    #[arg(long, value_name = "S", value_parser = not_negative)]
    score: Option<f64>,
    /// lm-eval file of the same model in full precision: results, or samples for a paired comparison
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Task of the score, where a file has several
    #[arg(long)]
    task: Option<String>,
    /// Mark and filter of the score, such as acc,none, where a file has several
    #[arg(long)]
    mark: Option<String>,
    /// Task complexity factor of IPW
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    alpha: f64,
}

#[derive(Debug, clap::Args)]
struct Money {
    /// What making the weights and setting up cost, in USD
    #[arg(long, value_name = "USD", value_parser = not_negative)]
    setup_usd: Option<f64>,
    /// The hosted model compared with
    #[arg(long, value_name = "NAME", default_value = "the hosted model")]
    api_name: String,
    /// Its price in USD per million input tokens
    #[arg(long, value_name = "USD", value_parser = positive, requires = "api_output_usd_per_mtok")]
    api_input_usd_per_mtok: Option<f64>,
    /// Its price in USD per million output tokens
    #[arg(long, value_name = "USD", value_parser = positive, requires = "api_input_usd_per_mtok")]
    api_output_usd_per_mtok: Option<f64>,
    /// Where its price was read, and when
    #[arg(long, value_name = "TEXT", default_value = "as given")]
    api_source: String,
    /// The day of its price
    #[arg(long, value_name = "DATE", default_value = "an unnamed day")]
    api_date: String,
    /// Price of electricity, in USD per kWh
    #[arg(long, value_name = "USD", value_parser = not_negative)]
    electricity_usd_per_kwh: Option<f64>,
    /// Power usage effectiveness of the facility, at least 1; 1 counts the machine alone
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pue: f64,
    /// Price of the machine's time, in USD an hour
    #[arg(long, value_name = "USD", value_parser = not_negative)]
    machine_usd_per_hour: Option<f64>,
    /// Carbon intensity of the grid, in gCO2e per kWh
    #[arg(long, value_name = "G", value_parser = not_negative)]
    grid_gco2e_per_kwh: Option<f64>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let sources: Vec<Source> = args.files.iter().map(|file| read(file, args.from)).collect::<anyhow::Result<_>>()?;
    let document = ::import::document(&sources, &given(args), &scores(args, &sources)?)?;
    if args.json {
        print::json(&document)?;
    } else {
        print::data(&table::render(&document))?;
    }
    Ok(End::Done)
}

fn read(file: &Path, from: Option<&'static Format>) -> anyhow::Result<Source> {
    Ok(::import::read(file, from)?)
}

fn given(args: &Args) -> Given {
    let money = &args.money;
    let api = money.api_input_usd_per_mtok.zip(money.api_output_usd_per_mtok);
    Given {
        energy: args.energy_j.iter().copied().map(Joules).collect(),
        idle: args.idle_w.map(Watts),
        cold_start_energy: args.cold_start_j.map(Joules),
        cold_start: args.cold_start_s.map(Seconds),
        gpu_memory: args.gpu_gb.map(bytes),
        resident_memory: args.ram_gb.map(bytes),
        weights_disk: args.weights_gb.map(bytes),
        weights_memory: args.weights_memory_gb.map(bytes),
        alpha: args.quality.alpha,
        setup: money.setup_usd.map(Dollars),
        api: api.map(|(input_usd_per_mtok, output_usd_per_mtok)| Api {
            name: money.api_name.clone(),
            input_usd_per_mtok,
            output_usd_per_mtok,
            date: money.api_date.clone(),
            source: money.api_source.clone(),
        }),
        electricity_usd_per_kwh: money.electricity_usd_per_kwh,
        pue: money.pue,
        machine_usd_per_hour: money.machine_usd_per_hour,
        grid_gco2e_per_kwh: money.grid_gco2e_per_kwh,
        repeated: args.repeated,
    }
}

fn scores(args: &Args, sources: &[Source]) -> anyhow::Result<Scores> {
    let Quality { score, baseline, task, mark, .. } = &args.quality;
    let choose = |sources: &[Source]| {
        let all: Vec<TaskScore> = sources.iter().flat_map(|source| source.imported.iter().filter_map(Imported::score)).cloned().collect();
        Scores::choose(&all, task.as_deref(), mark.as_deref())
    };
    let score = match score {
        Some(value) => Ok(stated(*value, task.as_deref(), mark.as_deref())),
        None => choose(sources).map_err(|why| Missing::because(format!("{why} (--score, or an lm-eval file)"))),
    };
    let baseline = match baseline {
        None => Err(Missing::because("none is told (--baseline)")),
        Some(file) => {
            let source = read(file, None).context("reading the baseline")?;
            ensure!(source.imported.iter().any(|one| one.score().is_some()), "{} holds no score", file.display());
            choose(&[source])
        }
    };
    Ok(Scores { score, baseline })
}

/// A score without a file.
fn stated(value: f64, task: Option<&str>, mark: Option<&str>) -> TaskScore {
    TaskScore {
        label: "given".to_owned(),
        task: task.unwrap_or("the task").to_owned(),
        mark: mark.unwrap_or("the score given").to_owned(),
        value,
        stderr: units::Reading::missing("not given"),
        n: units::Reading::missing("not given"),
        items: Vec::new(),
    }
}

fn bytes(gigabytes: f64) -> Bytes {
    Bytes((gigabytes * 1e9).round() as u64)
}

fn format(word: &str) -> Result<&'static Format, String> {
    ::import::find(word).ok_or_else(|| {
        let words: Vec<_> = ::import::FORMATS.iter().map(|format| format.name).collect();
        format!("one of: {}", words.join(", "))
    })
}

fn positive(word: &str) -> Result<f64, String> {
    number(word).filter(|value| *value > 0.0).ok_or_else(|| "must be a number above 0".to_owned())
}

fn not_negative(word: &str) -> Result<f64, String> {
    number(word).filter(|value| *value >= 0.0).ok_or_else(|| "must be a number, 0 or more".to_owned())
}

fn number(word: &str) -> Option<f64> {
    word.parse().ok().filter(|value: &f64| value.is_finite())
}
