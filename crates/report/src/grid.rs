//! The report as tables of text, before it is drawn: what the terminal and Markdown print alike. Missing figures are dashes
//! that point to their numbered reasons; notes that hold for a whole column point from its head.

mod economics;

use std::fmt::Write;

use crate::{
    document::{Better, CellFigures, Definition, Document, Figure},
    number,
};

/// The five deployment metrics, which the first table shows.
const FIVE: &[&str] = &["n_break", "ipw", "rho_sys", "c_tax", "q_ret"];
/// The figure that the first table shows against the base model's.
const SCORE: &str = "score";
/// The base model's score, which has no column of its own.
const SCORE_BASE: &str = "score_base";
/// The strategy that is the base model as it is.
const BASE: &str = "base-fp16";
/// The figures behind the five, which the second table shows.
const BEHIND: &[&str] =
    &["ttft_ms", "itl_ms", "throughput_tok_s", "energy_per_request_j", "load_energy_j", "train_energy_j", "peak_memory_bytes"];
/// How far quantised weights are from full precision, token by token: a table of its own, where any cell has them.
const FIDELITY: &[&str] = &["perplexity", "kl_divergence", "top1_agreement", "rms_delta_p"];
/// What was served within the plan's limits: a table of its own, and columns of that of levels, where the plan states limits.
const GOODPUT: &[&str] = &["goodput_rps", "goodput_per_watt", "goodput_tokens_per_joule"];
/// What reasons say of a stage that needed more memory than there is.
const DOES_NOT_FIT: &str = "does not fit";
/// The figures that a table of levels of concurrency shows, where they are there.
const BY_LEVEL: &[&str] = &[
    "throughput_tok_s",
    "throughput_per_stream_tok_s",
    "ttft_ms",
    "ttft_p95_ms",
    "ttft_p99_ms",
    "itl_ms",
    "energy_per_token_j",
    "rho_sys",
];
/// Figures side by side in one of the further tables.
const ABREAST: usize = 6;

/// Tables and what stands under them.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    pub(crate) tables: Vec<Table>,
    /// Reasons and notes; the first is number 1.
    pub(crate) remarks: Vec<String>,
    /// What each column means.
    pub(crate) legend: Vec<String>,
    /// Whether engines are named with their versions.
    versions: bool,
}

/// One table. Rows of one group belong to one model, task and engine.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) head: Vec<Text>,
    pub(crate) groups: Vec<Vec<Vec<Text>>>,
}

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Variants.
    Variant,
    /// Levels of concurrency of variants.
    Level,
}

impl By {
    /// The column that tells the level, where rows are levels.
    fn column(self, text: String) -> Option<Text> {
        (self == Self::Level).then(|| Text { value: text.parse().ok(), ..Text::new(text, "") })
    }
}

/// The text of one table cell: a line, and a finer one under it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Text {
    pub(crate) line: String,
    pub(crate) under: String,
    /// Numbers of the remarks that belong to it.
    pub(crate) marks: Vec<usize>,
    /// What it is sorted by, where it is a number.
    pub(crate) value: Option<f64>,
}

impl Text {
    pub(crate) fn new(line: impl Into<String>, under: impl Into<String>) -> Self {
        Self { line: line.into(), under: under.into(), ..Self::default() }
    }

    /// The line with its marks: `0.5 (1)(3)`.
    pub(crate) fn marked(&self) -> String {
        let mut out = self.line.clone();
        for (i, mark) in self.marks.iter().enumerate() {
            let _ = write!(out, "{}({mark})", if i == 0 { " " } else { "" });
        }
        out
    }
}

impl Grid {
    /// The five metrics, and the main figures behind them.
    pub(crate) fn main(document: &Document) -> Self {
        let mut grid = Self::default();
        grid.add_main(document);
        grid
    }

    fn add_main(&mut self, document: &Document) {
        self.add(document, "Deployment metrics", &five(document));
        self.add(document, "What they rest on", &named(document, BEHIND));
        let fidelity = fidelity(document);
        if !fidelity.is_empty() {
            self.add(document, "Quantised beside full precision, over the tokens of reference answers", &fidelity);
        }
        let goodput = known(document, GOODPUT);
        if !goodput.is_empty() {
            self.add(document, "Within the limits of [slo]", &goodput);
        }
        if !document.levels.is_empty() {
            let columns = [named(document, BY_LEVEL), goodput].concat();
            self.add_table("By concurrency", &columns, &variants(&document.levels), By::Level);
        }
    }

