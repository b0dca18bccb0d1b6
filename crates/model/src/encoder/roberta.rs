//! RoBERTa (Liu et al. 2019, arXiv 1907.11692) and its multilingual sister XLM-RoBERTa (Conneau et al. 2020, arXiv 1911.02116).

use super::Family;
use super::config::FirstPosition;
use super::written::need;

/// What is particular to RoBERTa: positions are counted from behind the padding's number, and the head has a dense layer of its own.
pub(super) static FAMILY: Family = Family {
    model_types: &["roberta", "xlm-roberta"],
    prefix: "roberta",
    projections: ["query", "key", "value"],
    pooler: "classifier.dense",
    classifier: "classifier.out_proj",
    finish: |written, config| {
        config.first_position = FirstPosition::AfterPad(need(written.pad_token_id, "pad_token_id")?);
        Ok(())
    },
};
