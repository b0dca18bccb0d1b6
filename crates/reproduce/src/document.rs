//! What a reproduction says, apart from how it is printed: the one object of `--format json`, and what text and Markdown are made of.
//! Nothing is computed here.

use std::collections::BTreeMap;

use metric::adaptation::{self, Control, Together};
use serde::{Deserialize, Serialize};
use stats::{Estimate, Method};
use units::Missing;

use crate::{aggregate::Table, published::Printed};

/// The version of the JSON document.
pub const SCHEMA: &str = "edge-eval/reproduction/1";

/// A whole reproduction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whether these are the paper's logs or a run of ours.
    pub of: Of,
    /// Where the logs or records come from.
    pub source: String,
    /// The named method of the figures: `paper` for the authors' logs, `measured` for a run.
    pub method: String,
    /// What must be said of all figures, such as that energy is modelled.
    pub notes: Vec<String>,
    /// The cells of each table, by its number, row by row.
    pub tables: BTreeMap<String, Vec<Cell>>,
    /// The columns of each table, by its number: how each was made.
    pub columns: BTreeMap<String, Vec<Column>>,
    /// What each table is of, by its number.
    pub titles: BTreeMap<String, String>,
    /// The printed cells that do not follow from the logs; empty for a run.
    pub unexplained: Vec<Unexplained>,
    /// What else the logs show; empty for a run.
    pub audit: Vec<Finding>,
    /// The `QLoRA` question, model by model.
    pub qlora: Vec<Group>,
}

/// What a document is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// The authors' logs.
    Paper,
    /// A run folder of ours.
    Run,
}

/// One number of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The row, such as `LLaMA 1B`.
    pub row: String,
    /// The column, such as `N_break`.
    pub column: String,
    /// As the paper prints it; `null` in a run's tables.
    pub published: Option<f64>,
    /// The digits that are printed.
    pub printed: Option<String>,
    /// Out of the logs, or the records of a run; `null` where it cannot be known.
    pub recomputed: Option<f64>,
    /// Why there is no number.
    pub missing: Option<String>,
    /// How it was made of several values.
    pub aggregator: String,
    /// Whether the recomputed number reads as printed; `null` in a run's tables.
    pub agrees: Option<bool>,
    /// How many values it is made of, and how many there should be; only in a run's tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<(usize, usize)>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub column: String,
    /// Its unit.
    pub unit: String,
    /// The way that gives most of the printed cells.
    pub aggregator: String,
    /// Every way that was tried.
    pub ways: Vec<Way>,
}

/// A way in which a column may have been made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// In words.
    pub name: String,
    /// How many printed cells it gives.
    pub agrees: usize,
    /// How many there are.
    pub of: usize,
}

/// A printed cell that no way gives which gives the rest of its column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unexplained {
    /// Number of the table.
    pub table: u8,
    /// Its row.
    pub row: String,
    /// Its column.
    pub column: String,
    /// As printed.
    pub published: f64,
    /// The digits that are printed.
    pub printed: String,
    /// Out of the logs.
    pub recomputed: Option<f64>,
}

/// Something that the logs show beside the tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable word, such as `concurrency`.
    pub name: String,
    /// What the paper says of it; `null` where it says nothing.
    pub claim: Option<String>,
    /// Whether the claim holds by the numbers; `null` where there is none or they cannot tell.
    pub holds: Option<bool>,
    /// What the numbers show, in a sentence or two.
    pub finding: String,
    /// The numbers.
    pub numbers: Vec<Number>,
    /// What else than the logs it rests on: a file of the authors' code, or a data sheet.
    pub rests_on: Vec<String>,
}

/// A number of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit; empty for a count or ratio.
    pub unit: String,
}

/// The `QLoRA` question of one model: `QLoRA` over LoRA, task by task and together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The model.
    pub model: String,
    /// One entry a task.
    pub pairs: Vec<Pair>,
    /// Geometric mean of the energies' ratios; `null` when no pair can be compared.
    pub energy: Option<Interval>,
    /// Of the times' ratios.
    pub time: Option<Interval>,
    /// Of the mean powers' ratios.
    pub power: Option<Interval>,
    /// `controlled`, `confounded` or `unproven`; `missing` when no pair can be compared.
    pub verdict: String,
    /// By what, in words.
    pub because: String,
}

