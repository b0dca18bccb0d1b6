//! Entries of the price book as a text with aligned columns, or as JSON. It only lists; finding one by name is the book's own business.

use econ::{Cited, Date, ElectricityKind, OfferKind, PriceBook};
use serde::Serialize;
use serde_json::{Value, json};

use super::What;

/// What was asked for.
pub(super) struct Listing {
    tables: Vec<Table>,
    today: Date,
}

/// One kind of entry.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Row>,
}

/// One entry: its cells, what it is searched by, its source, itself as JSON.
struct Row {
    cells: Vec<String>,
    words: Vec<String>,
    cited: Cited,
    json: Value,
}

impl Listing {
    /// The entries of one part or of all, those alone that have a text in their names.
    pub(super) fn of(book: &PriceBook, what: Option<What>, search: Option<&str>, today: Date) -> Self {
        let mut tables = match what {
            Some(What::Models) => vec![models(book)],
            Some(What::Gpus) => vec![gpus(book), boards(book)],
            Some(What::Regions) => vec![grid(book), electricity(book), pue(book)],
            None => vec![models(book), gpus(book), boards(book), grid(book), electricity(book), pue(book)],
        };
        if let Some(search) = search.map(plain) {
            for table in &mut tables {
                table.rows.retain(|row| row.words.iter().any(|word| plain(word).contains(&search)));
            }
        }
        tables.retain(|table| !table.rows.is_empty());
        Self { tables, today }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// An object of arrays; an old entry has a `warning`.
    pub(super) fn json(&self) -> Value {
        let entry = |row: &Row| {
            let mut json = row.json.clone();
            if let (Some(warning), Some(object)) = (row.cited.warning(self.today), json.as_object_mut()) {
                object.insert("warning".into(), warning.into());
            }
            json
        };
        self.tables.iter().map(|table| (table.name.to_owned(), table.rows.iter().map(entry).collect::<Value>())).collect()
    }

    /// Tables with a number for each source, which are listed below; an old entry has a star at its date.
    pub(super) fn text(&self) -> String {
        let mut sources: Vec<(&str, Option<&str>)> = Vec::new();
        let mut text = String::new();
        let mut any_old = false;
        for table in &self.tables {
            let mut lines: Vec<Vec<String>> =
                vec![table.columns.iter().chain(&["date", "source"]).map(|&column| column.to_owned()).collect()];
            for row in &table.rows {
                let source = (row.cited.source.as_str(), row.cited.url.as_deref());
                let number = sources.iter().position(|known| *known == source).unwrap_or_else(|| {
                    sources.push(source);
                    sources.len() - 1
                });
                let old = row.cited.warning(self.today).is_some();
                any_old |= old;
                let date = format!("{}{}", row.cited.date, if old { "*" } else { "" });
                lines.push(row.cells.iter().cloned().chain([date, format!("[{}]", number + 1)]).collect());
            }
            text += &format!("{}{}\n{}", if text.is_empty() { "" } else { "\n" }, table.name, aligned(&lines));
        }
        text += "\n";
        if any_old {
            text += "* older than a year: check it or give your own\n";
        }
        for (i, (source, url)) in sources.iter().enumerate() {
            text += &format!("[{}] {source}{}\n", i + 1, url.map_or_else(String::new, |url| format!(", {url}")));
        }
        text
    }
}

fn models(book: &PriceBook) -> Table {
    let row = |entry: &econ::ModelPrice| Row {
        cells: vec![book.label(entry), figure(entry.input_usd_per_mtok), figure(entry.output_usd_per_mtok)],
        words: vec![entry.key(), entry.id.clone()],
        cited: entry.cited.clone(),
        json: value(entry),
    };
    Table { name: "models", columns: &["host/model", "input USD/Mtok", "output USD/Mtok"], rows: book.models.iter().map(row).collect() }
}

fn gpus(book: &PriceBook) -> Table {
    let row = |entry: &econ::GpuOffer| {
        let mut json = value(entry);
        json["usd_per_gpu_hour"] = json!(entry.usd_per_gpu_hour());
        let spot = entry.spot_usd_per_hour.map_or_else(|| "-".into(), |spot| figure(spot / f64::from(entry.count)));
        let kind = match entry.kind {
            OfferKind::Instance => "instance",
            OfferKind::Serverless => "serverless",
        };
        Row {
            cells: vec![
                format!("{} × {}", entry.count, entry.gpu),
                entry.cloud.clone(),
                entry.instance.clone().unwrap_or_else(|| kind.into()),
                figure(entry.usd_per_gpu_hour()),
                spot,
            ],
            words: vec![entry.gpu.clone(), entry.cloud.clone(), entry.instance.clone().unwrap_or_default()],
            cited: entry.cited.clone(),
            json,
        }
    };
    Table { name: "gpus", columns: &["gpus", "cloud", "offer", "USD/GPU/h", "spot"], rows: book.gpus.iter().map(row).collect() }
}

fn boards(book: &PriceBook) -> Table {
    let or_dash = |value: Option<f64>| value.map_or_else(|| "-".into(), figure);
    let row = |entry: &econ::Board| Row {
        cells: vec![entry.gpu.clone(), figure(entry.power_w), or_dash(entry.price_usd), or_dash(entry.life_years)],
        words: vec![entry.gpu.clone()],
        cited: entry.cited.clone(),
        json: value(entry),
    };
    Table { name: "boards", columns: &["board", "power W", "price USD", "life years"], rows: book.boards.iter().map(row).collect() }
}

fn grid(book: &PriceBook) -> Table {
    let row = |entry: &econ::Grid| Row {
        cells: vec![entry.region.clone(), entry.name.clone(), figure(entry.g_per_kwh)],
        words: entry.aliases.iter().cloned().chain([entry.region.clone(), entry.name.clone()]).collect(),
        cited: entry.cited.clone(),
        json: value(entry),
    };
    Table { name: "grid", columns: &["region", "name", "gCO2e/kWh"], rows: book.grid.iter().map(row).collect() }
}

fn electricity(book: &PriceBook) -> Table {
    let row = |entry: &econ::Electricity| {
        let kind = match entry.kind {
            ElectricityKind::Wholesale => "wholesale",
            ElectricityKind::Retail => "retail",
        };
        Row {
            cells: vec![entry.region.clone(), kind.into(), figure(entry.usd_per_kwh)],
            words: vec![entry.region.clone(), entry.zone.clone().unwrap_or_default()],
            cited: entry.cited.clone(),
            json: value(entry),
        }
    };
    Table { name: "electricity", columns: &["region", "price", "USD/kWh"], rows: book.electricity.iter().map(row).collect() }
}

fn pue(book: &PriceBook) -> Table {
    let row = |entry: &econ::Pue| Row {
        cells: vec![entry.operator.clone(), entry.scope.clone(), figure(entry.pue)],
        words: vec![entry.operator.clone()],
        cited: entry.cited.clone(),
        json: value(entry),
    };
    Table { name: "pue", columns: &["operator", "of", "PUE"], rows: book.pue.iter().map(row).collect() }
}

/// An entry as JSON. Its types have nothing that JSON lacks.
fn value(entry: &impl Serialize) -> Value {
    serde_json::to_value(entry).unwrap_or_default()
}

/// As its source has it, to six digits behind the point.
fn figure(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Letters and digits in lower case: `llama 3.1` finds `Llama-3.1`.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Columns of text under each other, two spaces apart.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += &format!("  {}\n", cells.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(what: Option<What>, search: Option<&str>) -> Listing {
        Listing::of(&PriceBook::embedded(), what, search, "2026-08-22".parse().unwrap())
    }

    #[test]
    fn a_search_finds_whatever_the_separators() {
        let text = listing(Some(What::Models), Some("llama 3.2 1b")).text();
        assert!(text.contains("aws/Llama-3.2-1B-Instruct") && !text.contains("gpt-4o"), "{text}");
        assert!(text.contains("2026-08-21  [1]") && text.contains("[1] "), "{text}");
        assert!(listing(None, Some("no such thing")).is_empty());
    }

    #[test]
    fn old_entries_are_marked() {
        let old = listing(Some(What::Regions), Some("DE-LU"));
        assert!(old.text().contains("2024-12-31*") && old.text().contains("* older than a year"));
        assert!(old.json()["electricity"][0]["warning"].as_str().unwrap().contains("2024-12-31"));
        let new = listing(Some(What::Models), Some("gpt-4o")).json();
        assert!(new["models"][0].get("warning").is_none() && new["models"][0]["date"] == "2026-08-21");
    }

    #[test]
    fn every_part_is_listed_with_its_source() {
        let all = listing(None, None).json();
        for part in ["models", "gpus", "boards", "grid", "electricity", "pue"] {
            let entries = all[part].as_array().unwrap();
            assert!(!entries.is_empty() && entries.iter().all(|entry| entry["source"].is_string() && entry["date"].is_string()), "{part}");
        }
    }

    #[test]
    fn figures_are_not_rounded_to_nothing() {
        assert_eq!(
            ["2.5", "0.02", "0.0375", "10", "1.100000"].map(|text| figure(text.parse().unwrap())),
            ["2.5", "0.02", "0.0375", "10", "1.1"]
        );
    }
}
