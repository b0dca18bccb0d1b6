//! Several loads: a grid of them, or the search for the highest one that keeps to the limits. Every point is saved as it ends.

use std::time::Duration;

use anyhow::Context;
use load::search::{Grain, Search};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    args::What,
    output::Outputs,
    point::{Point, Runner},
    pressure::Level,
    table, told,
};
use crate::{end::End, gate, print};

/// One row.
pub(super) enum Row {
    /// It was run.
    Ran(Box<Point>),
    /// It could not be run at all.
    Failed { load: Level, reason: String },
}

impl Row {
    fn json(&self) -> anyhow::Result<Value> {
        match self {
            Self::Ran(point) => serde_json::to_value(point).context("writing JSON"),
            Self::Failed { load, reason } => Ok(json!({"load": load, "failed": reason})),
        }
    }

    fn good(&self) -> bool {
        matches!(self, Self::Ran(point) if point.summary.requests_failed == 0)
    }
}

/// Every load of a grid, in the order given.
pub(super) fn sweep(runner: &Runner<'_>, levels: &[Level], outputs: &mut Outputs) -> anyhow::Result<End> {
    let mut points = Points::new(runner, outputs);
    for level in levels {
        points.run(*level)?;
    }
    points.end(None)
}

/// What a search found.
#[derive(Serialize)]
struct Found {
    /// What was raised.
    what: &'static str,
    limits: load::Limits,
    /// Share of requests that had to keep to the limits.
    attainment: f64,
    /// The highest load that did; `None` when none did.
    highest: Option<f64>,
    /// Whether a higher one was seen not to; without one the search ended at its bound.
    bounded: bool,
    /// Why it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

/// Doubles, then bisects.
pub(super) fn search(runner: &Runner<'_>, what: What, outputs: &mut Outputs) -> anyhow::Result<End> {
    let args = runner.args;
    let (word, grain, start, most) = match what {
        What::Rate => ("rate", Grain::Share, args.rate.unwrap_or(1.0), 10_000.0),
        What::Concurrency => ("concurrency", Grain::Whole, f64::from(args.concurrency.unwrap_or(1)), 4096.0),
    };
    let mut search = Search::new(start, args.search_max.unwrap_or(most).max(start), grain)?;
    let mut points = Points::new(runner, outputs);
    let mut stopped = None;
    while let Some(load) = search.next_load() {
        let level = match what {
            What::Rate => Level::Rate(load),
            What::Concurrency => Level::Concurrency(load as u32),
        };
        match verdict(points.run(level)?, args.attainment) {
            Ok(met) => search.tell(met),
            Err(why) => {
                stopped = Some(why);
                break;
            }
        }
    }
    let (highest, bounded) = (search.highest(), search.bounded());
    points.end(Some(&Found { what: word, limits: args.limits(), attainment: args.attainment, highest, bounded, stopped }))
}

/// Whether a point kept to the limits, or why that cannot be told.
fn verdict(row: &Row, attainment: f64) -> Result<bool, String> {
    match row {
        Row::Failed { reason, .. } => Err(reason.clone()),
        Row::Ran(point) => match (&point.all_failed, &point.summary.goodput) {
            (Some(reason), _) => Err(reason.clone()),
            (None, Some(goodput)) => goodput.share.map(|share| share >= attainment).ok_or_else(|| unknown(point)),
            (None, None) => Err("there are no limits".to_owned()),
        },
    }
}

fn unknown(point: &Point) -> String {
    point.summary.missing.get("goodput").cloned().unwrap_or_else(|| "a limited figure is not known".to_owned())
}

/// Points as they come.
struct Points<'a> {
    runner: &'a Runner<'a>,
    outputs: &'a mut Outputs,
    rows: Vec<Row>,
}

impl<'a> Points<'a> {
    fn new(runner: &'a Runner<'a>, outputs: &'a mut Outputs) -> Self {
        Self { runner, outputs, rows: Vec::new() }
    }

    fn run(&mut self, load: Level) -> anyhow::Result<&Row> {
        let args = self.runner.args;
        if !self.rows.is_empty() {
            std::thread::sleep(Duration::from_secs_f64(args.cool_down_s));
        } else if !args.json {
            print::data(&table::heading(args.slo.is_some()))?;
        }
        let row = match self.runner.run(self.rows.len() as u64, load) {
            Ok((point, _)) => Row::Ran(Box::new(point)),
            Err(error) => Row::Failed { load, reason: told(&error) },
        };
        self.outputs.line(&row.json()?)?;
        if !args.json {
            print::data(&table::row(&row))?;
        }
        self.rows.push(row);
        Ok(&self.rows[self.rows.len() - 1])
    }

    fn end(self, found: Option<&Found>) -> anyhow::Result<End> {
        if self.runner.args.json {
            let points: Vec<Value> = self.rows.iter().map(Row::json).collect::<anyhow::Result<_>>()?;
            let mut whole = json!({"points": points});
            if let Some(found) = found {
                whole["search"] = serde_json::to_value(found).context("writing JSON")?;
            }
            print::json(&whole)?;
        } else {
            print::data(&table::notes(&self.rows))?;
            if let Some(found) = found {
                print::data(&said(found))?;
            }
        }
        let answered = self.rows.iter().any(|row| matches!(row, Row::Ran(point) if point.all_failed.is_none()));
        if let Some(reason) = self.rows.iter().find_map(reason).filter(|_| !answered) {
            gate::note(&format!("error: {reason}"));
        }
        // In a search, failures are how a server says that it has had enough; a sweep was asked for loads that work.
        let good = match found {
            Some(found) => found.stopped.is_none() && found.highest.is_some(),
            None => self.rows.iter().all(Row::good),
        };
        Ok(if good { End::Done } else { End::Failed })
    }
}

fn reason(row: &Row) -> Option<String> {
    match row {
        Row::Failed { reason, .. } => Some(reason.clone()),
        Row::Ran(point) => point.all_failed.clone(),
    }
}

fn said(found: &Found) -> String {
    let share = found.attainment * 100.0;
    let mut text = match found.highest {
        Some(highest) => format!("highest {} with {share}% of the requests within {}: {highest:.4}\n", found.what, found.limits),
        None => format!("no {} that was tried kept {share}% of the requests within {}\n", found.what, found.limits),
    };
    if found.highest.is_some() && !found.bounded && found.stopped.is_none() {
        text += "the search ended at its bound, not at the server's: --search-max goes further\n";
    }
    if let Some(why) = &found.stopped {
        text += &format!("the search stopped: {why}\n");
    }
    text
}
