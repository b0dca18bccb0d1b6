//! `edge-eval load`: puts load on any OpenAI-compatible server and says what was seen: once, over a grid of loads, or in search of the
//! highest load that keeps to limits. The client itself is crate `load`; this turns flags into its jobs and its runs into text and JSON.

mod args;
mod check;
mod output;
mod point;
mod points;
mod pressure;
mod table;
mod tokens;
mod workload;

pub(crate) use args::Args;

use anyhow::Context;
use load::ApiKey;
use record::{Machine, clock};

use crate::{
    certificate,
    end::{self, End},
    env, gate, print,
};
use output::Outputs;
use point::{Point, Runner};
use workload::Source;

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    if let Err(problem) = check::check(args) {
        gate::note(&format!("error: {}", problem.what));
        gate::note(&format!("hint: {}", problem.mend));
        return Ok(End::BadPlan);
    }
    let api_key = match &args.api_key_env {
        Some(name) => Some(ApiKey::new(env::api_key(name).with_context(|| format!("the environment variable {name} is not set"))?)),
        None => None,
    };
    // Another seed each time unless one is asked for: a server that saw the same prompts before may answer from its cache.
    let seed = args.seed.unwrap_or_else(|| clock::wall().get());
    let mut outputs = Outputs::open(args)?;
    let source = Source::of(args)?;
    let counter = args.tokenizer.as_deref().map(|path| tokens::Tokens::open(path, args.endpoint)).transpose()?;
    let certificate = certificate::stored(&Machine::fingerprint(certificate::VERSION));
    let runner = Runner { args, api_key, seed, source, counter, certificate };
    match (args.search, args.sweep()) {
        (Some(what), _) => points::search(&runner, what, &mut outputs),
        (None, Some(levels)) => points::sweep(&runner, &levels, &mut outputs),
        (None, None) => once(&runner, &mut outputs),
    }
}

/// One load.
fn once(runner: &Runner<'_>, outputs: &mut Outputs) -> anyhow::Result<End> {
    let args = runner.args;
    let (point, requests) = runner.run(0, args.level())?;
    outputs.point(&point)?;
    outputs.requests(&requests)?;
    if args.json {
        print::json(&point)?;
    } else {
        print::data(&table::one(&point))?;
    }
    Ok(ended(&point))
}

/// Says on stderr why a point of which nothing came is of no use, and how the command is to end.
fn ended(point: &Point) -> End {
    if let Some(reason) = &point.all_failed {
        gate::note(&format!("error: {reason}"));
        if let Some(hint) = &point.hint {
            gate::note(&format!("hint: {hint}"));
        }
        return End::Failed;
    }
    if point.summary.requests_failed > 0 { End::Failed } else { End::Done }
}

/// A point that could not be run at all is a row with its reason.
fn told(error: &anyhow::Error) -> String {
    end::told(error)
}

#[cfg(test)]
mod tests {
    use super::{pressure::Level, *};

    #[test]
    fn a_single_load_is_a_level() {
        use clap::Parser;
        #[derive(Parser)]
        struct Cli {
            #[command(flatten)]
            args: Args,
        }
        let args = |more: &[&str]| Cli::parse_from([&["x", "--url", "http://h", "--model", "m"], more].concat()).args;
        assert_eq!(args(&[]).level(), Level::Concurrency(1));
        assert_eq!(args(&["--concurrency", "7"]).level(), Level::Concurrency(7));
        assert_eq!(args(&["--rate", "2.5", "--concurrency", "7"]).level(), Level::Rate(2.5));
        assert_eq!(args(&["--trace", "t.csv"]).level(), Level::Trace);
    }
}
