//! What things cost and emit, each figure of a price book with its source; and what a request must keep to count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What things cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceSpec {
    /// Name of the hosted model that is replaced.
    pub api_name: String,
    /// USD per million input tokens.
    pub api_input_usd_per_mtok: f64,
    /// USD per million output tokens.
    pub api_output_usd_per_mtok: f64,
    /// Where the API price stands.
    pub api_source: String,
    /// Date of the API price, `YYYY-MM-DD`.
    pub api_date: String,
    /// USD per kWh.
    pub electricity_usd_per_kwh: f64,
    /// Facility overhead factor, at least 1.
    pub pue: f64,
    /// USD an hour of the machine; `None` counts energy alone, and says so. Where it is [`Self::owned`] it follows from that.
    pub machine_usd_per_hour: Option<f64>,
    /// What the machine cost, where it is bought and not rented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned: Option<Owned>,
    /// `C_setup`.
    pub setup_usd: f64,
    /// gCO2e per kWh of the grid.
    pub grid_gco2e_per_kwh: Option<f64>,
    /// Requests a month; `None`: figures of a month are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_month: Option<f64>,
    /// Share of its hours that a reserved machine is busy, above 0 to 1; `None`: figures that rest on it are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<f64>,
    /// Where the figures stand that a source was given for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cited: BTreeMap<Priced, Citation>,
}

/// A machine that was bought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// Its price in USD.
    pub price_usd: f64,
    /// Years over which it is written off, in a straight line and running always.
    pub life_years: f64,
}

/// A figure that may have a source of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priced {
    /// [`PriceSpec::electricity_usd_per_kwh`].
    Electricity,
    /// [`PriceSpec::grid_gco2e_per_kwh`].
    Grid,
    /// [`PriceSpec::machine_usd_per_hour`].
    Machine,
    /// [`PriceSpec::pue`].
    Pue,
}

impl Priced {
    /// Every figure.
    pub const ALL: &[Self] = &[Self::Electricity, Self::Grid, Self::Machine, Self::Pue];

    /// The word plans use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Electricity => "electricity",
            Self::Grid => "grid",
            Self::Machine => "machine",
            Self::Pue => "pue",
        }
    }
}

/// Where a figure stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// What it is the figure of, such as `Germany` or `T4 of gcp, on demand`.
    pub name: String,
    /// Who says so.
    pub source: String,
    /// The day of which it is, `YYYY-MM-DD`.
    pub date: String,
    /// What must be said beside it, such as that it is a wholesale price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Limits that a request must keep to count as goodput; at least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SloSpec {
    /// Time to first token, from when it was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<f64>,
    /// Time per output token after the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpot_ms: Option<f64>,
    /// An answer's mean gap between tokens, as `edge-eval load --slo itl:` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub itl_ms: Option<f64>,
    /// End-to-end latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e2e_ms: Option<f64>,
}
