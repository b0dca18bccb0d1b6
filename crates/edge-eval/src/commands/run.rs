//! `edge-eval run`: carries a plan out, or goes on with it, and prints the figures.

use std::path::PathBuf;

use super::prices;
use crate::{
    end::{self, End},
    env,
    gate::{self, Gate},
    live::Live,
    page, plan_file, print,
    progress::Campaign,
    setup,
};

/// Run every cell of a plan through its lifecycle, and print the figures
///
/// Without a plan it runs the quickstart: edge-eval's own tiny model and data, on this machine's processor. The same command again
/// continues where it was stopped: finished stages are neither repeated nor lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  edge-eval run\n  edge-eval run my-plan.toml --out runs/mine")]
pub(crate) struct Args {
    /// The plan; the quickstart's without it
    plan: Option<PathBuf>,
    /// The run folder; runs/<plan name> without it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Fail with exit code 3 unless every cell that has the figure meets it, such as 'score>=0.5'
    #[arg(long, value_name = "METRIC>=NUMBER")]
    gate: Vec<Gate>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
    /// A dashboard in place of lines: cells, stages, power, tokens/s, time left, cost so far. Plain lines where stdout or stderr is no
    /// terminal, and where the environment says that it is CI
    #[arg(long, conflicts_with = "quiet")]
    live: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let plan = match plan_file::read(args.plan.as_deref())? {
        Ok(plan) => plan,
        Err(end) => return Ok(end),
    };
    let folder = setup::run_folder(args.out.as_deref(), &plan);
    let places = setup::places()?;
    let bound = match campaign::bind(plan, &places) {
        Ok(bound) => bound,
        Err(error) => {
            end::print_error(&error.into());
            return Ok(End::BadPlan);
        }
    };
    let summary = {
        let live = if args.live && !env::is_ci() { Live::start(&bound) } else { None };
        let plain = Campaign::new(args.quiet);
        let observer: &dyn campaign::Observer = if let Some(live) = &live { live } else { &plain };
        campaign::run(&bound, &places, &folder, env!("CARGO_PKG_VERSION"), observer)?
    };
    let run = report::Run::open(&folder)?.on(prices::today());
    let document = run.document();
    page::write(&run, &folder.join(page::NAME))?;
    let format = if args.json { report::Format::Json } else { report::Format::Terminal };
    print::data(&report::render(document, format)?)?;
    if !args.quiet {
        gate::note(&format!("records and requests: {}; the same figures again: edge-eval report {0}", folder.display()));
        gate::note(&format!("charts and what-if, in a browser: {}", folder.join(page::NAME).display()));
    }
    if !gate::met(&args.gate, document) {
        return Ok(End::GateNotMet);
    }
    Ok(match summary {
        campaign::Summary { failed: 1.., .. } | campaign::Summary { skipped: 1.., .. } => End::Failed,
        campaign::Summary { invalid: 1.., .. } => End::Invalid,
        _ => End::Done,
    })
}
