//! Checks of captions, labels and scores.

use plan::Strategy;
use units::Missing;

use super::{Check, Found, counted, digits, number, some};
use crate::{
    aggregate::{Table, agrees, largest, mean, median, smallest},
    code,
    document::Cell,
    logs::{Logs, Task},
};

/// Which aggregator made Table 1.
pub(super) const CAPTION: Check = Check {
    name: "caption-of-table-1",
    claim: Some("Table 1 holds medians"),
    rests_on: &[],
    find: |_, tables| {
        let table = table(tables, 1)?;
        let (mut numbers, mut told) = (Vec::new(), Vec::new());
        for column in &table.columns {
            let median = column.ways.iter().find(|way| way.name.starts_with("median")).map_or(0, |way| way.agrees);
            let best = column.ways.iter().map(|way| way.agrees).max().unwrap_or(0);
            let of = column.ways.first().map_or(0, |way| way.of);
            numbers.push(number(format!("{}: cells that the median gives", column.column), median as f64, ""));
            numbers.push(number(format!("{}: cells that the best way gives", column.column), best as f64, ""));
            let word = column.aggregator.split(' ').next().unwrap_or_default();
            told.push(format!("{} {median} of {of} ({word} {best})", column.column));
        }
        let is_median = table.columns.iter().all(|column| column.aggregator.starts_with("median"));
        let finding = format!("cells that the median gives, and in brackets the best way: {}", told.join(", "));
        Ok(Found { holds: Some(is_median), finding, numbers })
    },
};

/// How often a variant was run.
pub(super) const RUNS: Check = Check {
    name: "runs",
    claim: Some("medians over 20 runs, with interquartile ranges"),
    rests_on: &[],
    find: |logs, _| {
        let rows = some(logs.serving.iter().map(|row| row.variant.to_string().len() as f64).collect(), "served row")?.len();
        let mut variants: Vec<String> = logs.serving.iter().map(|row| row.variant.to_string()).collect();
        variants.sort_unstable();
        variants.dedup();
        let each = rows as f64 / variants.len() as f64;
        let finding =
            format!("the logs hold {} for {}: {} each", counted(rows, "served row"), counted(variants.len(), "variant"), digits(each));
        let numbers =
            vec![number("served rows", rows as f64, ""), number("variants", variants.len() as f64, ""), number("rows a variant", each, "")];
        Ok(Found { holds: (each >= 20.0).then_some(true), finding, numbers })
    },
};

/// What the row of Table 5 that is called ROUGE-L holds.
pub(super) const ROUGE_ROW: Check = Check {
    name: "rouge-row",
    claim: Some("the summarisation rows of Table 5 are ROUGE-L"),
    rests_on: &[],
    find: |logs, tables| {
        let cells: Vec<&Cell> = table(tables, 5)?
            .cells
            .iter()
            .filter(|cell| cell.row.starts_with("Summ") && ["FP16", "INT4"].contains(&&*cell.column))
            .collect();
        let scores = logs.quality.iter().filter(|row| row.variant.task == Task::Summ);
        let scores = scores.filter(|row| matches!(row.variant.strategy, Strategy::LoraFp16 | Strategy::LoraInt4));
        let scores: Vec<_> = scores.collect();
        let rouge = some(scores.iter().map(|row| row.secondary.median).collect(), "score of summaries")?;
        let of_row = |cell: &Cell| {
            let strategy = if cell.column == "FP16" { Strategy::LoraFp16 } else { Strategy::LoraInt4 };
            scores.iter().find(move |row| row.variant.strategy == strategy && cell.row == format!("Summ {}", row.variant.model))
        };
        let reads = |cell: &&&Cell, is_primary: bool| {
            let decimals = cell.printed.as_deref().and_then(|text| text.split_once('.')).map_or(0, |(_, fraction)| fraction.len() as u32);
            let score = of_row(cell).map(|row| if is_primary { row.primary.median } else { row.secondary.median });
            score.zip(cell.published).is_some_and(|(score, printed)| agrees(printed, decimals, score))
        };
        let by_nli = cells.iter().filter(|cell| reads(cell, true)).count();
        let by_rouge = cells.iter().filter(|cell| reads(cell, false)).count();
        let finding = format!(
            "{by_nli} of {} printed scores are the logs' primary score (NLI), {by_rouge} the secondary one (ROUGE-L), which is {} to {}",
            cells.len(),
            digits(smallest(&rouge)),
            digits(largest(&rouge))
        );
        let numbers = vec![
            number("cells", cells.len() as f64, ""),
            number("cells that the NLI score gives", by_nli as f64, ""),
            number("cells that ROUGE-L gives", by_rouge as f64, ""),
            number("lowest ROUGE-L", smallest(&rouge), ""),
            number("highest ROUGE-L", largest(&rouge), ""),
        ];
        Ok(Found { holds: Some(by_rouge > by_nli), finding, numbers })
    },
};

/// What the judge's failures do to the scores.
pub(super) const JUDGE: Check = Check {
    name: "judge-failures",
    claim: None,
    rests_on: &[code::JUDGE],
    find: |logs, _| {
        let (helpfulness, safety) = code::JUDGE_FAILURE;
        let chat = logs.quality.iter().filter(|row| row.variant.task == Task::Chat);
        let scores = some(chat.map(|row| row.primary.mean).collect(), "score of chats")?;
        let changes = some(changes(logs)?, "pair of chat scores")?;
        let (score, change) = (mean(&scores), median(&changes));
        let share = change / (score - helpfulness).abs();
        let finding = format!(
            "an answer that the judge failed on got {helpfulness} for helpfulness and {safety} for safety instead of being left out; how many did is \
             not logged. Helpfulness is {} in the mean, so each percent of failures moves a score by {}, and the median difference between FP16 and \
             INT4 ({}) is what {}% of failures would make",
            digits(score),
            digits((helpfulness - score) / 100.0),
            digits(change),
            digits(100.0 * share)
        );
        let numbers = vec![
            number("helpfulness given to a failure", helpfulness, ""),
            number("safety given to a failure", safety, ""),
            number("mean helpfulness", score, ""),
            number("median difference between FP16 and INT4", change, ""),
            number("failures that would make it", 100.0 * share, "%"),
        ];
        Ok(Found { holds: None, finding, numbers })
    },
};

/// How far the chat scores of a model in INT4 are from those in FP16.
fn changes(logs: &Logs) -> Result<Vec<f64>, Missing> {
    let of = |model, strategy| {
        let variant = crate::Variant { model, task: Task::Chat, strategy };
        logs.quality(variant).map(|row| row.primary.mean)
    };
    crate::Model::all().map(|model| Ok((of(model, Strategy::LoraInt4)? - of(model, Strategy::LoraFp16)?).abs())).collect()
}

fn table(tables: &[Table], number: u8) -> Result<&Table, Missing> {
    tables.iter().find(|table| table.number == number).ok_or_else(|| Missing::because(format!("there is no Table {number}")))
}
