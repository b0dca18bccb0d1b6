//! Token rows for training: documents end to end, cut to length. A row follows from its number alone.

use adapt::corpus::{Batch, Example};
use anyhow::{Result, anyhow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokenizers::Tokenizer;

use crate::corpus::{Document, Part};

/// Makes rows of one length.
pub(super) struct Rows {
    tokenizer: Tokenizer,
    length: usize,
    report_weight: f32,
}

impl Rows {
    /// Rows of `length` tokens, in which a token of a report counts `report_weight`.
    pub(super) fn new(tokenizer: Tokenizer, length: usize, report_weight: f32) -> Result<Self> {
        anyhow::ensure!(length > 1, "a row needs at least two tokens");
        Ok(Self { tokenizer, length, report_weight })
    }

    /// The rows of one shard: `stream` picks their documents.
    pub(super) fn batch(&self, part: Part, seed: u64, stream: u64, rows: usize) -> Result<Batch> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let rows = (0..rows).map(|_| self.row(part, &mut rng)).collect::<Result<Vec<_>>>()?;
        Ok(Batch::new(&rows.iter().map(|row| vec![row]).collect::<Vec<_>>()))
    }

    /// One token more than the row's inputs: the last target.
    fn row(&self, part: Part, rng: &mut ChaCha8Rng) -> Result<Example> {
        let mut row = Example { ids: Vec::with_capacity(2 * self.length), weights: Vec::with_capacity(2 * self.length) };
        while row.ids.len() <= self.length {
            let document = Document::draw(part, rng);
            let encoding = self.tokenizer.encode(document.text.as_str(), false).map_err(|e| anyhow!("{e}"))?;
            row.ids.extend(encoding.get_ids());
            let weight = |start| if document.report.contains(&start) { self.report_weight } else { 1.0 };
            row.weights.extend(encoding.get_offsets().iter().map(|(start, _)| weight(*start)));
        }
        row.ids.truncate(self.length + 1);
        row.weights.truncate(self.length + 1);
        Ok(row)
    }
}
