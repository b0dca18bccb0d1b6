//! The drill-down: each cell with all its figures, its stages with commands, digests, seeds and energy windows, its requests, power traces and
//! answers. It is drawn by the page's script when it is opened, from JSON that is thinned to a size that a page can hold; what was left out is
//! said, and stands in the run folder.

mod answers;
mod stages;

use std::collections::BTreeSet;

use maud::{Markup, html as markup};
use metric::{CellView, Stage as CellStage};
use record::StageRecord;
use serde::Serialize;

use super::{
    chart::cell_name,
    embed,
    words::{count, figure},
};
use crate::{
    document::{CellFigures, Figure},
    gather::{Result, Run},
};

/// Points of power that the page may hold, over all stages.
const POWER_POINTS: usize = 40_000;
/// Requests that it may hold.
const REQUESTS: usize = 160_000;
/// Bytes of prompts and answers that it may hold.
const TEXT: usize = 2_000_000;

/// A cell as the page's script has it.
#[derive(Serialize)]
struct Cell<'a> {
    figures: Vec<Row<'a>>,
    /// The keys of its stages, in order.
    stages: Vec<&'a str>,
    answers: Option<answers::Answers<'a>>,
}

/// A figure of a cell.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    #[serde(flatten)]
    figure: &'a Figure,
}

/// Every cell.
///
/// # Errors
/// A file of power samples or answers is damaged.
pub(super) fn section(run: &Run) -> Result<Markup> {
    let views: Vec<CellView<'_>> = run.campaign().views().collect();
    let records: Vec<Vec<&StageRecord>> = views.iter().map(|view| recorded(view)).collect();
    let mut seen = BTreeSet::new();
    let each: Vec<&StageRecord> = records.iter().flatten().copied().filter(|record| seen.insert(record.key.as_str())).collect();
    let share = stages::Share::of(&each, POWER_POINTS, REQUESTS);
    let text = TEXT / views.len().max(1);
    let mut data = Vec::new();
    for record in each {
        data.push(embed::json(&format!("stage-{}", record.key), &stages::Stage::of(run, record, &share)?)?);
    }
    for (i, (view, (figures, records))) in views.iter().zip(run.document().cells.iter().zip(&records)).enumerate() {
        let rows =
            run.document().definitions.iter().filter_map(|one| Some(Row { name: &one.name, figure: figures.metrics.get(&one.name)? }));
        let stages = records.iter().map(|record| record.key.as_str()).collect();
        let cell = Cell { figures: rows.collect(), stages, answers: answers::of(run, view, text)? };
        data.push(embed::json(&format!("cell-{i}"), &cell)?);
    }
    Ok(markup! {
        section #cells aria-labelledby="cells-title" {
            h2 #cells-title { "Cells" }
            p {
                (count(views.len(), "cell")) ", each with every figure, its stages (commands, versions, digests, seeds, energy), its requests, power and "
                "answers. Keys are content keys: the same key is the same stage, shared. Where the page holds a part only, it says so; the whole stands "
                "in the run folder."
            }
            p.tools { label { "Cells with " input type="search" data-cells="" placeholder="model, task, strategy, engine"; } }
            @for (i, cell) in run.document().cells.iter().enumerate() {
                details.cell data-cell=(i) data-name=(cell_name(cell)) {
                    summary { (cell_name(cell)) span.key-figures { (key_figures(cell)) } }
                    noscript { p { "This part needs scripts." } }
                }
            }
            @for one in data { (one) }
        }
    })
}

/// Score and energy of a request, where they are known.
fn key_figures(cell: &CellFigures) -> Markup {
    let known = |name: &str| cell.metrics.get(name).filter(|figure| figure.value.is_some());
    markup! {
        @if let Some(score) = known("score") { " · score " (figure(score)) }
        @if let Some(energy) = known("energy_per_request_j") { " · " (figure(energy)) }
    }
}

/// The records of a cell's stages, in the order of its life.
fn recorded<'a>(view: &CellView<'a>) -> Vec<&'a StageRecord> {
    let records = view.records;
    let serve = records.serve.iter().map(|run| &run.stage);
    let all = [&records.adapt, &records.merge, &records.quantise].into_iter().chain(serve).chain([&records.quality, &records.perplexity]);
    let record = |stage: &'a CellStage| if let CellStage::Recorded(record) = stage { Some(record.as_ref()) } else { None };
    all.chain(&records.passes).chain(&records.rate).filter_map(record).collect()
}