    /// The five metrics under the other methods.
    fn add_methods(&mut self, document: &Document) {
        for (i, other) in document.methods.iter().enumerate() {
            let columns: Vec<&Definition> = other.definitions.iter().collect();
            self.table(if i == 0 { "The same under other methods" } else { "" }, &columns, &groups(&other.cells), By::Variant);
            self.legend.extend(other.definitions.iter().map(|column| format!("{}, method {}", legend(column), other.method)));
        }
    }

    /// Every figure.
    pub(crate) fn whole(document: &Document) -> Self {
        let mut grid = Self { versions: true, ..Self::default() };
        grid.add_main(document);
        let (fidelity, goodput) = (fidelity(document), known(document, GOODPUT));
        let shown = |d: &Definition| {
            [FIVE, BEHIND, &[SCORE, SCORE_BASE]].concat().contains(&d.name.as_str())
                || fidelity.iter().chain(&goodput).any(|shown| shown.name == d.name)
        };
        let further: Vec<&Definition> = document.definitions.iter().filter(|definition| !shown(definition)).collect();
        for (i, columns) in further.chunks(ABREAST).enumerate() {
            grid.add(document, if i == 0 { "Further figures" } else { "" }, columns);
        }
        grid.add_methods(document);
        grid.add_economics(document);
        grid
    }

    fn add(&mut self, document: &Document, title: &'static str, columns: &[&Definition]) {
        self.add_table(title, columns, &groups(&document.cells), By::Variant);
    }

    fn add_table(&mut self, title: &'static str, columns: &[&Definition], groups: &[Vec<&CellFigures>], by: By) {
        self.table(title, columns, groups, by);
        for line in columns.iter().map(|column| legend(column)) {
            if !self.legend.contains(&line) {
                self.legend.push(line);
            }
        }
    }

    fn table(&mut self, title: &'static str, columns: &[&Definition], groups: &[Vec<&CellFigures>], by: By) {
        let cells = || groups.iter().flatten().copied();
        let shared: Vec<Shared> = columns.iter().map(|column| Shared::of(cells(), &column.name)).collect();
        let mut head = vec![Text::new("model", "task"), Text::new("strategy", "engine")];
        head.extend(by.column("streams".to_owned()));
        for (column, shared) in columns.iter().zip(&shared) {
            let text = Text::new(title_of(column), under_title(column) + &count(shared.n));
            head.push(Text { marks: self.marks(&shared.notes), ..text });
        }
        let mut rows = Vec::with_capacity(groups.len());
        for group in groups {
            let row = |(i, cell): (usize, &&CellFigures)| {
                let mut row = vec![first_column(i, cell), Text::new(&cell.strategy, self.engine(cell))];
                row.extend(by.column(cell.concurrency.map_or_else(String::new, |level| level.to_string())));
                for (column, shared) in columns.iter().zip(&shared) {
                    row.push(self.figure(cell, column, shared));
                }
                row
            };
            rows.push(group.iter().enumerate().map(row).collect());
        }
        self.tables.push(Table { title, head, groups: rows });
    }

    fn figure(&mut self, cell: &CellFigures, column: &Definition, shared: &Shared) -> Text {
        let Some(figure) = cell.metrics.get(&column.name) else { return Text::default() };
        let known = |note: &&String| shared.notes.contains(note) || **note == mark_note(cell);
        let own: Vec<String> = figure.notes.iter().filter(|note| !known(note)).cloned().collect();
        let Some(value) = figure.value else {
            let reason = figure.missing.clone().unwrap_or_else(|| "no reason was given".into());
            let word = word_for(&reason);
            return Text { marks: self.marks(&[vec![reason], own].concat()), ..Text::new(word, "") };
        };
        let text = number::text(value, figure.ci95, &figure.unit);
        let base = cell.metrics.get(SCORE_BASE).and_then(|base| base.value);
        let line = match base {
            Some(base) if column.name == SCORE && cell.strategy != BASE => {
                format!("{} → {}", number::text(base, None, &figure.unit).value, text.value)
            }
            _ => text.value,
        };
        let n = if figure.n == shared.n { None } else { figure.n };
        let text = Text::new(line, (text.interval.unwrap_or_default() + &count(n)).trim_start());
        Text { marks: self.marks(&own), value: Some(value), ..text }
    }

    /// The engine's name, with the version it told where that is asked for.
    fn engine(&self, cell: &CellFigures) -> String {
        match cell.engine_version.as_ref().filter(|_| self.versions) {
            Some(version) => format!("{} {version}", cell.engine),
            None => cell.engine.clone(),
        }
    }

    /// The numbers of these remarks, which are added when they are new.
    fn marks(&mut self, remarks: &[String]) -> Vec<usize> {
        let mut number = |remark: &String| {
            let known = self.remarks.iter().position(|known| known == remark);
            known.unwrap_or_else(|| {
                self.remarks.push(remark.clone());
                self.remarks.len() - 1
            }) + 1
        };
        remarks.iter().map(&mut number).collect()
    }
}

