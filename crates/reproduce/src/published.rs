//! The paper's tables as printed: the digits of a cell tell how exactly it is known.

use std::collections::HashMap;

use crate::{Error, Result, csv::Table};

const TABLES: [&str; 5] = [
    include_str!("../data/published/table-1.csv"),
    include_str!("../data/published/table-2.csv"),
    include_str!("../data/published/table-3.csv"),
    include_str!("../data/published/table-4.csv"),
    include_str!("../data/published/table-5.csv"),
];

/// A printed number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Printed {
    pub(crate) text: String,
    pub(crate) value: f64,
    pub(crate) decimals: u32,
}

/// A printed table.
pub(crate) struct Published(HashMap<(String, String), Printed>);

impl Published {
    /// Table 1 to 5, with these columns.
    pub(crate) fn of(number: u8, columns: &[&str]) -> Result<Self> {
        let file = format!("table-{number}.csv");
        let text = usize::from(number).checked_sub(1).and_then(|index| TABLES.get(index));
        let text = text.ok_or_else(|| Error::Table { file: file.clone(), line: 1, what: "the paper has no such table".into() })?;
        let wanted: Vec<&str> = columns.iter().copied().chain(["row"]).collect();
        let mut cells = HashMap::new();
        for row in Table::parse(&file, text, &wanted)?.rows() {
            for &column in columns.iter().filter(|column| !row.text(column).is_empty()) {
                let text = row.text(column).to_owned();
                let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len() as u32);
                let printed = Printed { value: row.number(column)?, text, decimals };
                cells.insert((row.text("row").to_owned(), column.to_owned()), printed);
            }
        }
        Ok(Self(cells))
    }

    /// One cell, where a number is printed.
    pub(crate) fn cell(&self, row: &str, column: &str) -> Option<&Printed> {
        self.0.get(&(row.to_owned(), column.to_owned()))
    }

    /// How many numbers are printed.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept() {
        let table = Published::of(1, &["N_break", "IPW", "rho_sys", "Q_ret", "C_tax"]).unwrap();
        assert_eq!(table.len(), 30);
        let cell = table.cell("Qwen 1B", "Q_ret").unwrap();
        assert_eq!((cell.text.as_str(), cell.decimals), ("99.6", 1));
        assert!(table.cell("Qwen 2B", "Q_ret").is_none());
        assert!(Published::of(6, &[]).is_err() && Published::of(0, &[]).is_err());
        assert_eq!(Published::of(3, &["Throughput", "Speedup", "Energy/req", "Savings"]).unwrap().len(), 21);
    }
}
