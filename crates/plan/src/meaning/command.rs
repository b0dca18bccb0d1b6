//! A stage that another's program carries out: its words with placeholders, and what it leaves. Nothing is run here.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::AdaptSpec;

/// A command in the place of a stage of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// The program and its arguments, started without a shell; `{name}` stands for a value, and `{{name}}` for `{name}` itself.
    pub run: Vec<String>,
    /// Environment variables set beside the inherited ones; placeholders stand for values here too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What it leaves at `{out}`.
    pub gives: Gives,
    /// The folder of the plan, which `{plan}` stands for.
    pub folder: PathBuf,
}

/// What a command leaves at `{out}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gives {
    /// A PEFT adapter folder.
    Adapter,
    /// A Hugging Face model folder with safetensors.
    Folder,
    /// One GGUF file.
    Gguf,
}

impl Gives {
    /// The word plans use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adapter => "adapter",
            Self::Folder => "folder",
            Self::Gguf => "gguf",
        }
    }
}

/// What a command of `[adapt]` may name besides the hyper-parameters: model folder, corpus, where the result goes, method, seed, the plan's
/// folder, and this program.
pub const ADAPT_PLACES: &[&str] = &["model", "data", "out", "method", "seed", "plan", "edge_eval"];
/// What a command that compresses may name: model folder, calibration rows, where the result goes, `int8` or `int4`, `8` or `4`, seed, the
/// plan's folder, and this program.
pub const COMPRESS_PLACES: &[&str] = &["model", "data", "out", "precision", "bits", "seed", "plan", "edge_eval"];

impl AdaptSpec {
    /// The hyper-parameters that a command may name, as words. Of `steps` and `epochs` only the one that holds is there, and `threads` only
    /// where the plan gives it.
    pub fn placeholders(&self) -> Vec<(&'static str, String)> {
        let mut values = vec![
            ("rank", self.rank.to_string()),
            ("alpha", self.alpha.to_string()),
            ("dropout", self.dropout.to_string()),
            ("target_modules", self.target_modules.join(",")),
            ("lr", self.lr.peak.to_string()),
            ("schedule", self.lr.schedule.name().to_owned()),
            ("warmup_ratio", self.lr.warmup_ratio.to_string()),
            ("batch", self.batch.to_string()),
            ("accumulation", self.accumulation.to_string()),
            ("max_length", self.max_length.to_string()),
            ("weight_decay", self.weight_decay.to_string()),
            ("checkpointing", self.checkpointing.to_string()),
            ("packing", self.packing.to_string()),
        ];
        values.push(match self.steps {
            Some(steps) => ("steps", steps.to_string()),
            None => ("epochs", self.epochs.to_string()),
        });
        values.extend(self.threads.map(|threads| ("threads", threads.to_string())));
        values
    }
}

impl CommandSpec {
    /// The words of the command with values in place of placeholders. A placeholder without a value stays as it is: parsing lets none through
    /// but those that its stage fills in.
    pub fn words(&self, values: &[(&str, String)]) -> Vec<String> {
        self.run.iter().map(|word| fill(word, values)).collect()
    }

    /// The environment variables likewise.
    pub fn variables(&self, values: &[(&str, String)]) -> Vec<(String, String)> {
        self.environment.iter().map(|(name, value)| (name.clone(), fill(value, values))).collect()
    }

    /// The files that the command names as `{plan}/…`, such as a script: they decide what it does.
    pub fn files(&self) -> Vec<PathBuf> {
        let rest = |word: &String| word.strip_prefix("{plan}/").filter(|rest| names(rest).is_empty()).map(|rest| self.folder.join(rest));
        self.run.iter().filter_map(rest).collect()
    }

    /// The folder that `{plan}` stands for, as a word.
    pub fn plan_folder(&self) -> String {
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        folder.to_string_lossy().into_owned()
    }

    /// The placeholders in all its words and variables.
    pub(crate) fn placeholders(&self) -> Vec<String> {
        self.run.iter().chain(self.environment.values()).flat_map(|word| names(word)).collect()
    }
}

/// A piece of a word.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// A word cut into texts and placeholders. What stands in braces but is no name is text.
fn pieces(word: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (word, 0);
    while let Some(open) = rest[from..].find('{').map(|at| from + at) {
        let name = |after: &'_ str| after.find('}').filter(|&end| is_name(&after[..end]));
        if let Some(end) = rest[open..].strip_prefix("{{").and_then(name).filter(|end| rest[open + 2 + end..].starts_with("}}")) {
            // `{{name}}`: the inner braces and the name are text.
            pieces.extend([Piece::Text(&rest[..open]), Piece::Text(&rest[open + 1..open + 3 + end])]);
            (rest, from) = (&rest[open + 4 + end..], 0);
        } else if let Some(end) = name(&rest[open + 1..]) {
            pieces.extend([Piece::Text(&rest[..open]), Piece::Name(&rest[open + 1..open + 1 + end])]);
            (rest, from) = (&rest[open + 2 + end..], 0);
        } else {
            from = open + 1;
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn names(word: &str) -> Vec<String> {
    let name = |piece| if let Piece::Name(name) = piece { Some(name.to_owned()) } else { None };
    pieces(word).into_iter().filter_map(name).collect()
}

fn fill(word: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    for piece in pieces(word) {
        match piece {
            Piece::Text(text) => out += text,
            Piece::Name(name) => match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => out += value,
                None => out.extend(["{", name, "}"]),
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let values = [("out", "/tmp/{model}".to_owned()), ("rank", "16".to_owned())];
        let filled = |word: &str| fill(word, &values);
        assert_eq!(filled("--out={out}/x"), "--out=/tmp/{model}/x");
        assert_eq!(filled("{rank}{rank}"), "1616");
        assert_eq!(filled("{{rank}} {{{rank}"), "{rank} {{16");
        for same in ["", "{", "}", "{}", "{\"a\": 1}", "{Rank}", "{rank", "é{ü}", "{unknown}"] {
            assert_eq!(filled(same), same);
        }
        assert_eq!(names("{a} {{b}} {c_d} {E}"), ["a", "c_d"]);
    }

    #[test]
    fn files_beside_the_plan_are_known() {
        let run = ["python", "{plan}/train.py", "{plan}/{method}.yaml", "{plan}", "x/y"].map(str::to_owned).to_vec();
        let command = CommandSpec { run, environment: BTreeMap::new(), gives: Gives::Adapter, folder: "plans".into() };
        assert_eq!(command.files(), [PathBuf::from("plans/train.py")]);
        assert_eq!(CommandSpec { folder: PathBuf::new(), ..command }.plan_folder(), ".");
    }
}
