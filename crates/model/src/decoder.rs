//! The decoder: one stack of blocks for both families, for inference with a KV cache and for training without one.
//!
//! What a family has of its own is data in [`crate::arch`]; how weights are stored is [`Linear`]'s business. Not here: text,
//! sampling, loops over steps.

mod attend;
mod block;
mod cache;
mod embedding;
mod load;
pub(crate) mod names;
mod positions;
mod random;

use candle_core::{DType, Device, Tensor, Var};

pub use cache::KvCache;
pub use load::{Base, Compute, LoadOptions};
pub(crate) use load::{Source, Weight};
pub use names::tensors;
pub use positions::Positions;
pub(crate) use random::Random;

use block::Block;
use embedding::Embedding;

use crate::{Config, Error, Linear, Result, ops};

/// A decoder-only language model.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: Tensor,
    /// `None` when the embedding is the head.
    head: Option<Linear>,
    frequencies: Vec<f32>,
    device: Device,
    dtype: DType,
}

impl Decoder {
    /// The model's shape and constants.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where its tensors are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Number format of activations and of the KV cache; dense weights may be narrower.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Logical bytes held for weights, adapters included: what the formats need, not what an engine keeps beside them (candle's repacked
    /// tiles of quantised weights come on top and are not counted here).
    pub fn weight_bytes(&self) -> u64 {
        let linears: u64 = self.blocks.iter().flat_map(Block::linears).map(|(_, linear)| linear.weight_bytes()).sum();
        let norms: u64 = self.blocks.iter().flat_map(Block::norms).map(|(_, norm)| tensor_bytes(norm)).sum();
        let head = self.head.as_ref().map_or(0, Linear::weight_bytes);
        self.embedding.weight_bytes() + linears + norms + tensor_bytes(&self.norm) + head
    }

    /// An empty cache for `batch` sequences of up to `capacity` positions, allocated at once.
    ///
    /// # Errors
    /// When batch or capacity is zero, or the memory cannot be had.
    pub fn new_cache(&self, batch: usize, capacity: usize) -> Result<KvCache> {
        KvCache::new(&self.config, batch, capacity, self.dtype, &self.device)
    }

    /// Runs `ids` (`[b, t]`, u32) after what the cache holds, and gives the f32 logits of the last position, `[b, vocab]`.
    ///
    /// # Errors
    /// When the cache is too small or of another batch, an id is outside the vocabulary, or an operation fails. The cache is then as it
    /// was before.
    pub fn forward(&self, ids: &Tensor, cache: &mut KvCache) -> Result<Tensor> {
        let (batch, length) = ids.dims2()?;
        cache.check_room(batch, length)?;
        // Within the pool a parallel loop costs no change of threads; a token has some sixty of them.
        rayon::scope(|_| self.forward_in_pool(ids, cache))
    }

    fn forward_in_pool(&self, ids: &Tensor, cache: &mut KvCache) -> Result<Tensor> {
        let length = ids.dim(1)?;
        let x = self.run_blocks(ids, cache)?;
        let last = x.narrow(1, length - 1, 1)?.contiguous()?;
        let logits = self.logits(&last)?.squeeze(1)?.to_dtype(DType::F32)?;
        cache.advance(length);
        Ok(logits)
    }

    /// Runs `ids` (`[b, t]`, u32) after what the cache holds, and gives what the last block makes of each of them, `[b, t, d]`, for
    /// [`Decoder::logits`] of the positions that are wanted: those of all would be `vocab / d` times as large.
    ///
    /// # Errors
    /// Those of [`Decoder::forward`].
    pub fn hidden(&self, ids: &Tensor, cache: &mut KvCache) -> Result<Tensor> {
        let (batch, length) = ids.dims2()?;
        cache.check_room(batch, length)?;
        let hidden = rayon::scope(|_| self.run_blocks(ids, cache))?;
        cache.advance(length);
        Ok(hidden)
    }

    /// All blocks, which write into the cache and leave its length as it is.
    fn run_blocks(&self, ids: &Tensor, cache: &mut KvCache) -> Result<Tensor> {
        let positions = Positions::causal(&self.frequencies, ids.dim(1)?, cache.len(), &self.device, self.dtype)?;
        let mut x = self.embed(ids)?;
        for (block, layer) in self.blocks.iter().zip(cache.layers()) {
            x = block.forward(&x, &positions, Some(layer))?;
        }
        Ok(x)
    }

