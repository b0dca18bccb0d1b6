//! The marks of all rows: means with their intervals, what is missing and why, and on request every row's.

use std::collections::BTreeMap;

use score::{Mark, Prediction};
use serde_json::{Map, Value, json};
use stats::{Estimate, Sample};
use units::Reading;

use super::raters::{Ratings, unanswered};

/// The marks so far.
pub(super) struct Tally {
    marks: Vec<Marked>,
    rows: usize,
    empty: usize,
    /// Failed requests, by their word.
    failures: BTreeMap<String, usize>,
    bad: Vec<String>,
    /// `None`: the rows' own marks are not wanted.
    items: Option<Vec<Item>>,
    /// What the output says beside the marks, by name.
    said: Map<String, Value>,
}

/// One mark over all rows.
struct Marked {
    name: &'static str,
    /// It is right or wrong and nothing between.
    binary: bool,
    values: Vec<f64>,
    missing: BTreeMap<String, usize>,
}

struct Item {
    id: String,
    failure: Option<String>,
    marks: Map<String, Value>,
}

impl Tally {
    /// None yet, of these marks.
    pub(super) fn new(marks: &[&'static Mark], per_item: bool) -> Self {
        let marks = marks.iter().map(|mark| Marked::new(mark.name, mark.is_binary())).collect();
        let (failures, items) = (BTreeMap::new(), per_item.then(Vec::new));
        Self { marks, rows: 0, empty: 0, failures, bad: Vec::new(), items, said: Map::new() }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many of them have no answer.
    pub(super) fn failed(&self) -> usize {
        self.failures.values().sum()
    }

    /// Whether there are answers, and none of them says anything.
    pub(super) fn all_empty(&self) -> bool {
        self.empty > 0 && self.empty + self.failed() == self.rows
    }

    /// Rows left out, with their reasons.
    pub(super) fn bad(&mut self) -> &mut Vec<String> {
        &mut self.bad
    }

    /// Says something beside the marks.
    pub(super) fn say(&mut self, name: &str, what: Value) {
        self.said.insert(name.to_owned(), what);
    }

    /// Marks one row.
    pub(super) fn add(&mut self, row: &Prediction) -> anyhow::Result<()> {
        let references: Vec<&str> = row.references.iter().map(String::as_str).collect();
        let mut item = Item { id: row.id.clone(), failure: None, marks: Map::new() };
        match &row.answer {
            Ok(answer) => {
                for marked in &mut self.marks {
                    item.marks.insert(marked.name.to_owned(), marked.mark(answer, &references)?);
                }
                self.empty += usize::from(score::is_empty_answer(answer));
            }
            Err(reason) => {
                self.marks.iter_mut().for_each(|marked| marked.lacks(unanswered(load::word(reason))));
                *self.failures.entry(load::word(reason).to_owned()).or_default() += 1;
                item.failure = Some(reason.clone());
            }
        }
        self.rows += 1;
        if let Some(items) = &mut self.items {
            items.push(item);
        }
        Ok(())
    }

    /// Adds what a rater gave of the rows that were marked, in their order.
    pub(super) fn rated(&mut self, by: &str, ratings: Ratings, wanted: &[&'static str]) {
        for column in ratings.columns.into_iter().filter(|column| wanted.contains(&column.name)) {
            let mut marked = Marked::new(column.name, false);
            for (index, reading) in column.readings.into_iter().enumerate() {
                let item = self.items.as_mut().and_then(|items| items.get_mut(index)).filter(|item| item.failure.is_none());
                if let Some(item) = item {
                    let shown = match &reading {
                        Reading::Known(mark) => (*mark).into(),
                        Reading::Missing(why) => json!({"missing": why.to_string()}),
                    };
                    item.marks.insert(column.name.to_owned(), shown);
                }
                match reading {
                    Reading::Known(mark) => marked.values.push(mark),
                    Reading::Missing(why) => marked.lacks(why.to_string()),
                }
            }
            self.marks.push(marked);
        }
        self.say(by, ratings.said);
    }

    /// The whole as JSON.
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        let mut marks = Map::new();
        for marked in &self.marks {
            marks.insert(marked.name.to_owned(), marked.json()?);
        }
        let mut whole = json!({
            "rows": self.rows, "empty_answers": self.empty, "failed": self.failed(), "failures": self.failures,
            "bad_rows": self.bad, "marks": marks,
        });
        for (name, said) in &self.said {
            whole[name] = said.clone();
        }
        if let Some(items) = &self.items {
            whole["items"] = items.iter().map(Item::json).collect();
        }
        Ok(whole)
    }

    /// The whole as text.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        for item in self.items.iter().flatten() {
            text += &format!("{}\n", item.json());
        }
        let width = self.marks.iter().map(|marked| marked.name.len()).max().unwrap_or(0);
        for marked in &self.marks {
            text += &format!("{:width$}  {}\n", marked.name, marked.text()?);
        }
        if self.empty > 0 {
            text += &format!("{} of {} answers are empty\n", self.empty, self.rows);
        }
        for (word, count) in &self.failures {
            text += &format!("{count} of {} requests failed: {word}\n", self.rows);
        }
        if let Some(judge) = self.said.get("judge") {
            text += &format!("{}\n", judge_text(judge));
        }
        Ok(text)
    }
}

