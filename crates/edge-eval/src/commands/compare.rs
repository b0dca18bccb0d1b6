//! `edge-eval compare`: runs set against the first of them, and gates that a script can fail on. What is said is `report`'s.

use std::path::PathBuf;

use ::report::{Across, COMPARED, Comparison, Gate, GateResult, Outcome, Wanted};
use clap::builder::PossibleValuesParser;
use metric::Metric;

use crate::{end::End, gate::note, print};

/// Compare runs: differences with intervals, corrected for how many there are, and gates for CI
///
/// The first run is the baseline. What makes the runs unlike each other (machine, versions, data, plan) is told before any figure. Figures of
/// the same items are paired. p-values are corrected by Holm over everything that is tested: ask for fewer figures to find smaller
/// differences.
///
/// A gate is broken where a figure lies surely beyond its bound, kept where the 95% interval lies within it, and inconclusive otherwise;
/// without --fail-on-inconclusive that is printed and does not fail.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval compare runs/main runs/branch\n  edge-eval compare runs/main runs/branch --fail-if 'energy_per_request_j > +5%' --fail-if 'score < -0.01' --fail-if 'ttft_ms > 300'\n  edge-eval compare runs/vllm runs/llama-cpp --across engine --markdown"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// Run folders; the first is the baseline
    #[arg(required = true, num_args = 2..=26, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Compare this figure; may be repeated. Without it the main ones
    #[arg(long, value_name = "NAME", value_parser = metric_named)]
    metric: Vec<&'static Metric>,
    /// Compare every figure
    #[arg(long, conflicts_with = "metric")]
    all: bool,
    /// Let cells be compared that differ in this; may be repeated
    #[arg(long, value_name = "PART", value_parser = PossibleValuesParser::new(Across::ALL.iter().map(|one| one.name())))]
    across: Vec<String>,
    /// Exit with code 3 where this is so; +5% and -0.01 are changes from the baseline, 300 is the figure itself; may be repeated
    #[arg(long, value_name = "GATE")]
    fail_if: Vec<Gate>,
    /// Exit with code 3 too where the data cannot tell whether a gate is broken
    #[arg(long, requires = "fail_if")]
    fail_on_inconclusive: bool,
    /// Print as JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print as Markdown
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let comparison = ::report::compare(&args.runs, &args.wanted())?;
    if args.json {
        print::json(&comparison)?;
    } else if args.markdown {
        print::data(&comparison.markdown())?;
    } else {
        print::data(&comparison.terminal())?;
    }
    let failed = failed(&comparison, args.fail_on_inconclusive);
    for gate in comparison.gates.iter().filter(|gate| gate.outcome != Outcome::Kept) {
        note(&format!("gate '{}' is {}", gate.gate, gate.outcome.word()));
    }
    Ok(if failed.is_empty() { End::Done } else { End::GateNotMet })
}

impl Args {
    fn wanted(&self) -> Wanted {
        let metrics = match (self.all, self.metric.is_empty()) {
            (true, _) => metric::METRICS.to_vec(),
            (false, true) => COMPARED.iter().filter_map(|name| metric::find(name)).collect(),
            (false, false) => self.metric.clone(),
        };
        let across = self.across.iter().filter_map(|word| Across::ALL.iter().copied().find(|one| one.name() == word)).collect();
        Wanted { metrics, across, gates: self.fail_if.clone() }
    }
}

/// The gates that fail the command.
fn failed(comparison: &Comparison, on_inconclusive: bool) -> Vec<&GateResult> {
    let least = if on_inconclusive { Outcome::Inconclusive } else { Outcome::Broken };
    comparison.gates.iter().filter(|gate| gate.outcome >= least).collect()
}

fn metric_named(word: &str) -> Result<&'static Metric, String> {
    metric::find(word).ok_or_else(|| {
        let near = ::report::nearest_metric(word);
        near.map_or_else(|| "`edge-eval list metrics` tells them all".to_owned(), |near| format!("did you mean '{near}'?"))
    })
}
