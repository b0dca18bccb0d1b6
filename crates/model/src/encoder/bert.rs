//! BERT (Devlin et al. 2019, arXiv 1810.04805).

use super::Family;

/// What is particular to BERT: a pooler of its own, which the encoder was trained with.
pub(super) static FAMILY: Family = Family {
    model_types: &["bert"],
    prefix: "bert",
    projections: ["query", "key", "value"],
    pooler: "bert.pooler.dense",
    classifier: "classifier",
    finish: |_, _| Ok(()),
};
