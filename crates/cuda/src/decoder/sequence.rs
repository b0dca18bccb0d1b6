//! One sequence: its KV cache, and a decode step as a graph that serves every position.

use crate::graph::Graph;
use crate::kernels::Attend;
use crate::{Buffer, Decoder, Error, Result};

use super::prompt::Rows;

/// A sequence with its own KV cache.
#[derive(Debug)]
pub struct Sequence {
    pub(super) decoder: Decoder,
    pub(super) caches: Vec<Cache>,
    pub(super) cos: Buffer<f32>,
    pub(super) sin: Buffer<f32>,
    pub(super) length: usize,
    pub(super) capacity: usize,
    pub(super) logits: Buffer<f32>,
    pub(super) largest: Buffer<f32>,
    pub(super) place: Buffer<i32>,
    state: Buffer<i32>,
    scratch: Scratch,
    chosen: Buffer<i32>,
    pub(super) rows: Option<Rows>,
    /// A step and the choice of the next token; recorded at the first use.
    graph: Option<Graph>,
}

/// Keys and values of a block: `[kv_heads, capacity, head_dim]` each.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) keys: Buffer<u16>,
    pub(super) values: Buffer<u16>,
}

/// What a step works in.
#[derive(Debug)]
struct Scratch {
    x: Buffer<f32>,
    qkv: Buffer<f32>,
    parts: Buffer<f32>,
    ended: Buffer<u32>,
    attended: Buffer<f32>,
    inner: Buffer<f32>,
}

impl Sequence {
    pub(super) fn new(decoder: Decoder, capacity: usize) -> Result<Self> {
        let gpu = decoder.gpu().clone();
        let kernels = &decoder.0.kernels;
        let shape = *kernels.shape();
        let frequencies = decoder.config().rope_frequencies();
        let angles = (0..capacity).flat_map(|p| frequencies.iter().map(move |f| p as f32 * f));
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.map(|a| (a.cos(), a.sin())).unzip();
        let cache = || -> Result<Cache> {
            let len = capacity * shape.kv_width();
            Ok(Cache { keys: Buffer::zeros(&gpu, len)?, values: Buffer::zeros(&gpu, len)? })
        };
        let blocks = kernels.blocks(usize::MAX) as usize;
        Ok(Self {
            caches: (0..decoder.config().layers).map(|_| cache()).collect::<Result<_>>()?,
            cos: Buffer::of(&gpu, &cos)?,
            sin: Buffer::of(&gpu, &sin)?,
            length: 0,
            capacity,
            logits: Buffer::zeros(&gpu, decoder.config().vocab)?,
            largest: Buffer::zeros(&gpu, blocks)?,
            place: Buffer::zeros(&gpu, blocks)?,
            state: Buffer::zeros(&gpu, 4)?,
            scratch: Scratch {
                x: Buffer::zeros(&gpu, shape.hidden)?,
                qkv: Buffer::zeros(&gpu, shape.qkv_width())?,
                parts: Buffer::zeros(&gpu, kernels.parts_len())?,
                ended: Buffer::zeros(&gpu, shape.kv_heads)?,
                attended: Buffer::zeros(&gpu, shape.q_width())?,
                inner: Buffer::zeros(&gpu, shape.intermediate)?,
            },
            chosen: Buffer::zeros(&gpu, capacity)?,
            rows: None,
            graph: None,
            decoder,
        })
    }

    /// Tokens in the cache.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes of its KV cache.
    pub fn kv_bytes(&self) -> u64 {
        self.caches.iter().map(|cache| cache.keys.bytes() + cache.values.bytes()).sum()
    }

    /// Forgets all tokens after the first `length`.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Appends `ids` and gives the logits after the last one.
    ///
    /// # Errors
    /// When they do not fit, an id is outside the vocabulary, there is none, or the GPU fails.
    pub fn step(&mut self, ids: &[u32]) -> Result<Vec<f32>> {
        self.run(ids)?;
        self.logits.read()
    }