/// What stands in the place of a figure. A break-even that does not come is an answer, not a gap; so is a cell that needs more memory than
/// there is.
fn word_for(reason: &str) -> &'static str {
    match reason {
        _ if reason.starts_with("never") => "never",
        _ if reason.contains(DOES_NOT_FIT) => "does not fit",
        _ => "-",
    }
}

/// Model and task stand in a group's first row only.
fn first_column(row: usize, cell: &CellFigures) -> Text {
    if row > 0 {
        return Text::default();
    }
    let task = if cell.mark.is_empty() { cell.task.clone() } else { format!("{} ({})", cell.task, cell.mark) };
    Text::new(cell.model(), task)
}

/// Which mark a score is of stands beside the task already.
fn mark_note(cell: &CellFigures) -> String {
    format!("mark: {}", cell.mark)
}

/// The figure's own name, or the paper's for its five.
fn title_of(definition: &Definition) -> &str {
    match definition.name.as_str() {
        SCORE => "score, from base",
        "n_break" => "N_break",
        "ipw" => "IPW",
        "rho_sys" => "ρ_sys",
        "c_tax" => "C_tax",
        "q_ret" => "Q_ret",
        name => name,
    }
}

fn five(document: &Document) -> Vec<&Definition> {
    named(document, &[&[SCORE], FIVE].concat())
}

/// Nothing where no cell's weights were put beside full precision.
fn fidelity(document: &Document) -> Vec<&Definition> {
    let compared = |cell: &CellFigures| cell.metrics.get("kl_divergence").is_some_and(|figure| figure.value.is_some());
    if document.cells.iter().any(compared) { named(document, FIDELITY) } else { Vec::new() }
}

/// The definitions of figures that some cell has, with and without a level; none where no cell has any of them.
fn known<'a>(document: &'a Document, names: &[&str]) -> Vec<&'a Definition> {
    let has = |cell: &CellFigures, name: &str| cell.metrics.get(name).is_some_and(|figure| figure.value.is_some());
    let any = |definition: &&Definition| document.cells.iter().chain(&document.levels).any(|cell| has(cell, &definition.name));
    named(document, names).into_iter().filter(any).collect()
}

fn named<'a>(document: &'a Document, names: &[&str]) -> Vec<&'a Definition> {
    names.iter().filter_map(|name| document.definitions.iter().find(|definition| definition.name == *name)).collect()
}

fn under_title(definition: &Definition) -> String {
    let arrow = match definition.better {
        Better::Higher => "↑",
        Better::Lower => "↓",
    };
    format!("{} {arrow}", number::shown_unit(&definition.unit)).trim_start().to_owned()
}

fn legend(definition: &Definition) -> String {
    let better = match definition.better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    };
    let Definition { definition: formula, source, .. } = definition;
    format!("{}: {formula}; {better} is better ({source})", title_of(definition))
}

/// Cells of one model, task and engine together, in the order in which they first appear.
fn groups(cells: &[CellFigures]) -> Vec<Vec<&CellFigures>> {
    let mut groups: Vec<Vec<&CellFigures>> = Vec::new();
    for cell in cells {
        let name = |c: &CellFigures| (c.family.clone(), c.tier.clone(), c.task.clone(), c.engine.clone());
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| name(first) == name(cell))) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups
}

/// The levels of each variant together; they stand so already.
fn variants(levels: &[CellFigures]) -> Vec<Vec<&CellFigures>> {
    levels.chunk_by(CellFigures::is_of).map(|levels| levels.iter().collect()).collect()
}

/// What holds for a whole column, and so stands in its head.
#[derive(Debug, Default)]
struct Shared {
    /// The notes that every known figure has, when there are at least two of them.
    notes: Vec<String>,
    /// The commonest number of observations; a figure with another one says so itself.
    n: Option<usize>,
}

impl Shared {
    fn of<'a>(cells: impl Iterator<Item = &'a CellFigures>, name: &str) -> Self {
        let known: Vec<&Figure> = cells.filter_map(|cell| cell.metrics.get(name)).filter(|figure| figure.value.is_some()).collect();
        let times = |n: usize| known.iter().filter(|figure| figure.n == Some(n)).count();
        let n = known.iter().filter_map(|figure| figure.n).max_by_key(|&n| (times(n), n));
        let notes = match known.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                first.notes.iter().filter(|note| rest.iter().all(|figure| figure.notes.contains(note))).cloned().collect()
            }
            _ => Vec::new(),
        };
        Self { notes, n }
    }
}

fn count(n: Option<usize>) -> String {
    n.map_or_else(String::new, |n| format!(" n={n}"))
}
