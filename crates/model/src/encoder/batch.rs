//! Sequences laid end to end. Not padded ones: attention takes each by itself, everything else is by token.

use std::ops::Range;

use candle_core::{Device, Tensor};

use super::{Config, argument};
use crate::Result;

/// Token ids of one text or pair, as its tokenizer makes them, and which of the two texts each belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// Token ids, those that frame the texts included.
    pub ids: Vec<u32>,
    /// 0 for the first text, 1 for the second; passed over by models that know no types. Empty means all 0.
    pub types: Vec<u32>,
}

impl Sequence {
    pub(super) fn check(&self, config: &Config) -> Result<()> {
        let (length, most) = (self.ids.len(), config.max_length());
        if length == 0 || length > most {
            return argument("sequence", format!("1 to {most} tokens"), length.to_string());
        }
        if !self.types.is_empty() && self.types.len() != length {
            return argument("types", format!("as many as ids, {length}"), self.types.len().to_string());
        }
        if let Some(id) = self.ids.iter().find(|id| **id as usize >= config.vocab) {
            return argument("token id", format!("less than {}", config.vocab), id.to_string());
        }
        match self.types.iter().find(|kind| config.types > 1 && **kind as usize >= config.types) {
            Some(kind) => argument("token type", format!("less than {}", config.types), kind.to_string()),
            None => Ok(()),
        }
    }
}

/// Tokens of one pass, about: enough for the products to run at their best, few enough for what lies between them to stay in the cache.
const TOKENS: usize = 1024;

/// The sequences of each pass by their numbers: of like length, so that no long one is left over for one thread.
pub(super) fn groups(sequences: &[Sequence]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(sequences[i].ids.len()));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut tokens = usize::MAX;
    for i in order {
        let length = sequences[i].ids.len();
        match groups.last_mut() {
            Some(group) if tokens + length <= TOKENS => {
                group.push(i);
                tokens += length;
            }
            _ => {
                groups.push(vec![i]);
                tokens = length;
            }
        }
    }
    groups
}

/// Sequences end to end.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) ids: Vec<u32>,
    /// As many as ids.
    pub(super) types: Vec<u32>,
    /// Where each sequence lies; one after the other, without gaps.
    pub(super) spans: Vec<Range<usize>>,
}

impl Batch {
    pub(super) fn new<'a>(sequences: impl Iterator<Item = &'a Sequence>) -> Self {
        let mut batch = Self::default();
        for sequence in sequences {
            let start = batch.ids.len();
            batch.ids.extend(&sequence.ids);
            batch.types.extend(&sequence.types);
            batch.types.resize(batch.ids.len(), 0);
            batch.spans.push(start..batch.ids.len());
        }
        batch
    }

    pub(super) fn longest(&self) -> usize {
        self.spans.iter().map(ExactSizeIterator::len).max().unwrap_or(0)
    }

    /// The rows of `x [tokens, d]` that belong to first tokens, `[sequences, d]`.
    pub(super) fn firsts(&self, x: &Tensor) -> Result<Tensor> {
        let starts: Vec<u32> = self.spans.iter().map(|span| span.start as u32).collect();
        Ok(x.index_select(&index(starts, x.device())?, 0)?)
    }
}

pub(super) fn index(values: Vec<u32>, device: &Device) -> Result<Tensor> {
    let count = values.len();
    Ok(Tensor::from_vec(values, count, device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_each_sequence_once() {
        let of = |length: usize| Sequence { ids: vec![0; length], types: Vec::new() };
        let sequences: Vec<_> = [500, 1, 2000, 400, 100, 90, 1024].map(of).into();
        assert_eq!(groups(&sequences), [vec![2], vec![6], vec![0, 3, 4], vec![5, 1]]);
        assert!(groups(&[]).is_empty());
    }
}
