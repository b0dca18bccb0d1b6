//! What the quickstart promises, checked on its report: every variant there, every metric a number or a reason, adaptation worth having.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// Variants of the quickstart: three tasks, the base and the paper's four strategies.
const CELLS: usize = 15;
/// How much adaptation must raise the score over the base, in 0..1. Seen: 0.3 and more.
const LEAST_GAIN: f64 = 0.1;
/// Figures that every variant must have as numbers.
const ALWAYS: &[&str] = &["score", "ttft_ms", "itl_ms", "throughput_tok_s", "rho_sys", "peak_memory_bytes"];
/// The paper's metrics: numbers, or missing with a reason.
const DEPLOYMENT: &[&str] = &["n_break", "ipw", "rho_sys", "c_tax", "q_ret"];

#[derive(Deserialize)]
struct Report {
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    task: String,
    strategy: String,
    metrics: BTreeMap<String, Figure>,
}

#[derive(Deserialize)]
struct Figure {
    value: Option<f64>,
    missing: Option<String>,
}

impl Cell {
    fn figure(&self, name: &str) -> Result<&Figure> {
        self.metrics.get(name).with_context(|| format!("{} · {} has no figure {name}", self.task, self.strategy))
    }

    fn number(&self, name: &str) -> Result<f64> {
        let figure = self.figure(name)?;
        let reason = figure.missing.as_deref().unwrap_or("no reason given");
        figure.value.with_context(|| format!("{} · {}: {name} is missing: {reason}", self.task, self.strategy))
    }
}

/// Checks a report of the quickstart and prints what was found.
///
/// # Errors
/// The file cannot be read, or the report does not keep a promise.
pub(crate) fn run(report: &Path) -> Result<()> {
    let text = std::fs::read_to_string(report).with_context(|| format!("reading {}", report.display()))?;
    check(&serde_json::from_str(&text).with_context(|| format!("reading {}", report.display()))?)?;
    println!("{CELLS} variants, all promises kept");
    Ok(())
}

fn check(report: &Report) -> Result<()> {
    ensure!(report.cells.len() == CELLS, "{} variants instead of {CELLS}", report.cells.len());
    for cell in &report.cells {
        ALWAYS.iter().try_for_each(|name| cell.number(name).map(drop))?;
        for name in DEPLOYMENT {
            let figure = cell.figure(name)?;
            ensure!(
                figure.value.is_some() != figure.missing.is_some(),
                "{} · {}: {name} needs a value or a reason",
                cell.task,
                cell.strategy
            );
        }
        if cell.strategy != "base-fp16" {
            let (score, base) = (cell.number("score")?, cell.number("score_base")?);
            println!("{:<14} {:<11} score {base:.3} -> {score:.3}", cell.task, cell.strategy);
            if score < base + LEAST_GAIN {
                bail!("{} · {}: adaptation raises the score from {base:.3} to {score:.3} only", cell.task, cell.strategy);
            }
        }
    }
    let known = |name: &str| report.cells.iter().filter(|cell| cell.figure(name).is_ok_and(|figure| figure.value.is_some())).count();
    for name in DEPLOYMENT {
        ensure!(known(name) > 0, "no variant has a number for {name}");
        println!("{name:<8} known for {} of {CELLS} variants", known(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(score: f64, cells: usize) -> Report {
        let cell = |i: usize| {
            let strategy = if i == 0 { "base-fp16" } else { "lora-int4" };
            let mut metrics = serde_json::Map::new();
            for name in ALWAYS.iter().chain(DEPLOYMENT).chain(&["score_base"]) {
                metrics.insert((*name).to_owned(), serde_json::json!({"value": 0.2, "missing": null}));
            }
            metrics["score"] = serde_json::json!({"value": score, "missing": null});
            serde_json::from_value(serde_json::json!({"task": "rag", "strategy": strategy, "metrics": metrics})).unwrap()
        };
        Report { cells: (0..cells).map(cell).collect() }
    }

    #[test]
    fn a_report_without_gain_or_cells_fails() {
        assert!(check(&report(0.8, CELLS)).is_ok());
        assert!(check(&report(0.25, CELLS)).is_err());
        assert!(check(&report(0.8, CELLS - 1)).is_err());
    }

    #[test]
    fn a_figure_without_value_and_reason_fails() {
        let mut report = report(0.8, CELLS);
        report.cells[3].metrics.get_mut("q_ret").unwrap().value = None;
        assert!(check(&report).is_err());
        report.cells[3].metrics.get_mut("q_ret").unwrap().missing = Some("a reason".into());
        assert!(check(&report).is_ok());
    }
}
