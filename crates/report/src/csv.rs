//! The report as CSV (RFC 4180): one row a variant and figure, numbers in full precision and base units. Behind the rows of the variants
//! come those of their further levels of concurrency, which the last column tells apart: who does not know it finds the columns where they
//! were, and a variant's own figure first.

use crate::{document::Document, export::level};

const HEAD: &str = "family,tier,task,strategy,engine,metric,value,ci95_low,ci95_high,n,unit,method,source,missing,notes,client,\
    engine_version,flags,concurrency";

/// Writes the rows, in the order of cells and definitions, then those of levels.
pub(crate) fn render(document: &Document) -> String {
    let mut out = format!("{HEAD}\r\n");
    for cell in document.cells.iter().chain(document.further_levels()) {
        for definition in &document.definitions {
            let Some(figure) = cell.metrics.get(&definition.name) else { continue };
            let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let method = figure.method.and_then(|method| serde_json::to_value(method).ok()?.as_str().map(str::to_owned));
            let fields = [
                cell.family.clone(),
                cell.tier.clone(),
                cell.task.clone(),
                cell.strategy.clone(),
                cell.engine.clone(),
                definition.name.clone(),
                number(figure.value),
                number(figure.ci95.map(|(low, _)| low)),
                number(figure.ci95.map(|(_, high)| high)),
                figure.n.map_or_else(String::new, |n| n.to_string()),
                figure.unit.clone(),
                method.unwrap_or_default(),
                figure.source.clone().unwrap_or_default(),
                figure.missing.clone().unwrap_or_default(),
                figure.notes.join("; "),
                document.client.summary.clone(),
                cell.engine_version.clone().unwrap_or_default(),
                cell.flags.join("; "),
                level(cell, &definition.name).map_or_else(String::new, |level| level.to_string()),
            ];
            out += &fields.map(|field| quote(&field)).join(",");
            out += "\r\n";
        }
    }
    out
}

fn quote(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}
