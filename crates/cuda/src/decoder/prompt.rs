//! A prompt: all its tokens in one pass, products by cuBLASLt, in pieces when it is long.

use crate::kernels::{AttendRows, TurnRows};
use crate::matmul::Into;
use crate::{Buffer, Result, Sequence};

/// Tokens run at once.
const PIECE: usize = 1024;

/// What a piece works in.
#[derive(Debug)]
pub(super) struct Rows {
    tokens: Buffer<i32>,
    x: Buffer<f32>,
    normed: Buffer<u16>,
    qkv: Buffer<f32>,
    q: Buffer<u16>,
    attended: Buffer<u16>,
    gate_up: Buffer<u16>,
    inner: Buffer<u16>,
}

impl Sequence {
    /// Appends `ids`, which were checked; the logits after the last one stay on the GPU.
    pub(super) fn prompt(&mut self, ids: &[u32]) -> Result<()> {
        let rows = match self.rows.take() {
            Some(rows) => rows,
            None => Rows::new(self)?,
        };
        let ran = self.pieces(ids, rows);
        self.rows = Some(ran?);
        Ok(())
    }

    fn pieces(&mut self, ids: &[u32], mut rows: Rows) -> Result<Rows> {
        let mut last = 0;
        for piece in ids.chunks(PIECE) {
            let tokens: Vec<i32> = piece.iter().map(|id| id.cast_signed()).collect();
            rows.tokens.write(0, &tokens)?;
            self.piece(piece.len(), &rows)?;
            self.length += piece.len();
            last = piece.len() - 1;
        }
        let super::Inner { config, kernels, weights, .. } = self.decoder.0.as_ref();
        let epsilon = config.rms_norm_eps as f32;
        kernels.head(weights.head(), &weights.norm, epsilon, (&rows.x, last), &self.logits, &self.largest, &self.place)?;
        Ok(rows)
    }

    fn piece(&self, count: usize, r: &Rows) -> Result<()> {
        let super::Inner { config, kernels, weights, matmul } = self.decoder.0.as_ref();
        let shape = kernels.shape();
        let (d, ff) = (shape.hidden, shape.intermediate);
        let epsilon = config.rms_norm_eps as f32;
        let (position, capacity) = (self.length, self.capacity);
        kernels.embed_rows(&r.tokens, count, &weights.embedding, &r.x)?;
        for (layer, cache) in weights.layers.iter().zip(&self.caches) {
            let (qkv, out, gate_up, down) = (layer.qkv.product(), layer.out.product(), layer.gate_up.product(), layer.down.product());
            kernels.norm_rows(&r.x, &layer.norm, &r.normed, count, epsilon)?;
            matmul.multiply(qkv.weight, &r.normed, Into::Wide(&r.qkv), (count, shape.qkv_width(), d))?;
            kernels.turn_rows(&TurnRows {
                qkv: &r.qkv,
                bias: qkv.bias,
                cos: &self.cos,
                sin: &self.sin,
                q: &r.q,
                keys: &cache.keys,
                values: &cache.values,
                rows: count,
                position,
                capacity,
            })?;
            let (keys, values) = (&cache.keys, &cache.values);
            kernels.attend_rows(&AttendRows { q: &r.q, keys, values, out: &r.attended, rows: count, position, capacity })?;
            matmul.multiply(out.weight, &r.attended, Into::Add(&r.x), (count, d, shape.q_width()))?;
            if let Some(bias) = out.bias {
                kernels.bias_rows(&r.x, bias, count)?;
            }
            kernels.norm_rows(&r.x, &layer.second_norm, &r.normed, count, epsilon)?;
            matmul.multiply(gate_up.weight, &r.normed, Into::Narrow(&r.gate_up), (count, 2 * ff, d))?;
            kernels.swiglu_rows(&r.gate_up, gate_up.bias, &r.inner, count)?;
            matmul.multiply(down.weight, &r.inner, Into::Add(&r.x), (count, d, ff))?;
            if let Some(bias) = down.bias {
                kernels.bias_rows(&r.x, bias, count)?;
            }
        }
        Ok(())
    }
}

impl Rows {
    fn new(sequence: &Sequence) -> Result<Self> {
        let gpu = sequence.decoder.gpu();
        let shape = sequence.decoder.0.kernels.shape();
        let rows = PIECE.min(sequence.capacity);
        Ok(Self {
            tokens: Buffer::new(gpu, rows)?,
            x: Buffer::new(gpu, rows * shape.hidden)?,
            normed: Buffer::new(gpu, rows * shape.hidden)?,
            qkv: Buffer::new(gpu, rows * shape.qkv_width())?,
            q: Buffer::new(gpu, rows * shape.q_width())?,
            attended: Buffer::new(gpu, rows * shape.q_width())?,
            gate_up: Buffer::new(gpu, rows * 2 * shape.intermediate)?,
            inner: Buffer::new(gpu, rows * shape.intermediate)?,
        })
    }
}
