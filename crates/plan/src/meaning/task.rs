//! A task of the plan and where its rows come from. Which columns and marks there are is `score`'s to know.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::BUILTIN;

/// One task and its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Shown in tables; unique in the plan.
    pub name: String,
    /// `summarization`, `rag`, `chat` or `jsonl`: a name of `score`'s registry.
    pub kind: String,
    /// Where its rows come from.
    #[serde(flatten)]
    pub data: DataSpec,
    /// Columns of other names than the published ones, by the field that they hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// Rows of each file set that may be left out because they are not what the task's rows are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bad_rows: u32,
    /// Most rows used for training.
    pub train_rows: u32,
    /// Most rows scored.
    pub eval_rows: u32,
    /// The mark that counts as the score: `f1`, `exact_match`, `rouge_l`.
    pub primary: String,
    /// Marks taken beside it and beside the task's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// Longest answer in the scored pass.
    pub max_tokens: u32,
    /// Longest prompt in tokens of any of the plan's models, chat template included; longer documents are cut at their end, and the
    /// oldest exchanges of longer conversations dropped. `None` cuts nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_prompt_tokens: Option<u32>,
    /// System prompt; `None` takes the task's default.
    pub system: Option<String>,
    /// Task-complexity factor of IPW.
    pub alpha: f64,
}

/// Where training and held-out rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DataSpec {
    /// From one data set, whose rows a seeded hash of their ids puts into parts.
    Parts {
        /// The data set.
        rows: Rows,
        /// The shares.
        parts: Parts,
    },
    /// Each from its own.
    Apart {
        /// Training rows.
        train: Rows,
        /// Held-out rows.
        eval: Rows,
    },
}

/// Percent of the rows in each part; the rest is scored. The paper has 70 and 15 (Mohammad et al., ACL 2026 Industry, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// To train on.
    pub train: u8,
    /// To choose by: neither trained on nor scored.
    pub validation: u8,
}

/// The rows of one split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenRows", into = "WrittenRows")]
pub struct Rows {
    /// Where the files are.
    pub from: RowsFrom,
    /// The configuration of a data set that has several, such as `plain_text`.
    pub config: Option<String>,
    /// The split of a folder or hub data set that has several, such as `train` or `test_sft`.
    pub split: Option<String>,
}

/// Where files of rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowsFrom {
    /// The quickstart's own.
    Builtin,
    /// A file, or a folder of shards.
    Path(PathBuf),
    /// A data set of the hub.
    Hub {
        /// Such as `rajpurkar/squad`.
        id: String,
        /// Branch, tag or commit.
        revision: String,
    },
}

impl Rows {
    /// A file or folder as a whole.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { from: RowsFrom::Path(path.into()), config: None, split: None }
    }

    /// The quickstart's own.
    pub fn builtin() -> Self {
        Self { from: RowsFrom::Builtin, config: None, split: None }
    }
}

/// How rows stand in records and in plans: a path or `builtin` alone, or a table.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenRows {
    Short(PathBuf),
    Long {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<PathBuf>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hub: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        split: Option<String>,
    },
}

impl From<WrittenRows> for Rows {
    fn from(written: WrittenRows) -> Self {
        match written {
            WrittenRows::Short(path) if path.as_os_str() == BUILTIN => Self::builtin(),
            WrittenRows::Short(path) => Self::at(path),
            WrittenRows::Long { path, hub, revision, config, split } => {
                let from = match (path, hub) {
                    (Some(path), _) => RowsFrom::Path(path),
                    (None, Some(id)) => RowsFrom::Hub { id, revision: revision.unwrap_or_else(|| "main".to_owned()) },
                    (None, None) => RowsFrom::Builtin,
                };
                Self { from, config, split }
            }
        }
    }
}

impl From<Rows> for WrittenRows {
    fn from(rows: Rows) -> Self {
        let Rows { from, config, split } = rows;
        match from {
            RowsFrom::Builtin => Self::Short(BUILTIN.into()),
            RowsFrom::Path(path) if config.is_none() && split.is_none() => Self::Short(path),
            RowsFrom::Path(path) => Self::Long { path: Some(path), hub: None, revision: None, config, split },
            RowsFrom::Hub { id, revision } => Self::Long { path: None, hub: Some(id), revision: Some(revision), config, split },
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
