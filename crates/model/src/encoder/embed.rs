//! Embeddings: of the token, and where the family has them of its position and of which text it belongs to.

use std::ops::Range;

use candle_core::{Device, Tensor};

use super::Config;
use super::batch::{Batch, index};
use super::config::FirstPosition;
use super::norm::Norm;
use crate::{Result, matvec};

#[derive(Debug)]
pub(super) struct Embeddings {
    /// `[vocab, e]`.
    pub(super) words: Tensor,
    /// `[positions, e]`.
    pub(super) positions: Option<Tensor>,
    /// `[types, e]`.
    pub(super) types: Option<Tensor>,
    /// `[hidden, e]`, where e is not the hidden width.
    pub(super) projection: Option<Tensor>,
    pub(super) norm: Norm,
}

impl Embeddings {
    /// `[tokens, hidden]`.
    pub(super) fn forward(&self, batch: &Batch, config: &Config, device: &Device) -> Result<Tensor> {
        let mut x = self.words.index_select(&index(batch.ids.clone(), device)?, 0)?;
        if let Some(table) = &self.positions {
            let positions = batch.spans.iter().flat_map(|span| positions(&batch.ids, span.clone(), config.first_position)).collect();
            x = (x + table.index_select(&index(positions, device)?, 0)?)?;
        }
        if let Some(table) = &self.types {
            // A model of one type was trained with that for both texts, whatever its tokenizer says.
            let types = if config.types > 1 { batch.types.clone() } else { vec![0; batch.ids.len()] };
            x = (x + table.index_select(&index(types, device)?, 0)?)?;
        }
        if let Some(projection) = &self.projection {
            x = matvec::linear(&x, projection)?;
        }
        self.norm.forward(x)
    }
}

fn positions(ids: &[u32], span: Range<usize>, first: FirstPosition) -> Vec<u32> {
    match first {
        FirstPosition::Zero => (0..span.len() as u32).collect(),
        // RoBERTa counts the tokens that are not padding, beginning after the padding's own number.
        FirstPosition::AfterPad(pad) => {
            let mut seen = 0;
            let position = |id: &u32| {
                seen += u32::from(*id != pad);
                if *id == pad { pad } else { pad + seen }
            };
            ids[span].iter().map(position).collect()
        }
    }
}
