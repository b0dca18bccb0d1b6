//! The record of one stage: one immutable JSON file, written when the stage has ended, well or badly.

use std::collections::BTreeMap;

use plan::{Gives, StageKind};
use serde::{Deserialize, Serialize};
use units::{Bytes, Joules, Nanos, Reading, Seconds};

use crate::EnergyWindow;

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It finished and its outputs were checked.
    Done,
    /// It did not: a case to report, not the end of the campaign.
    Failed {
        /// What happened, in a line.
        reason: String,
        /// The last lines it wrote.
        last_lines: Vec<String>,
        /// That it needs more memory than there is, where that is the cause: the cell's own result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        does_not_fit: Option<DoesNotFit>,
    },
}

/// More memory was needed than there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoesNotFit {
    /// In the stage's own words, or what was seen of its end.
    pub told: String,
    /// What was needed, of all or of the allocation that failed, where the words tell.
    pub needed: Option<Bytes>,
}

/// A mark on the stage's line protocol: the instant a phase began, and facts told with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Such as `start`, `read`, `train`, `write`, `ready`, `first_token`, `done`.
    pub phase: String,
    /// `CLOCK_MONOTONIC`.
    pub at: Nanos,
    /// What the stage told with it.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub facts: serde_json::Map<String, serde_json::Value>,
}

/// Highest memory of the stage's process group, sampled and by the kernel's own high-water mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryPeak {
    /// Peak resident memory summed over the group.
    pub resident: Reading<Bytes>,
    /// Peak GPU memory of the group.
    pub gpu: Reading<Bytes>,
}

/// What a stage left on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Path relative to the run folder.
    pub path: String,
    /// blake3 over the sorted file names and contents.
    pub digest: String,
    /// Size of all its files.
    pub bytes: Bytes,
}

/// State of the page cache for the weight files before a cold start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageCache {
    /// The files were dropped from the cache and found absent.
    Cold,
    /// They were resident.
    Warm,
    /// Not known.
    Unknown,
}

/// What an adaptation told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptFacts {
    /// `lora` or `qlora`.
    pub method: String,
    /// Optimiser steps taken.
    pub steps: u64,
    /// Tokens processed, padding excluded.
    pub tokens: u64,
    /// Tokens that carried loss.
    pub loss_tokens: u64,
    /// Parameters that were trained.
    pub trainable_parameters: u64,
    /// Mean loss of the first and the last step.
    pub first_loss: f64,
    /// See `first_loss`.
    pub last_loss: f64,
    /// Bytes of the frozen base as held in memory.
    pub base_bytes: Bytes,
    /// Number format of the arithmetic, such as `f32`.
    pub dtype: String,
    /// Rows of the corpus used.
    pub rows: u64,
    /// Longest sequence length allowed.
    pub max_length: u64,
    /// Sequences a step.
    pub batch: u64,
    /// Gradient accumulation steps.
    pub accumulation: u64,
    /// Whether activations were recomputed.
    pub checkpointing: bool,
}

/// What a merge or a quantisation told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompressFacts {
    /// `f16`, `q8_0`, `q4_k`.
    pub format: String,
    /// Number of tensors by the format they were really written in.
    pub tensors: BTreeMap<String, u64>,
    /// Tensors that could not take the asked format: name -> the one used.
    pub fallbacks: BTreeMap<String, String>,
    /// Size of the weights on disk.
    pub weight_bytes: Bytes,
}

/// What is known of a stage that another's program carried out, where it did not tell all that one of ours tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandFacts {
    /// What it left.
    pub gives: Gives,
    /// The files that it left with their sizes, by their paths below its result.
    pub outputs: BTreeMap<String, Bytes>,
    /// What it told with its last mark, as it is.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub told: serde_json::Map<String, serde_json::Value>,
}

