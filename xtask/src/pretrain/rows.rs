//! Token rows for training: documents packed into rows of one length, each seeing itself only. A row follows from its number alone.

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
    pub(super) fn batch(&self, seed: u64, stream: u64, rows: usize) -> Result<Batch> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let rows = (0..rows).map(|_| self.row(&mut rng)).collect::<Result<Vec<_>>>()?;
        Ok(Batch::new(&rows.iter().map(|row| row.iter().collect()).collect::<Vec<_>>()))
    }

    /// Held-out documents of every format by its name, one a row; a report counts nothing here.
    pub(super) fn held_out(&self, seed: u64, each: usize) -> Result<Vec<(&'static str, Batch)>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let formats = Document::of_each_format(Part::HeldOut, each, &mut rng);
        let batch = |(name, documents): (&'static str, Vec<Document>)| {
            let examples = documents.iter().map(|document| self.example(document, 0.0)).collect::<Result<Vec<_>>>()?;
            Ok((name, Batch::new(&examples.iter().map(|example| vec![example]).collect::<Vec<_>>())))
        };
        formats.into_iter().map(batch).collect()
    }

    /// Documents of a row, none of which sees another. The last one is cut; a row has one token more than inputs for each.
    fn row(&self, rng: &mut ChaCha8Rng) -> Result<Vec<Example>> {
        let (mut row, mut room) = (Vec::new(), self.length);
        while room > 0 {
            let mut example = self.example(&Document::draw(Part::Train, rng), self.report_weight)?;
            example.ids.truncate(room + 1);
            example.weights.truncate(room + 1);
            room -= example.ids.len() - 1;
            row.push(example);
        }
        Ok(row)
    }

    fn example(&self, document: &Document, report_weight: f32) -> Result<Example> {
        let encoding = self.tokenizer.encode(document.text.as_str(), false).map_err(|e| anyhow!("{e}"))?;
        let weight = |(start, _): &(usize, usize)| if document.report.contains(start) { report_weight } else { 1.0 };
        Ok(Example { ids: encoding.get_ids().to_vec(), weights: encoding.get_offsets().iter().map(weight).collect() })
    }
}
