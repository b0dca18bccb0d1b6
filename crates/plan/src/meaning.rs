//! The plan as meant: after parsing nothing is optional that must exist.

mod command;
mod engine;
mod meter;
mod prices;
mod quality;
mod task;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use command::{ADAPT_PLACES, COMPRESS_PLACES, CommandSpec, Gives};
pub use engine::{AdapterUse, Compress, EnginePrice, EngineSpec, QuantisedAs};
pub use meter::{CsvPower, CsvSpec, CsvTime, MeterSpec};
pub use prices::{Citation, Owned, PriceSpec, Priced, SloSpec};
pub use quality::{JudgeSpec, LongPairs, NliSpec, QualitySpec, Rater};
pub use task::{DataSpec, Parts, Rows, RowsFrom, TaskSpec};

/// Everything a campaign needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Names the run folder.
    pub name: String,
    /// Every random choice derives from it.
    pub seed: u64,
    /// Serving runs of each cell.
    pub runs: u32,
    /// The models, family by family.
    pub models: Vec<ModelSpec>,
    /// The tasks.
    pub tasks: Vec<TaskSpec>,
    /// The strategies, in plan order.
    pub strategies: Vec<Strategy>,
    /// The engines.
    pub engines: Vec<EngineSpec>,
    /// How adaptation is done.
    pub adapt: AdaptSpec,
    /// How load is put on.
    pub load: LoadSpec,
    /// What a request must keep to count as goodput.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<SloSpec>,
    /// How answers are scored.
    #[serde(default)]
    pub quality: QualitySpec,
    /// Who gives the marks of a judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSpec>,
    /// Who gives the marks of entailment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nli: Option<NliSpec>,
    /// How energy is metered.
    pub meter: MeterSpec,
    /// What things cost.
    pub prices: PriceSpec,
}

/// Where weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// A Hugging Face folder or a GGUF file.
    Path(PathBuf),
    /// A hub id, and the revision.
    Hub {
        /// Such as `meta-llama/Llama-3.2-1B-Instruct`.
        id: String,
        /// Branch, tag or commit.
        revision: String,
    },
    /// Random weights of the shape in a folder with `config.json` (and, for text, a tokenizer): speed and energy only, quality is Missing.
    Random(PathBuf),
    /// The quickstart's own model, carried in the binary.
    Builtin,
}

/// One model: a family's tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// Such as `LLaMA`.
    pub family: String,
    /// Such as `1B`.
    pub tier: String,
    /// Where it is.
    pub source: ModelSource,
}

/// How weights are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Not at all.
    None,
    /// Low-rank adaptation of a dense base.
    Lora,
    /// Low-rank adaptation of an NF4 base.
    Qlora,
}

/// How weights are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// A safetensors folder in f16.
    Fp16,
    /// GGUF `Q8_0`.
    Int8,
    /// GGUF `Q4_K`.
    Int4,
}

/// A way from a base model to what is served. The registry is [`Strategy::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The base model as it is: the reference that adaptation must beat.
    BaseFp16,
    /// LoRA, served in f16.
    LoraFp16,
    /// LoRA, then `Q8_0`.
    LoraInt8,
    /// LoRA, then `Q4_K`.
    LoraInt4,
    /// `QLoRA`, then `Q4_K`.
    QloraInt4,
}

/// How adaptation is done; the same for every cell, so that comparisons are controlled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptSpec {
    /// Rank r.
    pub rank: u32,
    /// Scale α; the update is multiplied by α / r.
    pub alpha: f64,
    /// Dropout before A.
    pub dropout: f64,
    /// Module names such as `q_proj`.
    pub target_modules: Vec<String>,
    /// Learning rate and schedule.
    pub lr: Lr,
    /// Passes over the corpus; ignored when `steps` is given.
    pub epochs: f64,
    /// Optimiser steps, instead of epochs.
    pub steps: Option<u32>,
    /// Sequences a micro-batch.
    pub batch: u32,
    /// Micro-batches an optimiser step.
    pub accumulation: u32,
    /// Longest sequence in tokens.
    pub max_length: u32,
    /// Recompute activations in the backward pass.
    pub checkpointing: bool,
    /// Put several short rows in one sequence.
    pub packing: bool,
    /// Threads of the arithmetic; one for each core when absent. Tiny models lose more to waiting than they gain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// `AdamW` weight decay.
    pub weight_decay: f64,
    /// Another's program that does it; `None`: this program does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandSpec>,
}

