//! An engine as the plan names it, and what is common to all engines: in which files it takes integer weights, who writes those, how it takes
//! adapters, and what a hosted one costs. Its own keys are read by the engine.

use serde::{Deserialize, Serialize};

use super::{CommandSpec, Strategy};

/// An engine of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineSpec {
    /// What tables call it, where several of one kind stand in a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A name of `serve`'s registry.
    pub kind: String,
    /// The strategies it is put through; `None`: every one of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategies: Option<Vec<Strategy>>,
    /// Who writes the integer weights it is given; `None`: this program does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compress>,
    /// How it takes what adaptation left.
    #[serde(default)]
    pub adapter: AdapterUse,
    /// What its tokens cost, for one that is another's and paid by tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<EnginePrice>,
    /// The engine's own keys, as written.
    pub options: serde_json::Map<String, serde_json::Value>,
}

/// Who writes integer weights, where this program does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compress {
    /// The engine itself, as it loads: nothing is written.
    Engine,
    /// A command.
    Command(CommandSpec),
}

/// How an engine takes what adaptation left, in the strategies without integer weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterUse {
    /// Merged into the base model.
    #[default]
    Merged,
    /// Apart: the base model and the PEFT adapter beside it.
    Apart,
}

impl AdapterUse {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Merged, Self::Apart];

    /// The word plans use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Apart => "apart",
        }
    }
}

/// What a hosted engine's tokens cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnginePrice {
    /// USD per million input tokens.
    pub input_usd_per_mtok: f64,
    /// USD per million output tokens.
    pub output_usd_per_mtok: f64,
    /// Where the price stands.
    pub source: String,
    /// Its date, `YYYY-MM-DD`.
    pub date: String,
}

/// In which files the strategies with integer weights hand them to an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuantisedAs {
    /// One GGUF file.
    Gguf,
    /// A model folder in the compressed-tensors format.
    CompressedTensors,
    /// What the command of this engine of [`super::Plan::engines`] leaves; the first of those that have the same command.
    Command(usize),
}

impl EngineSpec {
    /// An engine of a kind, with nothing said of it.
    pub fn of(kind: &str) -> Self {
        let options = serde_json::Map::new();
        Self { name: None, kind: kind.to_owned(), strategies: None, compress: None, adapter: AdapterUse::default(), price: None, options }
    }

    /// What tables call it: its name, or its kind.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.kind)
    }

    /// Whether it is put through a strategy.
    pub fn takes(&self, strategy: Strategy) -> bool {
        self.strategies.as_ref().is_none_or(|some| some.contains(&strategy))
    }

    /// The command that compresses for it.
    pub fn command(&self) -> Option<&CommandSpec> {
        match &self.compress {
            Some(Compress::Command(command)) => Some(command),
            Some(Compress::Engine) | None => None,
        }
    }

    /// The files that this program writes for it: decided by the engine's own key `quantisation`, where `"compressed-tensors"` asks for such a
    /// folder and anything else leaves GGUF.
    fn written_as(&self) -> QuantisedAs {
        match self.options.get("quantisation").and_then(serde_json::Value::as_str) {
            Some(word) if word == QuantisedAs::CompressedTensors.name() => QuantisedAs::CompressedTensors,
            _ => QuantisedAs::Gguf,
        }
    }
}

impl super::Plan {
    /// In which files an engine is given integer weights; `None` where it makes them itself as it loads.
    pub fn quantised_as(&self, engine: usize) -> Option<QuantisedAs> {
        let spec = &self.engines[engine];
        match &spec.compress {
            None => Some(spec.written_as()),
            Some(Compress::Engine) => None,
            Some(Compress::Command(command)) => {
                let first = self.engines.iter().position(|other| other.command() == Some(command));
                Some(QuantisedAs::Command(first.unwrap_or(engine)))
            }
        }
    }

    /// The engine that a cell names.
    pub fn engine(&self, label: &str) -> Option<&EngineSpec> {
        self.engines.iter().find(|engine| engine.label() == label)
    }
}

impl QuantisedAs {
    /// The word in plans and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gguf => "gguf",
            Self::CompressedTensors => "compressed-tensors",
            Self::Command(_) => "command",
        }
    }
}