/// Two adaptations of one model and task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Model and task.
    pub subject: String,
    /// `token` or `row`: what the ratios are per.
    pub per: Option<String>,
    /// Ratio of energies.
    pub energy: Option<f64>,
    /// Ratio of times.
    pub time: Option<f64>,
    /// Ratio of mean powers.
    pub power: Option<f64>,
    /// `controlled`, `confounded`, `unproven` or `missing`.
    pub verdict: String,
    /// By what, in words, or why there is no ratio.
    pub because: String,
    /// The settings that differ.
    pub differs: Vec<Differs>,
    /// The settings that are not known on both sides.
    pub unknown: Vec<String>,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differs {
    /// Which, such as `dtype`.
    pub setting: String,
    /// With LoRA.
    pub lora: String,
    /// With `QLoRA`.
    pub qlora: String,
}

/// A number with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The number.
    pub value: f64,
    /// Its 95% interval; `null` for a single pair.
    pub ci95: Option<(f64, f64)>,
    /// How many pairs.
    pub n: usize,
    /// How the interval was made.
    pub method: Method,
}

impl Cell {
    pub(crate) fn printed(
        row: String,
        column: &str,
        printed: &Printed,
        recomputed: Result<f64, Missing>,
        aggregator: &str,
        agrees: bool,
    ) -> Self {
        Self {
            row,
            column: column.to_owned(),
            published: Some(printed.value),
            printed: Some(printed.text.clone()),
            missing: recomputed.as_ref().err().map(ToString::to_string),
            recomputed: recomputed.ok(),
            aggregator: aggregator.to_owned(),
            agrees: Some(agrees),
            made_of: None,
        }
    }
}

impl From<Estimate> for Interval {
    fn from(Estimate { value, ci95, n, method }: Estimate) -> Self {
        Self { value, ci95, n, method }
    }
}

impl From<adaptation::Pair> for Pair {
    fn from(pair: adaptation::Pair) -> Self {
        let by: &[adaptation::Difference] = if let Control::Confounded(by) = &pair.control { by } else { &[] };
        let differs = by.iter().map(|d| Differs { setting: d.setting.into(), lora: d.first.clone(), qlora: d.second.clone() }).collect();
        Self {
            subject: pair.subject,
            per: Some(pair.per.name().to_owned()),
            energy: Some(pair.energy),
            time: Some(pair.time),
            power: Some(pair.power),
            verdict: pair.control.name().to_owned(),
            differs,
            because: pair.control.to_string(),
            unknown: pair.unknown.into_iter().map(str::to_owned).collect(),
        }
    }
}

impl Pair {
    /// Two adaptations that cannot be compared.
    pub(crate) fn missing(subject: String, why: &Missing) -> Self {
        Self {
            subject,
            per: None,
            energy: None,
            time: None,
            power: None,
            verdict: "missing".into(),
            because: why.to_string(),
            differs: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

impl Group {
    pub(crate) fn of(model: String, pairs: Vec<Pair>, together: Result<Together, Missing>) -> Self {
        match together {
            Ok(Together { energy, time, power, control }) => Self {
                model,
                pairs,
                energy: Some(energy.into()),
                time: Some(time.into()),
                power: Some(power.into()),
                verdict: control.name().to_owned(),
                because: control.to_string(),
            },
            Err(why) => Self { model, pairs, energy: None, time: None, power: None, verdict: "missing".into(), because: why.to_string() },
        }
    }
}

/// The document of the authors' logs.
pub(crate) fn of_paper(source: &str, tables: Vec<Table>, audit: Vec<Finding>, qlora: Vec<Group>) -> Document {
    let mut unexplained = Vec::new();
    for table in &tables {
        let disagreeing = table.cells.iter().filter(|cell| cell.agrees == Some(false));
        unexplained.extend(disagreeing.filter_map(|cell| {
            let (row, column) = (cell.row.clone(), cell.column.clone());
            let printed = cell.printed.clone()?;
            Some(Unexplained { table: table.number, row, column, published: cell.published?, printed, recomputed: cell.recomputed })
        }));
    }
    Document { unexplained, audit, ..of(Of::Paper, source, metric::paper::METHOD, tables, qlora) }
}

/// A document without findings.
pub(crate) fn of(of: Of, source: &str, method: &str, tables: Vec<Table>, qlora: Vec<Group>) -> Document {
    let titles = tables.iter().map(|table| (table.number.to_string(), table.title.to_owned())).collect();
    let columns = tables.iter().map(|table| (table.number.to_string(), table.columns.clone())).collect();
    let tables = tables.into_iter().map(|table| (table.number.to_string(), table.cells)).collect();
    Document {
        schema: SCHEMA.into(),
        of,
        source: source.to_owned(),
        method: method.to_owned(),
        notes: Vec::new(),
        tables,
        columns,
        titles,
        unexplained: Vec::new(),
        audit: Vec::new(),
        qlora,
    }
}
