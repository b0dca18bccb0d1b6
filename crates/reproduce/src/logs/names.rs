//! What the logs are about: two families, three tiers, three tasks, four strategies, and how each file names them.

use std::fmt;

use plan::{Method, Precision, Strategy};

/// A family of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// LLaMA 3.2 (1B, 3B) and 3.1 (8B).
    Llama,
    /// Qwen 2.5.
    Qwen,
}

/// A tier by the name that the paper gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// `1B`: 1B and 1.5B.
    One,
    /// `3B`.
    Three,
    /// `7B`: 8B and 7B.
    Seven,
}

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Conversation: the judge's marks.
    Chat,
    /// Answering from a context: NLI entailment and ROUGE-L.
    Rag,
    /// Summarisation: NLI non-contradiction and ROUGE-L.
    Summ,
}

/// A model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its family.
    pub family: Family,
    /// Its tier.
    pub tier: Tier,
}

/// One of the 72 variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its model.
    pub model: Model,
    /// Its task.
    pub task: Task,
    /// How it was adapted and quantised.
    pub strategy: Strategy,
}

impl Family {
    /// In the paper's order.
    pub const ALL: [Self; 2] = [Self::Llama, Self::Qwen];

    /// As tables print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "LLaMA",
            Self::Qwen => "Qwen",
        }
    }
}

impl Tier {
    /// From small to large.
    pub const ALL: [Self; 3] = [Self::One, Self::Three, Self::Seven];

    /// As logs and tables print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "1B",
            Self::Three => "3B",
            Self::Seven => "7B",
        }
    }

    /// The parameters that the name promises, in units of 1e9.
    pub fn billions(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Three => 3.0,
            Self::Seven => 7.0,
        }
    }
}

impl Task {
    /// In the paper's order.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Rag, Self::Summ];

    /// As tables print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::Rag => "RAG",
            Self::Summ => "Summ",
        }
    }
}

impl Model {
    /// All six, in the paper's order.
    pub fn all() -> impl Iterator<Item = Self> {
        Family::ALL.into_iter().flat_map(|family| Tier::ALL.into_iter().map(move |tier| Self { family, tier }))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family.name(), self.tier.name())
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {} · {}", self.model, self.task.name(), self.strategy.name())
    }
}

/// Words of the logs.
pub(super) const FAMILIES: &[(&str, Family)] = &[("Llama", Family::Llama), ("Qwen", Family::Qwen)];
pub(super) const TIERS: &[(&str, Tier)] = &[("1B", Tier::One), ("3B", Tier::Three), ("7B", Tier::Seven)];
pub(super) const TASKS: &[(&str, Task)] = &[("chat", Task::Chat), ("rag", Task::Rag), ("summ", Task::Summ)];
pub(super) const METHODS: &[(&str, Method)] = &[("LoRA_FP16", Method::Lora), ("QLoRA_INT4", Method::Qlora)];
pub(super) const SHORT_METHODS: &[(&str, Method)] = &[("LoRA", Method::Lora), ("QLoRA", Method::Qlora)];
pub(super) const PRECISIONS: &[(&str, Precision)] = &[("FP16", Precision::Fp16), ("INT8", Precision::Int8), ("INT4", Precision::Int4)];

/// The strategy of a method served at a precision; `QLoRA` is served in INT4 alone.
pub(super) fn strategy(method: Method, precision: Precision) -> Option<Strategy> {
    Strategy::ALL.iter().copied().find(|strategy| strategy.method() == method && strategy.precision() == precision)
}

/// An adapter's name, such as `1B_LoRA_FP16_chat`.
pub(super) fn adapter(name: &str) -> Option<(Tier, Method, Task)> {
    let (tier, rest) = name.split_once('_')?;
    let (method, task) = rest.rsplit_once('_')?;
    Some((of(TIERS, tier)?, of(METHODS, method)?, of(TASKS, task)?))
}

/// A served model's name, such as `account/Llama-1B_LoRA_FP16_chat-INT8`.
pub(super) fn served(name: &str) -> Option<(Model, Method, Task)> {
    let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
    let (family, rest) = name.split_once('-')?;
    let (name, _) = rest.rsplit_once('-')?;
    let (tier, method, task) = adapter(name)?;
    Some((Model { family: of(FAMILIES, family)?, tier }, method, task))
}

fn of<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|(known, _)| *known == word).map(|(_, meant)| *meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_logs() {
        assert_eq!(adapter("3B_QLoRA_INT4_rag"), Some((Tier::Three, Method::Qlora, Task::Rag)));
        let model = Model { family: Family::Qwen, tier: Tier::Seven };
        assert_eq!(served("account/Qwen-7B_LoRA_FP16_summ-INT8"), Some((model, Method::Lora, Task::Summ)));
        assert_eq!(served("Qwen-7B_QLoRA_INT4_summ-MERGED"), Some((model, Method::Qlora, Task::Summ)));
        assert!(adapter("").is_none() && adapter("9B_LoRA_FP16_chat").is_none() && served("Qwen_1B").is_none());
    }

    #[test]
    fn strategies_of_the_paper() {
        assert_eq!(strategy(Method::Lora, Precision::Int4), Some(Strategy::LoraInt4));
        assert_eq!(strategy(Method::Qlora, Precision::Int4), Some(Strategy::QloraInt4));
        assert_eq!(strategy(Method::Qlora, Precision::Fp16), None);
    }
}
