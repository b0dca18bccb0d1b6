//! Pairs to verdicts: tokens, pieces, logits, probabilities.

use std::path::Path;

use model::Encoder;
use model::tensor::Device;
use text::{PairTokenizer, Tokens, Truncation};

use crate::pieces::{LEAST_ROOM, pieces};
use crate::{Classifier, Labels, Result};

/// A premise and what is claimed after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// What is taken as true: the document, the context.
    pub premise: &'a str,
    /// What is judged: the summary, the answer.
    pub hypothesis: &'a str,
}

/// What is done with a pair that does not fit the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Long {
    /// The premise is split into overlapping pieces, each judged with the whole hypothesis.
    Split,
    /// One pass, cut as transformers cuts it.
    Cut(Truncation),
}

/// What the model makes of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Probability of entailment, the largest over the pieces.
    pub entailment: f64,
    /// Probability of neither; `None` of several pieces, over which it has no meaning.
    pub neutral: Option<f64>,
    /// Probability of contradiction, the largest over the pieces.
    pub contradiction: f64,
    /// Pieces the premise was split into.
    pub pieces: usize,
    /// Tokens that the model read, of all pieces with the hypothesis in each.
    pub tokens: usize,
    /// Tokens that were cut off unread.
    pub cut: usize,
}

/// Why a pair has no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unjudged {
    /// Nothing is claimed.
    #[error("the hypothesis is empty")]
    EmptyHypothesis,
    /// There is nothing to judge it by.
    #[error("the premise is empty")]
    EmptyPremise,
    /// The claim alone fills the model's context.
    #[error("the hypothesis has {tokens} tokens, which leaves fewer than {least} of {most} for the premise")]
    HypothesisTooLong {
        /// Tokens of the hypothesis.
        tokens: usize,
        /// Fewest tokens that a premise is read in.
        least: usize,
        /// The most tokens of a pair.
        most: usize,
    },
    /// The model gave something that is no number.
    #[error("the model's logits are not numbers: its weights may be damaged")]
    NotNumbers,
}

/// An NLI model with its tokenizer.
#[derive(Debug)]
pub struct Judge<C = Encoder> {
    classifier: C,
    tokenizer: PairTokenizer,
    labels: Labels,
    most: usize,
}

impl Verdict {
    /// The probability that the premise does not contradict the hypothesis.
    pub fn non_contradiction(&self) -> f64 {
        1.0 - self.contradiction
    }
}

impl Judge {
    /// Loads a model folder: `config.json` with `id2label`, weights in safetensors, `tokenizer.json`.
    ///
    /// # Errors
    /// When a file is missing, damaged or of a kind that is not read, or the labels are not those of an NLI model.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        // The small files first, so that what they lack is told before gigabytes are read.
        let config = model::encoder::Config::from_folder(folder)?;
        let labels = Labels::of(&config.labels)?;
        let tokenizer = PairTokenizer::from_folder(folder)?;
        Ok(Self::new(Encoder::load(folder, device)?, tokenizer, labels, config.max_length()))
    }
}

impl<C: Classifier> Judge<C> {
    /// A judge of its parts; `most` is the longest pair that the classifier takes, in tokens.
    pub fn new(classifier: C, tokenizer: PairTokenizer, labels: Labels, most: usize) -> Self {
        let most = tokenizer.limit().map_or(most, |limit| limit.min(most));
        Self { classifier, tokenizer, labels, most }
    }

    /// The most tokens of a pair, those that frame it included: the smaller of the model's context and the tokenizer's own limit.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Judges pairs, in order. More at a time are judged faster, up to some dozens.
    ///
    /// # Errors
    /// When the tokenizer or the model fails. A pair that cannot be judged is no error but has a reason in its place.
    pub fn judge(&self, pairs: &[Pair<'_>], long: Long) -> Result<Vec<Result<Verdict, Unjudged>>> {
        let mut framed = Vec::new();
        let mut shares = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let share = self.framed(*pair, long)?;
            shares.push(share.map(|share| {
                let pieces = share.len();
                framed.extend(share);
                framed.len() - pieces..framed.len()
            }));
        }
        let sizes: Vec<_> = framed.iter().map(|pair| (pair.ids.len(), pair.cut)).collect();
        let logits = self.classifier.classify(framed)?;
        let verdict = |share: std::ops::Range<usize>| self.verdict(&logits[share.clone()], &sizes[share]);
        Ok(shares.into_iter().map(|share| share.and_then(verdict)).collect())
    }

    /// What the model reads of a pair: one sequence a piece of the premise.
    fn framed(&self, pair: Pair<'_>, long: Long) -> Result<Result<Vec<text::Pair>, Unjudged>> {
        if pair.hypothesis.trim().is_empty() {
            return Ok(Err(Unjudged::EmptyHypothesis));
        }
        if pair.premise.trim().is_empty() {
            return Ok(Err(Unjudged::EmptyPremise));
        }
        let (premise, hypothesis) = (self.tokenizer.tokens(pair.premise)?, self.tokenizer.tokens(pair.hypothesis)?);
        let room = self.most.saturating_sub(self.tokenizer.framing() + hypothesis.len());
        let truncation = match long {
            Long::Split => Truncation::OnlyFirst,
            Long::Cut(truncation) => truncation,
        };
        if premise.len() > room && room < LEAST_ROOM && truncation == Truncation::OnlyFirst {
            return Ok(Err(Unjudged::HypothesisTooLong { tokens: hypothesis.len(), least: LEAST_ROOM, most: self.most }));
        }
        if premise.len() <= room || long != Long::Split {
            return Ok(Ok(vec![self.tokenizer.pair(premise, &hypothesis, self.most, truncation)?]));
        }
        Ok(Ok(self.split(pair.premise, &premise, &hypothesis, room)?))
    }

    fn split(&self, text: &str, premise: &Tokens, hypothesis: &Tokens, room: usize) -> Result<Vec<text::Pair>> {
        let spans: Vec<_> = premise.spans().collect();
        let piece = |range: std::ops::Range<usize>| {
            let tokens = self.tokenizer.tokens(text[range].trim())?;
            // A piece's tokens may differ at its edges from those of the whole: what is too much is cut.
            Ok(self.tokenizer.pair(tokens, hypothesis, self.most, Truncation::OnlyFirst)?)
        };
        pieces(text, &spans, room).into_iter().filter(|range| !text[range.clone()].trim().is_empty()).map(piece).collect()
    }

    fn verdict(&self, logits: &[Vec<f32>], sizes: &[(usize, usize)]) -> Result<Verdict, Unjudged> {
        if !logits.iter().flatten().all(|logit| logit.is_finite()) {
            return Err(Unjudged::NotNumbers);
        }
        let probabilities: Vec<_> = logits.iter().map(|logits| softmax(logits)).collect();
        let largest = |at: usize| probabilities.iter().map(|p| p[at]).fold(0.0, f64::max);
        Ok(Verdict {
            entailment: largest(self.labels.entailment),
            neutral: (probabilities.len() == 1).then(|| largest(self.labels.neutral)),
            contradiction: largest(self.labels.contradiction),
            pieces: sizes.len(),
            tokens: sizes.iter().map(|(tokens, _)| tokens).sum(),
            cut: sizes.iter().map(|(_, cut)| cut).sum(),
        })
    }
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shares: Vec<f64> = logits.iter().map(|logit| f64::from(logit - top).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / sum).collect()
}
