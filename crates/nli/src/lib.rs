//! Natural language inference: does a premise entail a hypothesis, or contradict it? By a cross-encoder, such as DeBERTa-v3 trained on MNLI.
//!
//! A premise that does not fit the model is split into overlapping pieces; entailment is the largest over the pieces, and so is
//! contradiction. That is the zero-shot rule of SummaC (Laban et al., TACL 2022, `10.1162/tacl_a_00453`) over pieces of a premise instead of its
//! sentences: a claim is supported when some part of the document supports it, and contradicted when some part contradicts it.
//! Not here: which texts are set against each other, means over answers, prompts.

mod classifier;
mod error;
mod judge;
mod labels;
mod pieces;
mod rows;

pub use classifier::Classifier;
pub use error::{Error, Result};
pub use judge::{Judge, Long, Pair, Unjudged, Verdict};
pub use labels::Labels;
pub use rows::{Figures, Judged, Observer, Row, Tally, judge_rows};
