//! How answers are scored: passes over the items, and the models that rate answers.

use serde::{Deserialize, Serialize};

use super::{EnginePrice, ModelSource};

/// How the scored passes are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QualitySpec {
    /// Passes over the items.
    pub passes: u32,
    /// Sampling temperature of the answers; 0 takes the likeliest token.
    pub temperature: f64,
    /// Whether the next-token distributions are looked at too: perplexity, and how far quantised weights are from full precision.
    #[serde(default = "yes")]
    pub perplexity: bool,
}

fn yes() -> bool {
    true
}

impl Default for QualitySpec {
    fn default() -> Self {
        Self { passes: 1, temperature: 0.0, perplexity: true }
    }
}

/// A model behind an OpenAI-compatible endpoint that rates answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeSpec {
    /// Base of the endpoint.
    pub url: String,
    /// The model that requests name.
    pub model: String,
    /// The environment variable that holds the API key; `None` sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Requests under way at a time.
    pub concurrency: u32,
    /// How often one answer is asked for at most.
    pub attempts: u32,
    /// A request is given up after this.
    pub timeout_s: f64,
    /// What its tokens cost; `None`: its cost is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<EnginePrice>,
}

/// A cross-encoder for natural language inference that rates answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NliSpec {
    /// Where its weights are.
    pub source: ModelSource,
    /// Threads of the arithmetic; one for each core when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// What is done with pairs that are longer than it takes.
    #[serde(default)]
    pub long: LongPairs,
}

/// What is done with a premise and a hypothesis that together are longer than a cross-encoder takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LongPairs {
    /// The premise is split into overlapping pieces, each judged with the whole hypothesis.
    #[default]
    Split,
    /// The premise is cut off at its end.
    OnlyFirst,
    /// The longer of the two is cut off, as transformers' `longest_first` does.
    LongestFirst,
}

impl LongPairs {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Split, Self::OnlyFirst, Self::LongestFirst];

    /// The word plans use, and `edge-eval nli --long`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::OnlyFirst => "only-first",
            Self::LongestFirst => "longest-first",
        }
    }
}

/// Who gives a mark that text alone cannot give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rater {
    /// [`JudgeSpec`].
    Judge,
    /// [`NliSpec`].
    Nli,
}

impl Rater {
    /// Every rater.
    pub const ALL: &[Self] = &[Self::Judge, Self::Nli];

    /// The section of a plan that describes it, and with `_` the beginning of its marks' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Judge => "judge",
            Self::Nli => "nli",
        }
    }

    /// Who gives a mark; `None` where the answer and its references are enough.
    pub fn of(mark: &str) -> Option<Self> {
        let begins = |rater: &&Self| mark.strip_prefix(rater.name()).is_some_and(|rest| rest.starts_with('_'));
        Self::ALL.iter().find(begins).copied()
    }
}

impl super::TaskSpec {
    /// The raters that its marks need, in the order of [`Rater::ALL`].
    pub fn raters(&self) -> impl Iterator<Item = Rater> {
        let needs = |rater: &Rater| self.marks.iter().chain([&self.primary]).any(|mark| Rater::of(mark) == Some(*rater));
        Rater::ALL.iter().copied().filter(needs)
    }
}
