//! The entries of a price book, as meant: every figure is possible, every entry has its source and date.

use serde::Serialize;

use super::near::same;
use crate::{ApiPrice, Date, error::Result};

/// Days after which an entry is called old.
const OLD: i64 = 365;

/// Where an entry comes from and the day of which it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// The source, in words.
    pub source: String,
    /// Where it is published, where it has a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The day of which the figure is.
    pub date: Date,
}

impl Cited {
    /// What to say of an entry that is older than a year on a given day.
    pub fn warning(&self, today: Date) -> Option<String> {
        let age = self.date.days_until(today);
        (age > OLD).then(|| format!("of {}, older than a year ({age} days): check it or give your own", self.date))
    }
}

/// What a hosted model costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelPrice {
    /// Who hosts it, such as `openai`.
    pub host: String,
    /// The model, such as `gpt-4o` or `Llama-3.1-8B-Instruct`; the same for all hosts.
    pub name: String,
    /// What its host calls it; the name where that is the same.
    pub id: String,
    /// USD per million input tokens.
    pub input_usd_per_mtok: f64,
    /// USD per million output tokens.
    pub output_usd_per_mtok: f64,
    /// Source and date.
    #[serde(flatten)]
    pub cited: Cited,
}

impl ModelPrice {
    /// The price, to compute with.
    ///
    /// # Errors
    /// None for an entry of a book; see [`ApiPrice::new`].
    pub fn price(&self) -> Result<ApiPrice> {
        ApiPrice::new(self.input_usd_per_mtok, self.output_usd_per_mtok)
    }

    /// Host and model, such as `openai/gpt-4o`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.host, self.name)
    }
}

/// How a GPU is rented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferKind {
    /// A machine by the hour.
    Instance,
    /// By the time that requests take.
    Serverless,
}

/// GPUs by the hour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuOffer {
    /// The GPU, such as `A100-80GB`.
    pub gpu: String,
    /// Who offers it.
    pub cloud: String,
    /// How it is rented.
    pub kind: OfferKind,
    /// GPUs in the offer, at least 1.
    pub count: u32,
    /// What the offer is called, where it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// USD an hour of the whole offer, on demand.
    pub usd_per_hour: f64,
    /// The same as a spot machine, where it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_usd_per_hour: Option<f64>,
    /// Source and date.
    #[serde(flatten)]
    pub cited: Cited,
}

impl GpuOffer {
    /// USD an hour of one GPU, on demand.
    pub fn usd_per_gpu_hour(&self) -> f64 {
        self.usd_per_hour / f64::from(self.count)
    }

    pub(super) fn is_of_the_same_thing(&self, other: &Self) -> bool {
        same(&self.gpu, &other.gpu) && same(&self.cloud, &other.cloud) && self.kind == other.kind && self.count == other.count
    }
}

/// A GPU board that one can own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Board {
    /// The GPU.
    pub gpu: String,
    /// Board power that its maker states, in W.
    pub power_w: f64,
    /// What one costs in USD, where a source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_usd: Option<f64>,
    /// Years over which it is written off, where a source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life_years: Option<f64>,
    /// Source and date.
    #[serde(flatten)]
    pub cited: Cited,
}

/// Which price of electricity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElectricityKind {
    /// Of the exchange: without grid fees, taxes and margin, so less than a customer pays.
    Wholesale,
    /// What a customer pays.
    Retail,
}

/// Electricity of a region.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Electricity {
    /// ISO 3166 code of the country or its part, such as `DE` or `US-CA`.
    pub region: String,
    /// Price zone, where it has a name of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which price.
    pub kind: ElectricityKind,
    /// USD per kWh.
    pub usd_per_kwh: f64,
    /// Source and date.
    #[serde(flatten)]
    pub cited: Cited,
}

impl Electricity {
    /// What must be said beside a cost that rests on it.
    pub fn note(&self) -> Option<String> {
        (self.kind == ElectricityKind::Wholesale).then(|| {
            format!("electricity of {} at the wholesale price, without grid fees, taxes and margin: less than a customer pays", self.region)
        })
    }
}

/// Facility overhead: what the facility draws over what its machines draw (ISO/IEC 30134-2).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pue {
    /// Whose facilities, or `average`.
    pub operator: String,
    /// The factor, at least 1.
    pub pue: f64,
    /// Of which facilities.
    pub scope: String,
    /// Source and date.
    #[serde(flatten)]
    pub cited: Cited,
}

/// What a grid emits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// ISO 3166 code, bidding zone, or cloud and region as `gcp/us-central1`.
    pub region: String,
    /// Other codes of it.
    pub aliases: Vec<String>,
    /// In words.
    pub name: String,
    /// gCO2e per kWh, mean over a year.
    pub g_per_kwh: f64,
    /// Source and date.
    #[serde(flatten)]
    pub cited: Cited,
}
