//! The KV cache: keys and values of past positions, allocated once and written in place.

use candle_core::{DType, Device, Tensor};

use crate::{Config, Error, Result};

/// Keys and values of `batch` sequences of one common length.
#[derive(Debug)]
pub struct KvCache {
    layers: Vec<Layer>,
    batch: usize,
    len: usize,
    capacity: usize,
}

/// The keys and values of one block: `[b · kv_heads, capacity, head_dim]` each.
#[derive(Debug)]
struct Layer {
    keys: Tensor,
    values: Tensor,
}

/// A block's view of its layer at the current length.
pub(super) struct Slot<'a> {
    layer: &'a Layer,
    batch: usize,
    len: usize,
}

impl KvCache {
    pub(super) fn new(config: &Config, batch: usize, capacity: usize, dtype: DType, device: &Device) -> Result<Self> {
        if batch == 0 || capacity == 0 {
            let got = format!("{batch} sequences of {capacity} positions");
            return Err(Error::Argument { what: "KV cache", expected: "at least one of each".to_owned(), got });
        }
        let values = [batch, capacity, config.kv_width(), 2 * config.layers, dtype.size_in_bytes()];
        crate::device::check_room("KV cache", values.iter().map(|n| *n as u128).product())?;
        let shape = (batch * config.kv_heads, capacity, config.head_dim);
        let layer = || Ok(Layer { keys: Tensor::zeros(shape, dtype, device)?, values: Tensor::zeros(shape, dtype, device)? });
        let layers = (0..config.layers).map(|_| layer()).collect::<Result<_>>()?;
        Ok(Self { layers, batch, len: 0, capacity })
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Positions there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Sequences.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Bytes allocated.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|l| super::tensor_bytes(&l.keys) + super::tensor_bytes(&l.values)).sum()
    }

    /// Forgets all positions from `len` on; a longer `len` than held changes nothing.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(super) fn check_room(&self, batch: usize, more: usize) -> Result<()> {
        if batch != self.batch {
            return Err(Error::Argument { what: "batch", expected: self.batch.to_string(), got: batch.to_string() });
        }
        if more == 0 {
            return Err(Error::Argument { what: "ids", expected: "at least one position".to_owned(), got: "none".to_owned() });
        }
        let needed = self.len + more;
        if needed > self.capacity {
            return Err(Error::CacheFull { capacity: self.capacity, needed });
        }
        Ok(())
    }

    pub(super) fn layers(&mut self) -> impl Iterator<Item = Slot<'_>> {
        self.layers.iter().map(|layer| Slot { layer, batch: self.batch, len: self.len })
    }

    pub(super) fn advance(&mut self, by: usize) {
        self.len += by;
    }
}

impl Slot<'_> {
    /// Writes the keys and values (`[b, kv_heads, t, head_dim]`) of new positions, and gives those of all positions so far,
    /// `[b · kv_heads, s, head_dim]`, where they lie.
    pub(super) fn append(&self, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        let (batch, kv_heads, t, head_dim) = keys.dims4()?;
        let shape = (batch * kv_heads, t, head_dim);
        self.layer.keys.slice_set(&keys.reshape(shape)?, 1, self.len)?;
        self.layer.values.slice_set(&values.reshape(shape)?, 1, self.len)?;
        Ok((self.layer.keys.narrow(1, 0, self.len + t)?, self.layer.values.narrow(1, 0, self.len + t)?))
    }

    /// A copy as `[b, kv_heads, s, head_dim]`.
    pub(super) fn split(&self, kept: &Tensor) -> Result<Tensor> {
        let (rows, s, head_dim) = kept.dims3()?;
        Ok(kept.reshape((self.batch, rows / self.batch, s, head_dim))?)
    }
}
