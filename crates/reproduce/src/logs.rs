//! The authors' seven CSV files, as rows with units. What a file holds stands here; how a variant is named in each stands in `names.rs`.

mod names;
mod read;

use plan::{Method, Precision, Strategy};
use units::{Joules, Missing, Seconds, Watts};

pub use names::{Family, Model, Task, Tier, Variant};
pub use read::{FILES, SHIPPED_SOURCE};

/// Everything that the logs hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs {
    /// One row a variant: 100 requests served.
    pub serving: Vec<Serving>,
    /// One row an adaptation.
    pub training: Vec<Training>,
    /// One row a merge or quantisation.
    pub compression: Vec<Compression>,
    /// One row a variant: scores over three passes.
    pub quality: Vec<Quality>,
    /// Files that were not there.
    pub absent: Vec<&'static str>,
}

/// A row of `vllm_inference_metrics_tesla_t4_dual.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// Which variant.
    pub variant: Variant,
    /// Requests.
    pub requests: u64,
    /// Output tokens of all of them.
    pub tokens: u64,
    /// Time that loading took.
    pub load: Seconds,
    /// Wall time of all requests.
    pub time: Seconds,
    /// Output tokens a second.
    pub tokens_per_second: f64,
    /// Mean time to first token.
    pub ttft: Seconds,
    /// Mean time between tokens.
    pub itl: Seconds,
    /// Energy of all requests.
    pub energy: Joules,
    /// Mean power.
    pub power: Watts,
    /// Highest power.
    pub peak: Watts,
}

/// A row of `training_energy_log_*.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Family and tier.
    pub model: Model,
    /// Task.
    pub task: Task,
    /// LoRA or `QLoRA`.
    pub method: Method,
    /// Energy of all of it.
    pub energy: Joules,
    /// Mean power.
    pub power: Watts,
    /// Wall time.
    pub time: Seconds,
    /// Rows trained on.
    pub rows: u64,
    /// GPUs.
    pub gpus: u64,
}

/// What a row of `merging_quantization_energy_*.csv` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Merged an adapter.
    Merge,
    /// Quantised the merged weights.
    Quantise,
}

/// A row of `merging_quantization_energy_*.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Compression {
    /// Family and tier.
    pub model: Model,
    /// Task.
    pub task: Task,
    /// How the adapter was trained.
    pub method: Method,
    /// What was done.
    pub operation: Operation,
    /// Precision that the log names.
    pub precision: Precision,
    /// Energy as the log adds it up.
    pub energy: Joules,
    /// Mean power.
    pub power: Watts,
    /// Wall time.
    pub time: Seconds,
    /// Energy of each of the two GPUs.
    pub gpus: [Joules; 2],
}

/// A score over the passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean of the passes.
    pub mean: f64,
    /// Median of the passes.
    pub median: f64,
    /// Standard deviation of the passes.
    pub sd: f64,
}

/// A row of `final_36_variants_report_*.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// Which variant.
    pub variant: Variant,
    /// NLI score in 0..1, or the judge's helpfulness in 1..10.
    pub primary: Score,
    /// ROUGE-L in 0..1, or the judge's safety in 1..10.
    pub secondary: Score,
}

impl Quality {
    /// The mean primary score in 0..1, as the authors' IPW takes it: the judge's marks over ten.
    pub fn normalised(&self) -> f64 {
        self.primary.mean / if self.variant.task == Task::Chat { 10.0 } else { 1.0 }
    }
}

impl Serving {
    /// Energy of one request: an equal share.
    pub fn per_request(&self) -> Joules {
        self.energy / self.requests as f64
    }
}

impl std::fmt::Display for Compression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operation = match self.operation {
            Operation::Merge => "merge",
            Operation::Quantise => "quantisation",
        };
        let precision = match self.precision {
            Precision::Fp16 => "FP16",
            Precision::Int8 => "INT8",
            Precision::Int4 => "INT4",
        };
        write!(f, "{operation} of {} · {} · {} · {precision}", self.model, self.task.name(), method_name(self.method))
    }
}

impl Logs {
    /// The served row of a variant.
    ///
    /// # Errors
    /// It is not in the logs.
    pub fn serving(&self, variant: Variant) -> Result<&Serving, Missing> {
        self.found(self.serving.iter().find(|row| row.variant == variant), || variant.to_string())
    }

    /// The scores of a variant.
    ///
    /// # Errors
    /// They are not in the logs.
    pub fn quality(&self, variant: Variant) -> Result<&Quality, Missing> {
        self.found(self.quality.iter().find(|row| row.variant == variant), || format!("the scores of {variant}"))
    }

    /// An adaptation.
    ///
    /// # Errors
    /// It is not in the logs.
    pub fn training(&self, model: Model, task: Task, method: Method) -> Result<&Training, Missing> {
        let found = self.training.iter().find(|row| (row.model, row.task, row.method) == (model, task, method));
        self.found(found, || format!("the adaptation {model} · {} · {}", task.name(), method_name(method)))
    }

    /// The merge of an adaptation.
    ///
    /// # Errors
    /// It is not in the logs.
    pub fn merge(&self, model: Model, task: Task, method: Method) -> Result<&Compression, Missing> {
        let is_it = |row: &&Compression| (row.model, row.task, row.method, row.operation) == (model, task, method, Operation::Merge);
        self.found(self.compression.iter().find(is_it), || format!("the merge of {model} · {} · {}", task.name(), method_name(method)))
    }

    /// The quantisation that a variant's weights went through; `None` where the authors quantised as they loaded.
    ///
    /// # Errors
    /// It is not in the logs.
    pub fn quantisation(&self, variant: Variant) -> Result<Option<&Compression>, Missing> {
        let precision = variant.strategy.precision();
        if variant.strategy == Strategy::QloraInt4 || precision == Precision::Fp16 {
            return Ok(None);
        }
        let is_it = |row: &&Compression| {
            (row.model, row.task, row.operation, row.precision) == (variant.model, variant.task, Operation::Quantise, precision)
        };
        self.found(self.compression.iter().find(is_it), || format!("the quantisation of {variant}")).map(Some)
    }

    fn found<T>(&self, row: Option<T>, name: impl Fn() -> String) -> Result<T, Missing> {
        row.ok_or_else(|| {
            let absent = if self.absent.is_empty() { String::new() } else { format!(" (absent: {})", self.absent.join(", ")) };
            Missing::because(format!("{} is not in the logs{absent}", name()))
        })
    }
}

/// `LoRA` or `QLoRA`.
pub(crate) fn method_name(method: Method) -> &'static str {
    match method {
        Method::None => "none",
        Method::Lora => "LoRA",
        Method::Qlora => "QLoRA",
    }
}