    /// Appends `ids`, and then `count` greedy tokens, which it gives back. The GPU chooses them, the host does not wait between them; the last
    /// of them is chosen and not appended.
    ///
    /// # Errors
    /// As of [`Sequence::step`].
    pub fn greedy(&mut self, ids: &[u32], count: usize) -> Result<Vec<u32>> {
        self.room(ids.len() + count.saturating_sub(1))?;
        if count == 0 {
            return Ok(Vec::new());
        }
        self.run(ids)?;
        let (decoder, position) = (self.decoder.clone(), self.length as i32);
        if ids.len() > 1 {
            // A prompt ends with logits; a step of one token chooses by itself.
            self.state.write(0, &[0, position - 1, 0, 0])?;
            decoder.0.kernels.choose(&self.state, &self.largest, &self.place, &self.chosen)?;
        }
        for _ in 1..count {
            self.graph()?.replay()?;
        }
        self.length += count - 1;
        let mut chosen = vec![0; count];
        self.chosen.read_into(0, &mut chosen)?;
        Ok(chosen.into_iter().map(i32::cast_unsigned).collect())
    }

    /// Appends `ids`; the logits after them stay on the GPU.
    fn run(&mut self, ids: &[u32]) -> Result<()> {
        self.room(ids.len())?;
        let vocabulary = self.decoder.config().vocab;
        if let Some(id) = ids.iter().find(|id| **id as usize >= vocabulary) {
            return Err(Error::Token { id: *id, vocabulary });
        }
        match ids {
            [] => Err(Error::Length { what: "the prompt", expected: 1, got: 0 }),
            [id] => {
                self.state.write(0, &[id.cast_signed(), self.length as i32, 0, 0])?;
                self.graph()?.replay()?;
                self.length += 1;
                Ok(())
            }
            _ => self.prompt(ids),
        }
    }

    fn room(&self, wanted: usize) -> Result<()> {
        if self.length + wanted > self.capacity {
            return Err(Error::Full { wanted, length: self.length, capacity: self.capacity });
        }
        Ok(())
    }

    fn graph(&mut self) -> Result<&Graph> {
        if self.graph.is_none() {
            let graph = Graph::record(self.decoder.gpu(), || self.kernels_of_a_step())?;
            self.graph = Some(graph);
        }
        Ok(self.graph.as_ref().expect("it was just recorded"))
    }

    /// Hands the kernels of one step to the GPU: the state's token through all blocks, its logits, and the choice of the next.
    fn kernels_of_a_step(&self) -> Result<()> {
        let super::Inner { config, kernels, weights, .. } = self.decoder.0.as_ref();
        let s = &self.scratch;
        let epsilon = config.rms_norm_eps as f32;
        kernels.embed(&self.state, &weights.embedding, &s.x)?;
        for (layer, cache) in weights.layers.iter().zip(&self.caches) {
            kernels.qkv(layer.qkv.product(), &layer.norm, epsilon, &s.x, &s.qkv)?;
            kernels.attend(&Attend {
                state: &self.state,
                qkv: &s.qkv,
                cos: &self.cos,
                sin: &self.sin,
                keys: &cache.keys,
                values: &cache.values,
                parts: &s.parts,
                ended: &s.ended,
                out: &s.attended,
                capacity: self.capacity,
            })?;
            kernels.out(layer.out.product(), &s.attended, &s.x)?;
            kernels.gate_up(layer.gate_up.product(), &layer.second_norm, epsilon, &s.x, &s.inner)?;
            kernels.down(layer.down.product(), &s.inner, &s.x)?;
        }
        kernels.head(weights.head(), &weights.norm, epsilon, (&s.x, 0), &self.logits, &self.largest, &self.place)?;
        kernels.choose(&self.state, &self.largest, &self.place, &self.chosen)
    }
}