/// Learning rate, warm-up and decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lr {
    /// Peak.
    pub peak: f64,
    /// Share of the steps spent rising to it.
    pub warmup_ratio: f64,
    /// What comes after.
    pub schedule: Schedule,
}

/// The shape of the learning rate after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Stays at the peak.
    Constant,
    /// Falls to zero in a straight line.
    Linear,
    /// Falls to zero along a half cosine.
    Cosine,
}

/// How load is put on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadSpec {
    /// Streams kept open in the window that a cell's own figures are of.
    pub concurrency: u32,
    /// Further levels of concurrency, each with a window of its own on the same server; none of them twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<u32>,
    /// Requests of a speed window.
    pub requests: u32,
    /// Requests before it.
    pub warmup: u32,
    /// Output length forced on each speed request.
    pub output_tokens: u32,
    /// A request is given up after this.
    pub timeout_s: f64,
}

impl LoadSpec {
    /// Every level of concurrency, that of the cell's own figures first.
    pub fn levels(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.concurrency).chain(self.sweep.iter().copied())
    }

    /// The highest level: what a server must hold and what the client must be proven for.
    pub fn most_concurrent(&self) -> u32 {
        self.levels().fold(0, u32::max)
    }
}

/// One variant: what is put through the lifecycle.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Model family.
    pub family: String,
    /// Model tier.
    pub tier: String,
    /// Task name.
    pub task: String,
    /// Strategy.
    pub strategy: Strategy,
    /// The engine's label.
    pub engine: String,
}

impl Strategy {
    /// Every strategy, in the order tables show them.
    pub const ALL: &[Self] = &[Self::BaseFp16, Self::LoraFp16, Self::LoraInt8, Self::LoraInt4, Self::QloraInt4];

    /// The word plans use.
    pub fn name(self) -> &'static str {
        match self {
            Self::BaseFp16 => "base-fp16",
            Self::LoraFp16 => "lora-fp16",
            Self::LoraInt8 => "lora-int8",
            Self::LoraInt4 => "lora-int4",
            Self::QloraInt4 => "qlora-int4",
        }
    }

    /// How its weights are trained.
    pub fn method(self) -> Method {
        match self {
            Self::BaseFp16 => Method::None,
            Self::LoraFp16 | Self::LoraInt8 | Self::LoraInt4 => Method::Lora,
            Self::QloraInt4 => Method::Qlora,
        }
    }

    /// How its weights are served.
    pub fn precision(self) -> Precision {
        match self {
            Self::BaseFp16 | Self::LoraFp16 => Precision::Fp16,
            Self::LoraInt8 => Precision::Int8,
            Self::LoraInt4 | Self::QloraInt4 => Precision::Int4,
        }
    }
}

impl Schedule {
    /// Every schedule.
    pub const ALL: &[Self] = &[Self::Constant, Self::Linear, Self::Cosine];

    /// The word plans use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear => "linear",
            Self::Cosine => "cosine",
        }
    }
}

impl Method {
    /// The word records and labels use.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lora => "lora",
            Self::Qlora => "qlora",
        }
    }
}

impl Precision {
    /// The word records and labels use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
        }
    }
}

impl ModelSpec {
    /// For people: `LLaMA 1B`.
    pub fn label(&self) -> String {
        format!("{} {}", self.family, self.tier)
    }
}

impl Cell {
    /// For people: `LLaMA 1B · rag · lora-int4 · embedded`.
    pub fn label(&self) -> String {
        format!("{} {} · {} · {} · {}", self.family, self.tier, self.task, self.strategy.name(), self.engine)
    }
}
