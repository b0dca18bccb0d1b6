//! What gives a framed pair its logits: an encoder, or in tests something whose answers are known.

use model::Encoder;
use model::encoder::Sequence;

use crate::Result;

/// Something that classifies framed pairs.
pub trait Classifier {
    /// One logit a label for each pair, in the order of the labels.
    ///
    /// # Errors
    /// When a pair does not fit, or an operation fails.
    fn classify(&self, pairs: Vec<text::Pair>) -> Result<Vec<Vec<f32>>>;
}

impl Classifier for Encoder {
    fn classify(&self, pairs: Vec<text::Pair>) -> Result<Vec<Vec<f32>>> {
        let sequences: Vec<_> = pairs.into_iter().map(|pair| Sequence { ids: pair.ids, types: pair.types }).collect();
        Ok(Encoder::classify(self, &sequences)?)
    }
}
