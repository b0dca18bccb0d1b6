//! What a report says, apart from how it is printed: the one object of `--format json`, and what the other formats are made
//! of. It holds figures that were computed elsewhere; nothing is computed here.

use std::collections::BTreeMap;

use record::{ClientCertificate, Machine, Truthful};
use serde::{Deserialize, Serialize};
use stats::{Estimate, Method};
use units::Reading;

use crate::{SizeComparison, Statement, VariantEconomics};

/// The version of the JSON report.
pub const SCHEMA: &str = "edge-eval/report/1";

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// The plan's name.
    pub run: String,
    /// The named method under which the figures were computed.
    pub method: String,
    /// Wall time of the run's start, nanoseconds since 1970 UTC.
    pub started_wall_ns: u64,
    /// Where it ran.
    pub machine: Machine,
    /// How far the load client is to be believed there.
    pub client: Client,
    /// What the figures mean, in the order tables show them.
    pub definitions: Vec<Definition>,
    /// One entry a variant, in plan order.
    pub cells: Vec<CellFigures>,
    /// One entry a variant and level of concurrency, each variant's by level, its own level among them; empty unless the plan sweeps. Their
    /// figures are those that are of a window ([`metric::OF_A_WINDOW`]).
    #[serde(default)]
    pub levels: Vec<CellFigures>,
    /// Where one model's figures cross another's over the levels.
    #[serde(default)]
    pub crossings: Vec<SizeComparison>,
    /// What must be known before a figure of money is used, and of what a comparison is not one; each lower case without a final stop.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The prices that figures of money are at.
    #[serde(default)]
    pub prices: Vec<Price>,
    /// The money of each variant beside the hosted model: curves, utilisation, sensitivity, scale to zero; in plan order.
    #[serde(default)]
    pub economics: Vec<VariantEconomics>,
    /// The five metrics under other named methods than [`Document::method`].
    #[serde(default)]
    pub methods: Vec<MethodFigures>,
    /// Statements on sizes, such as that models under 2B dominate, tested against these figures; empty for a plan of one size.
    #[serde(default)]
    pub statements: Vec<Statement>,
    /// Stages that did not finish.
    pub failures: Vec<Failure>,
}

/// One price or factor of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// The plan's key, such as `electricity_usd_per_kwh`.
    pub key: String,
    /// What it is of, such as `openai/gpt-4o`; `null` where the key says it.
    pub of: Option<String>,
    /// In the unit that the key bears; `null` where the plan gives none.
    pub value: Option<f64>,
    /// Where it comes from; `null` for a figure of the plan itself.
    pub source: Option<String>,
    /// The day of which it is, `YYYY-MM-DD`; `null` where nobody says.
    pub date: Option<String>,
    /// What must be said beside it, such as that it is a wholesale price.
    pub note: Option<String>,
}

/// Figures under another named method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodFigures {
    /// Its name, such as `paper`.
    pub method: String,
    /// What its figures mean.
    pub definitions: Vec<Definition>,
    /// One entry a variant, in plan order, with these figures alone.
    pub cells: Vec<CellFigures>,
}

/// The load client's certificate, as the report shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// In a line.
    pub summary: String,
    /// How far it is proven; `null` without a certificate.
    pub truthful: Option<Reading<Truthful>>,
    /// All of it; `null` when the client was not calibrated.
    pub certificate: Option<ClientCertificate>,
}

impl Client {
    /// What a certificate says, or that there is none.
    pub fn of(certificate: Option<ClientCertificate>) -> Self {
        let summary = certificate.as_ref().map_or_else(|| "client not calibrated".to_owned(), ClientCertificate::headline);
        Self { summary, truthful: certificate.as_ref().map(ClientCertificate::truthful), certificate }
    }
}

/// What one figure means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The key in [`CellFigures::metrics`], such as `n_break`.
    pub name: String,
    /// Unit, such as `requests`; empty for a ratio.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// Formula, in words.
    pub definition: String,
    /// Where the definition comes from.
    pub source: String,
}

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// The figures of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellFigures {
    /// Model family.
    pub family: String,
    /// Model tier.
    pub tier: String,
    /// Task name.
    pub task: String,
    /// Strategy, such as `lora-int4`.
    pub strategy: String,
    /// Engine kind.
    pub engine: String,
    /// The version that the engine told; `null` where it told none.
    #[serde(default)]
    pub engine_version: Option<String>,
    /// What was wrong with the engine's answers: lengths that were not kept, usage that is wrong or not there.
    #[serde(default)]
    pub flags: Vec<String>,
    /// That the cell needs more memory than there is, which is its result; `null` where it does not.
    #[serde(default)]
    pub does_not_fit: Option<DoesNotFit>,
    /// The mark that counts as the task's score.
    pub mark: String,
    /// Streams kept open in the speed windows that the figures are of.
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// Why the load client is not proven for what the cell asked of it; `null` when it is, or was not calibrated.
    pub client_bound: Option<String>,
    /// Metric name -> figure.
    pub metrics: BTreeMap<String, Figure>,
}

/// More memory was needed than there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoesNotFit {
    /// In which stage, such as `serving run`.
    pub stage: String,
    /// In the words of the program that said so.
    pub told: String,
    /// What was needed, in bytes, of all or of the allocation that failed; `null` where the words do not tell.
    pub needed_bytes: Option<u64>,
}

/// One figure: a value with its interval, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The point value; `null` exactly when `missing` is given.
    pub value: Option<f64>,
    /// Lower and upper end of the 95% interval; `null` for a single observation or an exact value.
    pub ci95: Option<(f64, f64)>,
    /// Independent observations behind it.
    pub n: Option<usize>,
    /// Unit of value and interval; empty for a ratio.
    pub unit: String,
    /// Why there is no value.
    pub missing: Option<String>,
    /// How the interval was made.
    pub method: Option<Method>,
    /// What it rests on, such as `modelled` or `nvml counter`.
    pub source: Option<String>,
    /// What a reader must know, such as that energy is modelled.
    pub notes: Vec<String>,
}

impl Figure {
    /// A figure as estimated. A value that is not finite is none.
    pub fn known(estimate: &Estimate, unit: &str) -> Self {
        if !estimate.value.is_finite() {
            return Self::missing("the value is not a finite number", unit);
        }
        let ci95 = estimate.ci95.filter(|(low, high)| low.is_finite() && high.is_finite());
        Self {
            value: Some(estimate.value),
            ci95,
            n: Some(estimate.n),
            unit: unit.to_owned(),
            missing: None,
            method: Some(estimate.method),
            source: None,
            notes: Vec::new(),
        }
    }

    /// A figure that cannot be known.
    pub fn missing(reason: impl Into<String>, unit: &str) -> Self {
        let missing = Some(reason.into());
        Self { value: None, ci95: None, n: None, unit: unit.to_owned(), missing, method: None, source: None, notes: Vec::new() }
    }
}

/// A stage that did not finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which stage of which cell, for people.
    pub label: String,
    /// What happened.
    pub reason: String,
    /// The last lines it wrote.
    pub last_lines: Vec<String>,
}

impl CellFigures {
    /// `LLaMA 1B`.
    pub fn model(&self) -> String {
        format!("{} {}", self.family, self.tier)
    }

    /// Whether both are of one variant, be it at different levels of concurrency.
    pub fn is_of(&self, other: &Self) -> bool {
        fn name(figures: &CellFigures) -> [&str; 5] {
            [&figures.family, &figures.tier, &figures.task, &figures.strategy, &figures.engine]
        }
        name(self) == name(other)
    }
}
