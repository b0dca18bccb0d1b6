//! Encoders with a classification head: a text or a pair of texts in, one logit a label out. BERT, RoBERTa and DeBERTa-v2/v3.
//!
//! What a family has of its own stands in its file; the layers are written once. A batch is its sequences laid end to end: there is no
//! padding, so what else is in a batch cannot change a result. Inference only, in f32. Not here: text, and what the labels mean.

mod activation;
mod attend;
mod batch;
mod bert;
mod config;
mod conv;
mod deberta;
mod embed;
mod head;
mod layer;
mod load;
mod norm;
mod relative;
mod roberta;
mod written;

use candle_core::{DType, Device, Tensor};

pub use activation::Activation;
pub use batch::Sequence;
pub use config::{Config, Conv, FirstPosition, Relative, Term};

use crate::{Error, Result};
use batch::Batch;
use relative::Distances;

/// What is particular to an encoder family.
#[derive(Debug)]
pub struct Family {
    /// The words for it in `model_type` of `config.json`.
    pub model_types: &'static [&'static str],
    /// What the names of the encoder's tensors begin with.
    prefix: &'static str,
    /// Names of the projections within `attention.self`.
    projections: [&'static str; 3],
    /// Name of the dense layer before the classifier.
    pooler: &'static str,
    /// Name of the classifier.
    classifier: &'static str,
    /// Keys of `config.json` that only this family has, or means in a way of its own.
    finish: fn(&written::Written, &mut Config) -> Result<()>,
}

/// Every family that is read, in alphabetical order.
pub static FAMILIES: &[&Family] = &[&bert::FAMILY, &deberta::FAMILY, &roberta::FAMILY];

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.model_types == other.model_types
    }
}

/// An encoder with its classification head.
#[derive(Debug)]
pub struct Encoder {
    config: Config,
    embeddings: embed::Embeddings,
    layers: Vec<layer::Layer>,
    conv: Option<conv::Convolution>,
    head: head::Head,
    device: Device,
}

impl Encoder {
    /// The model's shape, constants and labels.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The logits of each sequence, one a label, in the order of [`Config::labels`].
    ///
    /// Sequences are taken by length, some thousand tokens at a time.
    ///
    /// # Errors
    /// When a sequence is empty, longer than [`Config::max_length`] or holds an id that the vocabulary has not; when an operation fails.
    pub fn classify(&self, sequences: &[Sequence]) -> Result<Vec<Vec<f32>>> {
        sequences.iter().try_for_each(|sequence| sequence.check(&self.config))?;
        let mut all = vec![Vec::new(); sequences.len()];
        for group in batch::groups(sequences) {
            let batch = Batch::new(group.iter().map(|&i| &sequences[i]));
            // Within the pool a parallel loop costs no change of threads; a layer has a dozen of them.
            let logits = rayon::scope(|_| self.logits(&batch))?.to_dtype(DType::F32)?.to_vec2()?;
            for (i, logits) in group.into_iter().zip(logits) {
                all[i] = logits;
            }
        }
        Ok(all)
    }

    /// `[sequences, labels]`.
    fn logits(&self, batch: &Batch) -> Result<Tensor> {
        let distances = match &self.config.relative {
            Some(relative) => Some(Distances::new(relative, batch.longest(), &self.device)?),
            None => None,
        };
        let embedded = self.embeddings.forward(batch, &self.config, &self.device)?;
        let mut x = embedded.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            let conv = self.conv.as_ref().filter(|_| i == 0);
            // The head looks at first tokens only: the last layer need not work out the others.
            let firsts_only = i + 1 == self.layers.len() && conv.is_none();
            x = layer.forward(&x, batch, distances.as_ref(), firsts_only)?;
            if let Some(conv) = conv {
                x = conv.forward(&embedded, &x, batch)?;
            }
        }
        let firsts = if x.dim(0)? == batch.spans.len() { x } else { batch.firsts(&x)? };
        self.head.forward(&firsts)
    }
}

/// A dense layer: `x Wᵀ + bias`.
#[derive(Debug)]
struct Dense {
    /// `[n, k]`.
    weight: Tensor,
    /// `[n]`.
    bias: Tensor,
}

impl Dense {
    /// The product alone, for who adds the bias together with something else.
    fn product(&self, x: &Tensor) -> Result<Tensor> {
        crate::matvec::linear(x, &self.weight)
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        activation::biased(self.product(x)?, &self.bias, Activation::None)
    }
}

fn argument<T>(what: &'static str, expected: String, got: String) -> Result<T> {
    Err(Error::Argument { what, expected, got })
}