impl Marked {
    fn new(name: &'static str, binary: bool) -> Self {
        Self { name, binary, values: Vec::new(), missing: BTreeMap::new() }
    }

    /// Marks an answer; what the row's line shows of it.
    fn mark(&mut self, answer: &str, references: &[&str]) -> anyhow::Result<Value> {
        let (value, shown) = if let Some(rouge) = score::marks::find(self.name)?.rouge(answer, references) {
            (rouge.f1, json!({"precision": rouge.precision, "recall": rouge.recall, "f1": rouge.f1}))
        } else {
            let value = score::mark(self.name, answer, references)?;
            (value, value.into())
        };
        self.values.push(value);
        Ok(shown)
    }

    fn lacks(&mut self, why: String) {
        *self.missing.entry(why).or_default() += 1;
    }

    /// The mean, `None` of no row. A mark that is right or wrong has Wilson's interval, the others Student's t.
    fn estimate(&self) -> anyhow::Result<Option<Estimate>> {
        if self.values.is_empty() {
            return Ok(None);
        }
        Ok(Some(if self.binary {
            stats::wilson(self.values.iter().filter(|value| **value > 0.5).count(), self.values.len())?
        } else {
            stats::mean_interval(&Sample::new(self.values.clone())?)
        }))
    }

    fn json(&self) -> anyhow::Result<Value> {
        let mut told = match self.estimate()? {
            Some(e) => json!({"mean": e.value, "ci95": e.ci95, "n": e.n, "method": e.method}),
            None => json!({"mean": null, "ci95": null, "n": 0}),
        };
        if !self.missing.is_empty() {
            told["missing"] = json!(self.missing);
        }
        Ok(told)
    }

    fn text(&self) -> anyhow::Result<String> {
        let mut text = match self.estimate()? {
            Some(e) => {
                let interval = e.ci95.map_or_else(|| "no interval".to_owned(), |(low, high)| format!("{low:.4} to {high:.4}"));
                format!("{:.4}  ({interval}, n = {})", e.value, e.n)
            }
            None => "-".to_owned(),
        };
        for (why, count) in &self.missing {
            text += &format!("  {count} missing: {why}");
        }
        Ok(text)
    }
}

impl Item {
    fn json(&self) -> Value {
        match &self.failure {
            None => json!({"id": self.id, "marks": self.marks}),
            Some(failure) => json!({"id": self.id, "failure": failure, "marks": self.marks}),
        }
    }
}

fn judge_text(judge: &Value) -> String {
    let number = |name: &str| judge[name].as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
    let cost = match (judge["cost_usd"].as_f64(), judge["cost_missing"].as_str()) {
        (Some(cost), _) => format!("{cost:.4} USD"),
        (None, why) => format!("- ({})", why.unwrap_or_default()),
    };
    format!("judge: {} input and {} output tokens over all attempts, {cost}", number("input_tokens"), number("output_tokens"))
}