    /// Rows of the embedding for `ids` (`[b, t]`, u32): `[b, t, d]`.
    ///
    /// # Errors
    /// When an id is outside the vocabulary.
    pub fn embed(&self, ids: &Tensor) -> Result<Tensor> {
        self.embedding.forward(ids, self.dtype)
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Runs block `index` on `x` (`[b, t, d]`) without a cache.
    ///
    /// # Errors
    /// When there is no such block, or an operation fails.
    pub fn block(&self, index: usize, x: &Tensor, positions: &Positions) -> Result<Tensor> {
        let block = self.blocks.get(index).ok_or_else(|| Error::Argument {
            what: "block index",
            expected: format!("less than {}", self.blocks.len()),
            got: index.to_string(),
        })?;
        block.forward(x, positions, None)
    }

    /// Final norm and output head: `[b, t, d]` to `[b, t, vocab]`.
    ///
    /// # Errors
    /// When an operation fails.
    pub fn logits(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.final_norm(x)?;
        match &self.head {
            Some(head) => head.forward(&x),
            None => self.embedding.as_head(&x),
        }
    }

    /// The final norm alone: `[b, t, d]` to `[b, t, d]`, for losses that take the head's weights themselves.
    ///
    /// # Errors
    /// When an operation fails.
    pub fn final_norm(&self, x: &Tensor) -> Result<Tensor> {
        Ok(ops::rms_norm(x, &self.norm, self.config.rms_norm_eps)?)
    }

    /// The output head's weight, `[vocab, d]` (the embedding's when they are tied), for [`ops::linear_cross_entropy`]; `None` when it is
    /// quantised, and only [`Decoder::logits`] applies it.
    pub fn head_weight(&self) -> Option<&Tensor> {
        match (&self.head, &self.embedding) {
            (Some(Linear::Dense { weight, bias: None }), _) | (None, Embedding::Dense(weight)) => Some(weight),
            _ => None,
        }
    }

    /// Positions 0 to `length` with a causal mask, for [`Decoder::block`].
    ///
    /// # Errors
    /// When an operation fails.
    pub fn positions(&self, length: usize) -> Result<Positions> {
        Positions::causal(&self.frequencies, length, 0, &self.device, self.dtype)
    }

    /// Several short sequences in each row (packing): positions start again at each, and none sees another. `rows` holds the lengths of
    /// the sequences of each row; what is left of `length` is padding, which sees itself only.
    ///
    /// # Errors
    /// When the sequences of a row are longer than `length`.
    pub fn packed_positions(&self, rows: &[Vec<usize>], length: usize) -> Result<Positions> {
        Positions::packed(&self.frequencies, rows, length, &self.device, self.dtype)
    }

    /// The linear layers of the blocks by name (`model.layers.0.self_attn.q_proj`), for attaching adapters.
    pub fn linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let blocks = self.blocks.iter_mut().enumerate();
        blocks.flat_map(|(i, block)| block.linears_mut().map(move |(name, l)| (names::in_block(i, name), l))).collect()
    }

    /// The dense weights by their Hugging Face names, a tied head once. Quantised and NF4 weights are not among them.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let mut named = Vec::new();
        if let Embedding::Dense(weight) = &self.embedding {
            named.push((names::EMBEDDING.to_owned(), weight.clone()));
        }
        for (i, block) in self.blocks.iter().enumerate() {
            for (name, norm) in block.norms() {
                named.push((format!("{}.weight", names::in_block(i, name)), norm.clone()));
            }
            for (name, linear) in block.linears() {
                push_dense(&mut named, &names::in_block(i, name), linear);
            }
        }
        named.push((names::NORM.to_owned(), self.norm.clone()));
        if let Some(head) = &self.head {
            push_dense(&mut named, names::HEAD, head);
        }
        named
    }

    /// Makes every dense weight a variable, for training the whole model, and gives them by name.
    ///
    /// # Errors
    /// [`Error::Untrainable`] when a weight is not dense in the arithmetic's own format.
    pub fn train_all(&mut self) -> Result<Vec<(String, Var)>> {
        let mut vars = Vec::new();
        self.embedding.train(names::EMBEDDING, self.dtype, &mut vars)?;
        for (i, block) in self.blocks.iter_mut().enumerate() {
            for (name, norm) in block.norms_mut() {
                train(&format!("{}.weight", names::in_block(i, name)), norm, self.dtype, &mut vars)?;
            }
            for (name, linear) in block.linears_mut() {
                linear.train(&names::in_block(i, name), self.dtype, &mut vars)?;
            }
        }
        train(names::NORM, &mut self.norm, self.dtype, &mut vars)?;
        if let Some(head) = &mut self.head {
            head.train(names::HEAD, self.dtype, &mut vars)?;
        }
        Ok(vars)
    }
}

/// Puts a variable in a weight's place.
pub(crate) fn train(name: &str, weight: &mut Tensor, dtype: DType, vars: &mut Vec<(String, Var)>) -> Result<()> {
    if weight.dtype() != dtype {
        return Err(Error::Untrainable { name: name.to_owned(), kind: "16-bit", action: "be trained as a whole" });
    }
    let var = Var::from_tensor(weight)?;
    *weight = var.as_tensor().clone();
    vars.push((name.to_owned(), var));
    Ok(())
}

fn push_dense(named: &mut Vec<(String, Tensor)>, name: &str, linear: &Linear) {
    if let Linear::Dense { weight, bias } = linear.base() {
        named.push((format!("{name}.weight"), weight.clone()));
        if let Some(bias) = bias {
            named.push((format!("{name}.bias"), bias.clone()));
        }
    }
}

pub(crate) fn tensor_bytes(tensor: &Tensor) -> u64 {
    (tensor.elem_count() * tensor.dtype().size_in_bytes()) as u64
}