/// What a serving run told, beside its requests (in Parquet).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadFacts {
    /// Streams kept open.
    pub concurrency: u32,
    /// Requests of the speed window.
    pub requests: u32,
    /// Requests before it, not counted.
    pub warmup: u32,
    /// Output length forced on each request (`ignore_eos`).
    pub forced_tokens: u32,
    /// Window of the speed run: first and last instant.
    pub window: (Nanos, Nanos),
    /// Whether the weights came from the page cache.
    pub page_cache: PageCache,
    /// Spawn of the server process.
    pub spawned: Nanos,
    /// `/health` answered.
    pub ready: Nanos,
    /// First token of the first request.
    pub first_token: Nanos,
    /// Size of the weights on disk.
    pub weights_disk: Bytes,
    /// Weights in memory as the engine tells (`/metrics`), KV cache excluded.
    pub weights_memory: Reading<Bytes>,
    /// Most memory held for KV caches at any time, as the engine tells.
    #[serde(default = "not_asked")]
    pub kv_memory: Reading<Bytes>,
    /// How many times the plan's number of requests were put, so that the window is long enough for the meter.
    #[serde(default = "once")]
    pub repeats: u32,
    /// Whether there were too few items for prompts that differ.
    #[serde(default)]
    pub prompts_repeat: bool,
    /// The energy of each request in its own window, in the order of the requests; empty where several ran at once or no request's window
    /// can be believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_energy: Vec<Reading<Joules>>,
    /// Share of the prompt tokens that the server found in its prefix cache, as it tells.
    #[serde(default = "not_looked_at")]
    pub prefix_cache_share: Reading<f64>,
    /// Parquet of the requests, relative to the run folder.
    pub requests_file: String,
    /// Parquet of the power samples, relative to the run folder; `None` when none were taken.
    pub power_file: Option<String>,
    /// Further windows on the same server at other levels of concurrency, in the order in which they were measured. Their energy windows
    /// are named by [`LevelFacts::window_name`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelFacts>,
}

/// A level of concurrency of a serving run beside its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelFacts {
    /// Streams kept open.
    pub concurrency: u32,
    /// Its window, or why it has none: every request failed, or the server died.
    pub seen: Reading<LevelWindow>,
}

/// The speed window of a level: what [`LoadFacts`] says of the run's own. Whatever stands there alone is of the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelWindow {
    /// Requests of the window.
    pub requests: u32,
    /// Requests before it, not counted.
    pub warmup: u32,
    /// First and last instant.
    pub window: (Nanos, Nanos),
    /// How many times the level's number of requests were put.
    pub repeats: u32,
    /// Whether an item was asked more than once by the run so far.
    pub prompts_repeat: bool,
    /// As [`LoadFacts::request_energy`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_energy: Vec<Reading<Joules>>,
    /// As [`LoadFacts::prefix_cache_share`], of this level's warm-up and window.
    pub prefix_cache_share: Reading<f64>,
    /// Parquet of the requests, relative to the run folder.
    pub requests_file: String,
}

impl LevelFacts {
    /// The name of a level's energy window: `speed.c16`.
    pub fn window_name(concurrency: u32) -> String {
        format!("speed.c{concurrency}")
    }
}

fn not_asked() -> Reading<Bytes> {
    Reading::missing("the engine was not asked")
}

fn not_looked_at() -> Reading<f64> {
    Reading::missing("the prefix cache was not looked at")
}

fn once() -> u32 {
    1
}

/// The marks of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemMark {
    /// The item's id in its data set.
    pub id: String,
    /// Mark name -> value in 0..1, or why there is none.
    pub marks: BTreeMap<String, Reading<f64>>,
}

/// What a scored pass told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QualityFacts {
    /// Per item, in data set order, every mark that its text and references are enough for. Which of them counts is the plan's to say.
    pub items: Vec<ItemMark>,
    /// Digest of all prompts: messages and references.
    pub prompts_digest: String,
    /// Digest of the texts that the model's own chat template makes of them, in order, special tokens included. A server of another's is
    /// given the messages and has its own copy of the template.
    #[serde(default = "not_recorded")]
    pub rendered_digest: Reading<String>,
    /// Parquet of the requests and answers, relative to the run folder.
    pub requests_file: String,
}

fn not_recorded() -> Reading<String> {
    Reading::missing("it was not recorded")
}

/// What a model that rates answers told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateFacts {
    /// Who rated, such as `judge gpt-4o`.
    pub by: String,
    /// Which questions were put to it.
    pub version: String,
    /// Per item that was rated.
    pub items: Vec<ItemMark>,
    /// Tokens of what it was asked, over all attempts; missing where it counts none, or told none.
    pub input_tokens: Reading<u64>,
    /// Tokens of its answers likewise.
    pub output_tokens: Reading<u64>,
}

/// What a model makes of the reference answers of a task's held-out items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerplexityFacts {
    /// Which tokens count, after which prompt.
    pub version: String,
    /// Key of the stage that left the weights in full precision beside which these were put; `None` where they were read alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Bytes held for the weights.
    pub weights_memory: Reading<Bytes>,
    /// Bytes held at the same time for those in full precision.
    pub full_weights_memory: Reading<Bytes>,
    /// Per item, in data set order; missing where the weights are of a kind that is not read.
    pub items: Reading<Vec<ItemLikelihood>>,
}

/// How likely the reference answer of one item is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemLikelihood {
    /// The item's id in its data set.
    pub id: String,
    /// Sums over the answer's tokens, or why there are none.
    pub seen: Reading<Likelihood>,
}

/// Sums over the tokens of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likelihood {
    /// Tokens, with the one that ends the answer.
    pub tokens: u32,
    /// Σ −ln p of the right token, in nats.
    pub nll: f64,
    /// Beside full precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Divergence>,
}

