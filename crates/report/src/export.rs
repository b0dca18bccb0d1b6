//! The figures and the requests of a run as Parquet files, for DuckDB, pandas and whatever else reads columns. Figures are rows of the CSV
//! export's columns; requests are those of the run folder, each with the cell, run and level that it belongs to and its latencies beside its
//! instants.

use std::path::{Path, PathBuf};

use metric::{CellRecords, OF_A_WINDOW, ServingRun};
use record::{Column, Columns, Request, write_table};
use units::Nanos;

use crate::{
    Result,
    document::{CellFigures, Document},
    loaded::Loaded,
};

/// The file of figures.
pub const FIGURES: &str = "figures.parquet";
/// The file of requests.
pub const REQUESTS: &str = "requests.parquet";

/// Writes both files of a run into a folder, which must be there; names them.
///
/// # Errors
/// The run cannot be read, or a file cannot be written.
pub fn write_parquet(run: &Path, folder: &Path, document: &Document) -> Result<[PathBuf; 2]> {
    let paths = [folder.join(FIGURES), folder.join(REQUESTS)];
    write_table(&paths[0], &figures(document))?;
    write_table(&paths[1], &requests(&Loaded::read(run)?))?;
    Ok(paths)
}

impl Document {
    /// Levels of concurrency beside the variants' own.
    pub(crate) fn further_levels(&self) -> impl Iterator<Item = &CellFigures> {
        let own = |level: &&CellFigures| self.cells.iter().any(|cell| cell.is_of(level) && cell.concurrency == level.concurrency);
        self.levels.iter().filter(move |level| !own(level))
    }
}

/// The level of concurrency of a figure; a score or the energy of training is of none.
pub(crate) fn level(cell: &CellFigures, metric: &str) -> Option<u32> {
    cell.concurrency.filter(|_| OF_A_WINDOW.contains(&metric))
}

/// One row a variant and figure, then those of further levels of concurrency, in the order of the CSV export.
fn figures(document: &Document) -> Columns {
    let rows: Vec<(&CellFigures, &str, &crate::Figure)> = document
        .cells
        .iter()
        .chain(document.further_levels())
        .flat_map(|cell| document.definitions.iter().filter_map(move |one| Some((cell, one.name.as_str(), cell.metrics.get(&one.name)?))))
        .collect();
    let text = |get: &dyn Fn(&CellFigures) -> &str| Column::Text(rows.iter().map(|(cell, ..)| get(cell).to_owned()).collect());
    let real = |get: &dyn Fn(&crate::Figure) -> Option<f64>| Column::OptionalReal(rows.iter().map(|(.., figure)| get(figure)).collect());
    let word = |get: &dyn Fn(&crate::Figure) -> Option<String>| Column::OptionalText(rows.iter().map(|(.., figure)| get(figure)).collect());
    vec![
        ("run", Column::Text(vec![document.run.clone(); rows.len()])),
        ("family", text(&|cell| &cell.family)),
        ("tier", text(&|cell| &cell.tier)),
        ("task", text(&|cell| &cell.task)),
        ("strategy", text(&|cell| &cell.strategy)),
        ("engine", text(&|cell| &cell.engine)),
        ("engine_version", Column::OptionalText(rows.iter().map(|(cell, ..)| cell.engine_version.clone()).collect())),
        ("concurrency", Column::OptionalInt(rows.iter().map(|(cell, name, _)| level(cell, name).map(i64::from)).collect())),
        ("metric", Column::Text(rows.iter().map(|(_, name, _)| (*name).to_owned()).collect())),
        ("value", real(&|figure| figure.value)),
        ("ci95_low", real(&|figure| figure.ci95.map(|(low, _)| low))),
        ("ci95_high", real(&|figure| figure.ci95.map(|(_, high)| high))),
        ("n", Column::OptionalInt(rows.iter().map(|(.., figure)| figure.n.map(|n| n as i64)).collect())),
        ("unit", word(&|figure| Some(figure.unit.clone()))),
        ("method", word(&|figure| figure.method.map(|method| method.label().to_owned()))),
        ("source", word(&|figure| figure.source.clone())),
        ("missing", word(&|figure| figure.missing.clone())),
        ("notes", word(&|figure| Some(figure.notes.join("; ")).filter(|notes| !notes.is_empty()))),
    ]
}

/// One request of one window.
struct Row<'a> {
    cell: &'a plan::Cell,
    run: usize,
    concurrency: u32,
    request: &'a Request,
}

fn requests(loaded: &Loaded) -> Columns {
    let own = loaded.manifest.plan.load.concurrency;
    let rows: Vec<Row> = loaded.campaign.cells.iter().flat_map(|cell| of_cell(cell, own)).collect();
    let text = |get: &dyn Fn(&Row) -> String| Column::Text(rows.iter().map(get).collect());
    let int = |get: &dyn Fn(&Row) -> i64| Column::Int(rows.iter().map(get).collect());
    let optional = |get: &dyn Fn(&Request) -> Option<i64>| Column::OptionalInt(rows.iter().map(|row| get(row.request)).collect());
    let word = |get: &dyn Fn(&Request) -> Option<String>| Column::OptionalText(rows.iter().map(|row| get(row.request)).collect());
    let ms = |to: &dyn Fn(&Request) -> Option<Nanos>| {
        let of = |request: &Request| Some(to(request).filter(|_| request.failure.is_none())?.signed_since(request.due).get() * 1e3);
        Column::OptionalReal(rows.iter().map(|row| of(row.request)).collect())
    };
    vec![
        ("family", text(&|row| row.cell.family.clone())),
        ("tier", text(&|row| row.cell.tier.clone())),
        ("task", text(&|row| row.cell.task.clone())),
        ("strategy", text(&|row| row.cell.strategy.name().to_owned())),
        ("engine", text(&|row| row.cell.engine.clone())),
        ("run", int(&|row| row.run as i64)),
        ("concurrency", int(&|row| row.concurrency.into())),
        ("index", int(&|row| row.request.index.into())),
        ("due_ns", int(&|row| row.request.due.get() as i64)),
        ("sent_ns", int(&|row| row.request.sent.get() as i64)),
        ("first_content_ns", optional(&|request| Some(request.first_content?.get() as i64))),
        ("end_ns", int(&|row| row.request.end.get() as i64)),
        ("ttft_ms", ms(&|request| request.first_content)),
        ("e2e_ms", ms(&|request| Some(request.end))),
        ("prompt_tokens", optional(&|request| request.prompt_tokens.map(i64::from))),
        ("completion_tokens", optional(&|request| request.completion_tokens.map(i64::from))),
        ("status", optional(&|request| request.status.map(i64::from))),
        ("finish_reason", word(&|request| request.finish_reason.clone())),
        ("failure", word(&|request| request.failure.clone())),
        (
            "content_times_ns",
            Column::Ints(rows.iter().map(|row| row.request.content_times.iter().map(|at| at.get() as i64).collect()).collect()),
        ),
    ]
}

/// The requests of a cell's runs, counted from 1, each level after the run's own.
fn of_cell(records: &CellRecords, own: u32) -> impl Iterator<Item = Row<'_>> {
    records.serve.iter().enumerate().flat_map(move |(index, ServingRun { requests, levels, .. })| {
        let further = levels.iter().flat_map(|(level, requests)| requests.iter().map(move |request| (*level, request)));
        let all = requests.iter().map(move |request| (own, request)).chain(further);
        all.map(move |(concurrency, request)| Row { cell: &records.cell, run: index + 1, concurrency, request })
    })
}
