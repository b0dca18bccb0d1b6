//! `edge-eval score`: marks of answers that were given elsewhere. No model, no engine: answers and references come from a file.

use std::path::PathBuf;

use score::{Mark, Prediction, marks};
use serde_json::{Map, Value, json};
use stats::{Estimate, Sample};

use crate::{end::End, gate, print};

/// Mark answers from a file against their references: ROUGE, SQuAD's exact match and F1
#[derive(Debug, clap::Args)]
#[command(
    after_help = "ROUGE equals Python's rouge_score 0.1.2, exact match and F1 equal SQuAD's evaluate-v1.1.py; the best of several references counts.\n\nExample:\n  edge-eval score --marks rouge,em,f1 --predictions answers.jsonl --json"
)]
pub(crate) struct Args {
    /// Rows {"prediction": …, "references": […]}, with an "id" if you like: JSONL, a JSON array, CSV or Parquet
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// Marks, comma-separated; `rouge` stands for the four ROUGEs, `em` for exact_match (edge-eval list marks)
    #[arg(long, value_name = "MARKS", default_value = "rouge,em,f1")]
    marks: String,
    /// Print every row's marks too; ROUGE as precision, recall and F1
    #[arg(long)]
    per_item: bool,
    /// Most rows left out because they are not what rows should be
    #[arg(long, value_name = "N", default_value_t = 0)]
    bad_rows: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Longest row, in bytes.
const MOST_BYTES: usize = 64 << 20;

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let marks = marks::listed(&args.marks)?;
    let mut tally = Tally::new(&marks);
    let mut rows = score::predictions(&args.predictions, MOST_BYTES)?;
    while let Some(row) = rows.next() {
        match row {
            Ok(row) => tally.add(&row, args.per_item)?,
            Err(error) if rows.goes_on() && tally.bad.len() < args.bad_rows => tally.bad.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    if tally.rows == 0 {
        return Err(score::Error::NoRows { path: args.predictions.clone() }.into());
    }
    tally.bad.iter().for_each(|bad| gate::note(&format!("left out: {bad}")));
    if args.json {
        print::json(&tally.json()?)?;
    } else {
        print::data(&tally.text()?)?;
    }
    Ok(End::Done)
}

/// The marks of all rows so far.
struct Tally<'a> {
    marks: &'a [&'static Mark],
    /// Per mark, a number a row.
    values: Vec<Vec<f64>>,
    rows: usize,
    empty: usize,
    bad: Vec<String>,
    items: Vec<Value>,
}

impl<'a> Tally<'a> {
    fn new(marks: &'a [&'static Mark]) -> Self {
        Self { marks, values: vec![Vec::new(); marks.len()], rows: 0, empty: 0, bad: Vec::new(), items: Vec::new() }
    }

    fn add(&mut self, row: &Prediction, keep: bool) -> anyhow::Result<()> {
        let references: Vec<&str> = row.references.iter().map(String::as_str).collect();
        let mut item = Map::new();
        for (mark, values) in self.marks.iter().zip(&mut self.values) {
            let (value, shown) = if let Some(rouge) = mark.rouge(&row.prediction, &references) {
                (rouge.f1, json!({"precision": rouge.precision, "recall": rouge.recall, "f1": rouge.f1}))
            } else {
                let value = score::mark(mark.name, &row.prediction, &references)?;
                (value, value.into())
            };
            values.push(value);
            item.insert(mark.name.to_owned(), shown);
        }
        if keep {
            self.items.push(json!({"id": row.id, "marks": item}));
        }
        self.rows += 1;
        self.empty += usize::from(score::is_empty_answer(&row.prediction));
        Ok(())
    }

    /// Each mark's mean. A mark that is right or wrong has Wilson's interval, the others Student's t.
    fn estimates(&self) -> anyhow::Result<Vec<(&'static str, Estimate)>> {
        let estimate = |(mark, values): (&&'static Mark, &Vec<f64>)| {
            let estimate = if mark.is_binary() {
                stats::wilson(values.iter().filter(|value| **value > 0.5).count(), values.len())?
            } else {
                stats::mean_interval(&Sample::new(values.clone())?)
            };
            Ok((mark.name, estimate))
        };
        self.marks.iter().zip(&self.values).map(estimate).collect()
    }

    fn json(&self) -> anyhow::Result<Value> {
        let marks: Map<String, Value> = self
            .estimates()?
            .into_iter()
            .map(|(name, e)| (name.to_owned(), json!({"mean": e.value, "ci95": e.ci95, "n": e.n, "method": e.method})))
            .collect();
        let mut whole = json!({"rows": self.rows, "empty_answers": self.empty, "bad_rows": self.bad, "marks": marks});
        if !self.items.is_empty() {
            whole["items"] = self.items.clone().into();
        }
        Ok(whole)
    }

    fn text(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        for item in &self.items {
            text += &format!("{item}\n");
        }
        let estimates = self.estimates()?;
        let width = estimates.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, e) in estimates {
            let interval = e.ci95.map_or_else(|| "no interval".to_owned(), |(low, high)| format!("{low:.4} to {high:.4}"));
            text += &format!("{name:width$}  {:.4}  ({interval}, n = {})\n", e.value, e.n);
        }
        if self.empty > 0 {
            text += &format!("{} of {} answers are empty\n", self.empty, self.rows);
        }
        Ok(text)
    }
}