/// Sums over the same tokens of how far quantised weights are from those in full precision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// Σ −ln p of the right token in full precision, in nats.
    pub full_nll: f64,
    /// Σ of the Kullback-Leibler divergence of the quantised distribution from that in full precision, in nats.
    pub kl: f64,
    /// The largest divergence of a token, in nats.
    pub kl_max: f64,
    /// Tokens at which both have the same likeliest token.
    pub same_top: u32,
    /// Σ of p of the right token less that in full precision.
    pub delta_p: f64,
    /// Σ of the square of that difference.
    pub delta_p_squared: f64,
}

/// What is particular to a kind of stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// See [`AdaptFacts`].
    Adapt(AdaptFacts),
    /// See [`CompressFacts`]; for merge and quantise.
    Compress(CompressFacts),
    /// See [`CommandFacts`]; for an adaptation or a quantisation.
    Command(CommandFacts),
    /// See [`LoadFacts`].
    Serve(LoadFacts),
    /// See [`QualityFacts`].
    Quality(QualityFacts),
    /// See [`RateFacts`].
    Rate(RateFacts),
    /// See [`PerplexityFacts`].
    Perplexity(PerplexityFacts),
    /// A failed stage has none.
    Nothing,
}

/// One stage, as observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// [`crate::SCHEMA`].
    pub schema: String,
    /// Content key: digest of everything that decides the outcome.
    pub key: String,
    /// Which stage.
    pub kind: StageKind,
    /// For people: `rag · lora-int4 · run 2`.
    pub label: String,
    /// Seed the stage was given.
    pub seed: u64,
    /// Position in the campaign's executed (randomised) order.
    pub order: u32,
    /// The command line that was run.
    pub command: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// First and last instant of the process.
    pub span: (Nanos, Nanos),
    /// Wall duration.
    pub duration: Seconds,
    /// The stage's own marks.
    pub phases: Vec<Phase>,
    /// Energy windows by name.
    pub energy: Vec<EnergyWindow>,
    /// Peak memory.
    pub memory: MemoryPeak,
    /// What it left on disk.
    pub artifact: Option<Artifact>,
    /// What is particular to the kind.
    pub detail: Detail,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> LoadFacts {
        let window = LevelWindow {
            requests: 16,
            warmup: 4,
            window: (Nanos(5), Nanos(9)),
            repeats: 1,
            prompts_repeat: false,
            request_energy: Vec::new(),
            prefix_cache_share: Reading::Known(0.5),
            requests_file: "requests/k.c4.parquet".into(),
        };
        LoadFacts {
            concurrency: 1,
            requests: 8,
            warmup: 2,
            forced_tokens: 4,
            window: (Nanos(1), Nanos(4)),
            page_cache: PageCache::Cold,
            spawned: Nanos(0),
            ready: Nanos(1),
            first_token: Nanos(1),
            weights_disk: Bytes(1),
            weights_memory: Reading::missing("untold"),
            kv_memory: Reading::missing("untold"),
            repeats: 1,
            prompts_repeat: false,
            request_energy: Vec::new(),
            prefix_cache_share: Reading::missing("untold"),
            requests_file: "requests/k.parquet".into(),
            power_file: None,
            levels: vec![
                LevelFacts { concurrency: 4, seen: Reading::Known(window) },
                LevelFacts { concurrency: 16, seen: Reading::missing("the server died") },
            ],
        }
    }

    #[test]
    fn levels_come_back_and_records_without_them_are_read() {
        let swept = facts();
        let mut json = serde_json::to_value(&swept).unwrap();
        assert_eq!(serde_json::from_value::<LoadFacts>(json.clone()).unwrap(), swept);
        json.as_object_mut().unwrap().remove("levels").unwrap();
        let old: LoadFacts = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(old, LoadFacts { levels: Vec::new(), ..swept });
        assert_eq!(serde_json::to_value(&old).unwrap(), json, "a run without levels is written as ever");
    }

    #[test]
    fn a_record_from_before_does_not_fit_was_told_apart_is_read() {
        let old: Outcome = serde_json::from_str(r#"{"failed": {"reason": "killed by signal 9", "last_lines": ["step 3"]}}"#).unwrap();
        let want = Outcome::Failed { reason: "killed by signal 9".into(), last_lines: vec!["step 3".into()], does_not_fit: None };
        assert_eq!(old, want);
        let cause = DoesNotFit { told: "too large".into(), needed: Some(Bytes(3)) };
        let new = Outcome::Failed { reason: String::new(), last_lines: Vec::new(), does_not_fit: Some(cause) };
        assert_eq!(serde_json::from_str::<Outcome>(&serde_json::to_string(&new).unwrap()).unwrap(), new);
    }
}
