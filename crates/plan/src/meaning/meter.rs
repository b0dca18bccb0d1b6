//! How energy is metered, as meant: which meter, how often, and where an external one writes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How energy is metered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterSpec {
    /// `auto`, or a name of `meter`'s registry.
    pub kind: String,
    /// Stated power of a busy core in watts, for the modelled meter; without it an unmetered machine has no energy figures.
    pub modelled_w_per_core: Option<f64>,
    /// Sampling period.
    pub interval_ms: u32,
    /// Idle power is measured for this long before a stage.
    pub idle_s: f64,
    /// The file of an external meter, for the meter `csv`.
    #[serde(flatten)]
    pub csv: Option<CsvSpec>,
}

/// The file that an external meter's logger writes: one line a reading, the first line with the names of the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvSpec {
    /// The file: written before, or appended to while stages run.
    #[serde(rename = "csv")]
    pub path: PathBuf,
    /// Name of the column with the time of a reading.
    #[serde(rename = "csv_time_column")]
    pub time_column: String,
    /// What that column holds.
    #[serde(rename = "csv_time")]
    pub time: CsvTime,
    /// Name of the column with the power.
    #[serde(rename = "csv_power_column")]
    pub power_column: String,
    /// What that column is in.
    #[serde(rename = "csv_power")]
    pub power: CsvPower,
}

/// How an external meter tells the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CsvTime {
    /// Seconds since 1970-01-01 UTC, with a fraction.
    UnixS,
    /// Milliseconds since then.
    UnixMs,
    /// Date and time with an offset from UTC, such as `2026-08-01T12:00:00.250Z`.
    Iso8601,
    /// Seconds of this machine's `CLOCK_MONOTONIC`.
    MonotonicS,
}

/// What an external meter's power is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CsvPower {
    /// Watts.
    W,
    /// Milliwatts.
    Mw,
}

impl CsvTime {
    /// Every way.
    pub const ALL: &[Self] = &[Self::UnixS, Self::UnixMs, Self::Iso8601, Self::MonotonicS];

    /// The word plans use.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnixS => "unix_s",
            Self::UnixMs => "unix_ms",
            Self::Iso8601 => "iso8601",
            Self::MonotonicS => "monotonic_s",
        }
    }
}

impl CsvPower {
    /// Every unit.
    pub const ALL: &[Self] = &[Self::W, Self::Mw];

    /// The word plans use.
    pub fn name(self) -> &'static str {
        match self {
            Self::W => "w",
            Self::Mw => "mw",
        }
    }
}
