//! `edge-eval meter`: runs any command and says what it took: time, CPU time, energy, power, memory. It knows nothing of models.

mod also;
mod command;
mod compare;
mod curve;
mod external;
mod figures;
mod interrupt;
mod meters;
mod observe;
mod output;
mod report;
mod show;

use std::{ffi::OsString, io::IsTerminal, path::PathBuf};

use anyhow::Context;
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::{
    end::{self, End},
    gate, print,
};
use command::Launch;
use external::External;
use interrupt::Interrupt;
use observe::{Observed, Observer};
use output::Outputs;
use report::Report;

/// Run any command and say what it took: time, CPU time, energy, power, memory
///
/// Energy comes from the best meter that this machine offers: the GPUs that the command holds and the processor packages. A command that is
/// shorter than 5 s is repeated inside one window when a sensor measures it, because no sensor can tell less; its energy is then divided
/// by the repeats. Without a sensor, time, CPU time and memory are given and energy is a dash with its reason.
///
/// What the command leaves running in its process group is killed when it ends. Ctrl-C ends the whole group; a `kill -9` of the meter itself
/// leaves the command running, so that no hours of training are lost with it.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  edge-eval meter -- python train.py
  edge-eval meter --runs 5 --json -- ./infer --prompt hello
  edge-eval meter --runs 5 --against 'gzip -9 -k -f data' -- zstd -19 -f data
  edge-eval meter --also ollama -- ollama run llama3.2 'Why is the sky blue?'
  edge-eval meter --modelled-w-per-core 8 -- make

Exit codes: 0 done, 1 the command failed, 2 bad arguments, 4 a meter that was named gave no valid energy.")]
pub(crate) struct Args {
    /// Measured runs; two or more give every figure its 95% interval
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
    /// Runs before them, not measured
    #[arg(long, default_value_t = 0, value_name = "N")]
    warmup: u32,
    /// Another command, measured in turn with the first in random order; the result is the ratios of the two
    #[arg(long, value_name = "COMMAND")]
    against: Option<String>,
    /// Seed of that order and of the intervals
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Seconds of rest before every run
    #[arg(long, default_value_t = 0.0, value_name = "S", value_parser = seconds)]
    cooldown_s: f64,
    /// Seconds for which idle power is measured before every run, where a sensor can; 0 for none, and then no net energy
    #[arg(long, default_value_t = 3.0, value_name = "S", value_parser = seconds)]
    idle_s: f64,
    /// Sampling period
    #[arg(long, default_value_t = 100, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    interval_ms: u32,
    /// Where energy comes from: auto, or one of `edge-eval list meters`
    #[arg(long, default_value = "auto", value_name = "METER")]
    meter: String,
    /// State the power of a busy core: energy is then modelled from CPU time where nothing measures it
    #[arg(long, value_name = "W", value_parser = watts)]
    modelled_w_per_core: Option<f64>,
    #[command(flatten)]
    external: External,
    /// Count all of these GPUs' energy, whoever uses them
    #[arg(long, value_name = "INDEX")]
    gpu: Vec<u32>,
    /// A process that works for the command and is not its child, such as a model server: its id or name
    #[arg(long, value_name = "PID|NAME")]
    also: Vec<String>,
    /// Run the command once a run, however short it is
    #[arg(long)]
    no_repeat: bool,
    /// Hand our standard input to the command, which then runs once
    #[arg(long, conflicts_with_all = ["against", "warmup"])]
    stdin: bool,
    /// Discard what the command writes to stdout
    #[arg(long)]
    no_output: bool,
    /// Write every power sample to a CSV file
    #[arg(long, value_name = "FILE")]
    power_csv: Option<PathBuf>,
    /// Write the JSON to a file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object on stdout; what the command writes there goes to stderr
    #[arg(long)]
    json: bool,
    /// No talk on stderr
    #[arg(long, short)]
    quiet: bool,
    /// The command and its arguments, after `--`
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let commands = match launches(args) {
        Ok(commands) => commands,
        Err(error) => {
            end::print_error(&error);
            return Ok(End::BadPlan);
        }
    };
    let also = match also::resolve(&args.also) {
        Ok(also) => also,
        Err(error) => {
            end::print_error(&error);
            return Ok(End::BadPlan);
        }
    };
    if args.stdin && std::io::stdin().is_terminal() {
        end::print_error(&from_terminal());
        return Ok(End::BadPlan);
    }
    if let Err(error) = meters::check(args) {
        gate::note(&format!("error: {}", end::told(&error)));
        gate::note("hint: without --meter and --gpu the best that this machine offers is taken, and nothing is no error");
        return Ok(End::Invalid);
    }
    let mut outputs = Outputs::open(args)?;
    let interrupt = Interrupt::listen()?;
    let observer = Observer { args, also, interrupt: &interrupt };
    let measured = measure(args, &commands, &observer, &mut outputs)?;
    let report = Report::of(args, &commands, &measured);
    outputs.report(&report)?;
    if args.json {
        print::json(&report)?;
    } else {
        print::data(&show::text(&report))?;
    }
    Ok(ended(args, &report, &measured))
}

