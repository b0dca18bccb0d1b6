//! How a printed column may have been made, and which way reproduces it: every way is tried on every cell, and the one that gives most of
//! the printed digits is named. Of ways that do equally well the first in the list is taken.

use units::Missing;

use crate::{
    Result,
    document::{Cell, Column, Way},
    logs::Logs,
    published::Published,
};

/// One way to compute a column's cells.
pub(crate) struct Recipe<K> {
    name: String,
    of: Box<Compute<K>>,
}

type Compute<K> = dyn Fn(&Logs, K) -> Result<f64, Missing>;

/// A column and the ways in which it may have been made.
pub(crate) struct Candidate<K> {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ways: Vec<Recipe<K>>,
}

/// A table, recomputed beside its printed cells.
pub(crate) struct Table {
    pub(crate) number: u8,
    pub(crate) title: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) cells: Vec<Cell>,
}

/// What makes one number of several.
pub(crate) type Aggregator = (&'static str, fn(&[f64]) -> f64);

/// The aggregators that are tried.
pub(crate) const AGGREGATORS: [Aggregator; 4] = [("mean", mean), ("median", median), ("largest", largest), ("smallest", smallest)];

/// A way of its own.
pub(crate) fn way<K>(name: impl Into<String>, of: impl Fn(&Logs, K) -> Result<f64, Missing> + 'static) -> Recipe<K> {
    Recipe { name: name.into(), of: Box::new(of) }
}

/// One way for each aggregator of several values, such as `mean over the six INT4 rows`.
pub(crate) fn over<K: 'static>(what: &str, values: impl Fn(&Logs, K) -> Result<Vec<f64>, Missing> + Copy + 'static) -> Vec<Recipe<K>> {
    AGGREGATORS
        .iter()
        .map(|&(name, aggregate)| way(format!("{name} {what}"), move |logs, key| Ok(aggregate(&values(logs, key)?))))
        .collect()
}

/// The same way, rounded to three decimals before it is printed with fewer.
pub(crate) fn rounded_first<K: 'static>(name: &str, of: impl Fn(&Logs, K) -> Result<f64, Missing> + 'static) -> Recipe<K> {
    way(format!("{name}, rounded to 3 decimals first"), move |logs, key| Ok((of(logs, key)? * 1e3).round() / 1e3))
}

/// Computes a table and compares it with what was printed.
pub(crate) fn table<K: Copy>(
    number: u8,
    title: &'static str,
    logs: &Logs,
    rows: &[K],
    label: impl Fn(K) -> String,
    candidates: Vec<Candidate<K>>,
) -> Result<Table> {
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.name).collect();
    let published = Published::of(number, &names)?;
    let (mut columns, mut by_column) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let (column, cells) = choose(&candidate, logs, rows, &label, &published);
        columns.push(column);
        by_column.push(cells.into_iter());
    }
    let mut cells = Vec::new();
    for _ in rows {
        cells.extend(by_column.iter_mut().filter_map(Iterator::next).flatten());
    }
    Ok(Table { number, title, columns, cells })
}

/// The way that gives most of the printed cells, and its cells, one a row where one is printed.
fn choose<K: Copy>(
    candidate: &Candidate<K>,
    logs: &Logs,
    rows: &[K],
    label: &impl Fn(K) -> String,
    published: &Published,
) -> (Column, Vec<Option<Cell>>) {
    let column = candidate.name;
    let cells_of = |recipe: &Recipe<K>| -> Vec<Option<Cell>> {
        let cell = |&key: &K| {
            let row = label(key);
            let printed = published.cell(&row, column)?;
            let recomputed = (recipe.of)(logs, key);
            let agrees = recomputed.as_ref().is_ok_and(|value| agrees(printed.value, printed.decimals, *value));
            Some(Cell::printed(row, column, printed, recomputed, &recipe.name, agrees))
        };
        rows.iter().map(cell).collect()
    };
    let (mut ways, mut best): (Vec<Way>, usize) = (Vec::new(), 0);
    let mut tried: Vec<Vec<Option<Cell>>> = Vec::new();
    for recipe in &candidate.ways {
        let cells = cells_of(recipe);
        let agrees = cells.iter().flatten().filter(|cell| cell.agrees == Some(true)).count();
        ways.push(Way { name: recipe.name.clone(), agrees, of: cells.iter().flatten().count() });
        tried.push(cells);
        if agrees > ways[best].agrees {
            best = ways.len() - 1;
        }
    }
    let (cells, aggregator) = (tried.swap_remove(best), ways[best].name.clone());
    (Column { column: column.to_owned(), unit: candidate.unit.to_owned(), aggregator, ways }, cells)
}

/// Whether a number, printed with these decimals, can read as printed. A number halfway between two may go either way.
pub(crate) fn agrees(printed: f64, decimals: u32, value: f64) -> bool {
    let half = 0.5 * 10f64.powi(-(decimals as i32));
    (value - printed).abs() <= half + 1e-9
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Quantile of type 7; not a number of no values.
pub(crate) fn quantile(values: &[f64], p: f64) -> f64 {
    stats::Sample::new(values).and_then(|sample| sample.quantile(p)).unwrap_or(f64::NAN)
}

pub(crate) fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

pub(crate) fn smallest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_decide() {
        assert!(agrees(14.0, 0, 13.84) && agrees(14.0, 0, 14.5) && agrees(14.0, 0, 13.5) && !agrees(14.0, 0, 13.49));
        assert!(agrees(0.45, 2, 0.4484) && !agrees(0.45, 2, 0.4449) && agrees(-6.1, 1, -6.05) && !agrees(-6.1, 1, 6.1));
        assert!(!agrees(0.0, 2, f64::NAN));
    }

    #[test]
    fn aggregators() {
        let values = [4.0, 1.0, 7.0];
        let all: Vec<f64> = AGGREGATORS.iter().map(|(_, of)| of(&values)).collect();
        assert_eq!(all.iter().map(|value| value.round() as i64).collect::<Vec<_>>(), [4, 4, 7, 1]);
        assert!(median(&[]).is_nan());
    }
}
