//! The file of an external meter (a wall plug, a PDU, another logger) on the command line: the same words as a plan's `[meter]`.

use std::path::PathBuf;

use plan::{CsvPower, CsvSpec, CsvTime};

/// Where an external meter writes, and how.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "An external meter")]
pub(super) struct External {
    /// Read power from the file of an external meter: a line a reading, the first line with the names of the columns
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Name of the column with the time
    #[arg(long, default_value = "time", requires = "csv", value_name = "NAME")]
    csv_time_column: String,
    /// What it holds: unix_s, unix_ms, iso8601 or monotonic_s
    #[arg(long, default_value = "unix_s", requires = "csv", value_name = "FORM", value_parser = time)]
    csv_time: CsvTime,
    /// Name of the column with the power
    #[arg(long, default_value = "power_w", requires = "csv", value_name = "NAME")]
    csv_power_column: String,
    /// What it is in: w or mw
    #[arg(long, default_value = "w", requires = "csv", value_name = "UNIT", value_parser = power)]
    csv_power: CsvPower,
}

impl External {
    /// The file, when one was named.
    pub(super) fn spec(&self) -> Option<CsvSpec> {
        self.csv.as_ref().map(|path| CsvSpec {
            path: path.clone(),
            time_column: self.csv_time_column.clone(),
            time: self.csv_time,
            power_column: self.csv_power_column.clone(),
            power: self.csv_power,
        })
    }
}

fn time(word: &str) -> Result<CsvTime, String> {
    let names = || CsvTime::ALL.iter().map(|time| time.name()).collect::<Vec<_>>().join(", ");
    CsvTime::ALL.iter().copied().find(|time| time.name() == word).ok_or_else(|| format!("one of: {}", names()))
}

fn power(word: &str) -> Result<CsvPower, String> {
    let names = || CsvPower::ALL.iter().map(|unit| unit.name()).collect::<Vec<_>>().join(", ");
    CsvPower::ALL.iter().copied().find(|unit| unit.name() == word).ok_or_else(|| format!("one of: {}", names()))
}