/// The terminal belongs to our process group: the kernel would stop a command of another one that reads it, and it would never end.
fn from_terminal() -> anyhow::Error {
    anyhow::anyhow!("--stdin: standard input is a terminal, which the command may not read: hand it a file or a pipe")
}

/// What was seen of each command.
pub(crate) struct Measured {
    /// By command, then by round.
    runs: Vec<Vec<Observed>>,
    /// We were told to stop.
    interrupted: bool,
}

fn launches(args: &Args) -> anyhow::Result<Vec<Launch>> {
    let mut commands = vec![Launch::new(args.command.clone())?];
    if let Some(other) = &args.against {
        commands.push(Launch::parse(other).context("--against")?);
    }
    Ok(commands)
}

/// Runs all commands, round by round, each round in an order of its own.
fn measure(args: &Args, commands: &[Launch], observer: &Observer<'_>, outputs: &mut Outputs) -> anyhow::Result<Measured> {
    let mut measured = Measured { runs: commands.iter().map(|_| Vec::new()).collect(), interrupted: false };
    for launch in commands {
        for _ in 0..args.warmup {
            observer.warm_up(launch)?;
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(args.seed);
    'rounds: for round in 0..args.runs {
        let mut order: Vec<usize> = (0..commands.len()).collect();
        order.shuffle(&mut random);
        for index in order {
            if observer.interrupt.pause(args.cooldown_s) {
                break 'rounds;
            }
            let Some(observed) = observer.observe(&commands[index], round)? else { break 'rounds };
            outputs.samples(&commands[index], &observed)?;
            if !args.quiet && (args.runs > 1 || commands.len() > 1) {
                gate::note(&show::progress(&commands[index], &observed, args.runs));
            }
            let failed = !observed.succeeded();
            measured.runs[index].push(observed);
            if failed || observer.interrupt.came().is_some() {
                break 'rounds;
            }
        }
    }
    measured.interrupted = observer.interrupt.came().is_some();
    Ok(measured)
}

fn ended(args: &Args, report: &Report, measured: &Measured) -> End {
    if measured.interrupted {
        gate::note("interrupted: what follows was not measured");
        return End::Failed;
    }
    if measured.runs.iter().flatten().any(|run| !run.succeeded()) {
        return End::Failed;
    }
    if meters::is_named(args) && !report.energy_is_known() { End::Invalid } else { End::Done }
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("'{text}' is not a number of seconds"))?;
    if (0.0..=86_400.0).contains(&value) { Ok(value) } else { Err("0 to 86400 seconds".to_owned()) }
}

fn watts(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("'{text}' is not a number of watts"))?;
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err("a power above 0 W, such as 8".to_owned()) }
}
