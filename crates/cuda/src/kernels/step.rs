//! The kernels of a decode step, each as a function that checks what it is given. Sources: `step.cu`, `gemv.cu`, `attend.cu`.

use super::launch::{Function, Spread, argument};
use super::{Half, Kernels};
use crate::driver::Address;
use crate::{Buffer, Result};

/// A linear layer's weights: `[rows, columns]`, and its bias.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// `[rows, columns]`.
    pub weight: &'a Buffer<u16>,
    /// `[rows]`.
    pub bias: Option<&'a Buffer<u16>>,
}

/// What attention of one token reads and writes.
#[derive(Debug)]
pub struct Attend<'a> {
    /// Where the sequence stands: [`Kernels::embed`].
    pub state: &'a Buffer<i32>,
    /// `[qkv_width]`.
    pub qkv: &'a Buffer<f32>,
    /// `[capacity, head_dim / 2]`.
    pub cos: &'a Buffer<f32>,
    /// `[capacity, head_dim / 2]`.
    pub sin: &'a Buffer<f32>,
    /// `[kv_heads, capacity, head_dim]`.
    pub keys: &'a Buffer<u16>,
    /// `[kv_heads, capacity, head_dim]`.
    pub values: &'a Buffer<u16>,
    /// [`Kernels::parts_len`].
    pub parts: &'a Buffer<f32>,
    /// `[kv_heads]`, zero before and after.
    pub ended: &'a Buffer<u32>,
    /// `[q_width]`.
    pub out: &'a Buffer<f32>,
    /// Positions of the cache.
    pub capacity: usize,
}

/// The argument of every matrix-vector kernel; `Pieces` in `gemv.cu`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Pieces {
    weight: Address,
    bias: Address,
    x: Address,
    gain: Address,
    y: Address,
    largest: Address,
    place: Address,
    rows: i32,
    epsilon: f32,
}

/// One kernel's dimensions.
struct Gemv<'a> {
    function: &'a Function,
    columns: usize,
    /// Rows of the matrix for one of the result.
    factor: usize,
    depth: usize,
}

const THREADS: usize = 512;
const WARPS: usize = THREADS / 32;
/// The first CUDA whose driver keeps such edges when a graph is recorded: 12.3, and 12.4 to be sure.
const EARLY_IN_GRAPHS: (u32, u32) = (12, 4);
/// Columns of a unit.
const CHUNK: usize = 1024;
/// Bytes of shared memory that are left for the sums of a block's units.
pub(super) const SUMS: usize = 12 << 10;

/// Bytes of shared memory for so many units of each warp in flight.
pub(super) fn ring_bytes(depth: usize) -> usize {
    WARPS * depth * CHUNK * size_of::<u16>()
}

impl Kernels {
    /// `x = table[token]`, widened. The state is `[token, position, tokens chosen, 0]`.
    ///
    /// # Errors
    /// When memory has another length than it must, or the driver fails.
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn embed(&self, state: &Buffer<i32>, table: &Buffer<u16>, x: &Buffer<f32>) -> Result<()> {
        let arguments = (state.holds("state", 4)?, table.holds("embedding", self.shape.hidden)?, x.holds("residual", self.shape.hidden)?);
        let mut arguments = [argument(&arguments.0), argument(&arguments.1), argument(&arguments.2)];
        // SAFETY: types and lengths as in step.cu; that the token has a row is the caller's, who writes ids below the vocabulary only, and `choose`,
        // which does the same.
        unsafe { self.functions.embed.launch(self.early([1, 1], 512, 0), &mut arguments) }
    }

    /// Makes the first of the largest logits the state's token, moves its position on, and writes the token down in `chosen` while there is room.
    ///
    /// # Errors
    /// As of [`Kernels::embed`].
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn choose(&self, state: &Buffer<i32>, largest: &Buffer<f32>, place: &Buffer<i32>, chosen: &Buffer<i32>) -> Result<()> {
        let blocks = self.blocks(usize::MAX) as usize;
        let addresses = (state.holds("state", 4)?, largest.holds("largest", blocks)?, place.holds("places", blocks)?, chosen.address());
        let (blocks, room) = (blocks as i32, chosen.len() as i32);
        let mut arguments = [
            argument(&addresses.0),
            argument(&addresses.1),
            argument(&addresses.2),
            argument(&blocks),
            argument(&addresses.3),
            argument(&room),
        ];
        // SAFETY: types and lengths as in step.cu.
        unsafe { self.functions.choose.launch(self.early([1, 1], 32, 0), &mut arguments) }
    }

    /// `y = W (norm(x) · gain) + bias`, of queries, keys and values.
    ///
    /// # Errors
    /// As of [`Kernels::embed`].
    pub fn qkv(&self, product: Product, gain: &Buffer<u16>, epsilon: f32, x: &Buffer<f32>, y: &Buffer<f32>) -> Result<()> {
        let kernel = Gemv { function: &self.functions.gemv_qkv, columns: self.shape.hidden, factor: 1, depth: self.tuning.depths[0] };
        let pieces = Pieces { gain: gain.holds("gain", self.shape.hidden)?, epsilon, ..Pieces::default() };
        self.gemv(&kernel, product, self.shape.qkv_width(), x, y, pieces)
    }

    /// `y += W x + bias`, of attention's output.
    ///
    /// # Errors
    /// As of [`Kernels::embed`].
    pub fn out(&self, product: Product, x: &Buffer<f32>, y: &Buffer<f32>) -> Result<()> {
        let kernel = Gemv { function: &self.functions.gemv_out, columns: self.shape.q_width(), factor: 1, depth: self.tuning.depths[1] };
        self.gemv(&kernel, product, self.shape.hidden, x, y, Pieces::default())
    }

    /// `y = silu(G n + b) · (U n + c)` for `n = norm(x) · gain`; the matrix has the rows of G and then those of U.
    ///
    /// # Errors
    /// As of [`Kernels::embed`].
    pub fn gate_up(&self, product: Product, gain: &Buffer<u16>, epsilon: f32, x: &Buffer<f32>, y: &Buffer<f32>) -> Result<()> {
        let kernel = Gemv { function: &self.functions.gemv_gate_up, columns: self.shape.hidden, factor: 2, depth: self.tuning.depths[2] };
        let pieces = Pieces { gain: gain.holds("gain", self.shape.hidden)?, epsilon, ..Pieces::default() };
        self.gemv(&kernel, product, self.shape.intermediate, x, y, pieces)
    }

    /// `y += W x + bias`, of the feed-forward block's output.
    ///
    /// # Errors
    /// As of [`Kernels::embed`].
    pub fn down(&self, product: Product, x: &Buffer<f32>, y: &Buffer<f32>) -> Result<()> {
        let kernel =
            Gemv { function: &self.functions.gemv_down, columns: self.shape.intermediate, factor: 1, depth: self.tuning.depths[3] };
        self.gemv(&kernel, product, self.shape.hidden, x, y, Pieces::default())
    }

    /// The logits, and of each block's share the largest and its place, for [`Kernels::choose`].
    ///
    /// # Errors
    /// As of [`Kernels::embed`].
    #[expect(clippy::too_many_arguments, reason = "five are memory of different meaning, and a structure would name them a second time")]
    pub fn head(
        &self,
        product: Product,
        gain: &Buffer<u16>,
        epsilon: f32,
        x: (&Buffer<f32>, usize),
        logits: &Buffer<f32>,
        largest: &Buffer<f32>,
        place: &Buffer<i32>,
    ) -> Result<()> {
        let kernel = Gemv { function: &self.functions.gemv_head, columns: self.shape.hidden, factor: 1, depth: self.tuning.depths[4] };
        let blocks = self.blocks(usize::MAX) as usize;
        let pieces = Pieces {
            gain: gain.holds("gain", self.shape.hidden)?,
            epsilon,
            largest: largest.holds("largest", blocks)?,
            place: place.holds("places", blocks)?,
            ..Pieces::default()
        };
        let (rows, from) = (logits.len(), x.1 * self.shape.hidden);
        x.0.holds("residual", from + self.shape.hidden)?;
        self.gemv_at(&kernel, product, rows, x.0.address_at(from), logits, pieces)
    }

    /// Attention of the state's token: it turns queries and the new key, puts key and value into the cache, and sums up over all positions.
    ///
    /// # Errors
    /// As of [`Kernels::embed`].
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn attend(&self, a: &Attend) -> Result<()> {
        let shape = &self.shape;
        let angles = a.capacity * shape.head_dim / 2;
        let cache = a.capacity * shape.kv_width();
        let addresses = [
            a.state.holds("state", 4)?,
            a.qkv.holds("queries, keys and values", shape.qkv_width())?,
            a.cos.holds("cosines", angles)?,
            a.sin.holds("sines", angles)?,
            a.keys.holds("keys", cache)?,
            a.values.holds("values", cache)?,
            a.parts.holds("parts", self.parts_len())?,
            a.out.holds("attention's output", shape.q_width())?,
            a.ended.holds("counters", shape.kv_heads)?,
        ];
        let capacity = a.capacity as i32;
        let mut arguments: Vec<_> = addresses.iter().map(argument).chain([argument(&capacity)]).collect();
        let grid = [self.tuning.splits as u32, shape.kv_heads as u32];
        // SAFETY: types and lengths as in attend.cu; that the position is below the capacity is the caller's, who owns the state.
        unsafe { self.functions.attend.launch(self.early(grid, 256, 0), &mut arguments) }
    }

    /// Values that attention's blocks hand to one another.
    pub fn parts_len(&self) -> usize {
        self.shape.heads * self.tuning.splits * (self.shape.head_dim + 2)
    }

    /// Blocks of a product with so many rows.
    pub fn blocks(&self, rows: usize) -> u32 {
        (self.gpu.facts().multiprocessors as usize).min(rows) as u32
    }

    /// Values drawn from a seed, uniform within ±bound.
    ///
    /// # Errors
    /// When the driver fails.
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn fill_drawn(&self, to: &mut Buffer<u16>, seed: u32, bound: f32) -> Result<()> {
        let (address, count) = (to.address(), to.len() as i64);
        let mut arguments = [argument(&address), argument(&count), argument(&seed), argument(&bound)];
        // SAFETY: types and lengths as in fill.cu.
        unsafe { self.functions.fill_drawn.launch(self.wide(), &mut arguments) }
    }

    /// One value everywhere.
    ///
    /// # Errors
    /// When the driver fails.
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn fill_with(&self, to: &mut Buffer<u16>, value: f32) -> Result<()> {
        let (address, count) = (to.address(), to.len() as i64);
        let mut arguments = [argument(&address), argument(&count), argument(&value)];
        // SAFETY: types and lengths as in fill.cu.
        unsafe { self.functions.fill_with.launch(self.wide(), &mut arguments) }
    }

    /// The format of 16-bit values.
    pub fn half(&self) -> Half {
        self.shape.half
    }

    fn gemv(&self, kernel: &Gemv, product: Product, rows: usize, x: &Buffer<f32>, y: &Buffer<f32>, pieces: Pieces) -> Result<()> {
        let x = x.holds("input", kernel.columns)?;
        self.gemv_at(kernel, product, rows, x, y, pieces)
    }

    #[expect(unsafe_code, reason = "launching a kernel")]
    fn gemv_at(&self, kernel: &Gemv, product: Product, rows: usize, x: Address, y: &Buffer<f32>, pieces: Pieces) -> Result<()> {
        let matrix_rows = rows * kernel.factor;
        let pieces = Pieces {
            weight: product.weight.holds("weight", matrix_rows * kernel.columns)?,
            bias: product.bias.map(|bias| bias.holds("bias", matrix_rows)).transpose()?.unwrap_or(0),
            x,
            y: y.holds("output", rows)?,
            rows: rows as i32,
            ..pieces
        };
        let blocks = self.blocks(usize::MAX);
        let units = rows.div_ceil(blocks as usize) * kernel.factor * kernel.columns.div_ceil(CHUNK);
        let ring = if self.gpu.facts().capability >= (8, 0) { ring_bytes(kernel.depth) } else { 0 };
        let shared = kernel.columns * 4 + units.next_multiple_of(4) * 4 + ring;
        // SAFETY: types and lengths as in gemv.cu; input lengths were checked by the callers.
        unsafe { kernel.function.launch(self.early([blocks, 1], THREADS as u32, shared as u32), &mut [argument(&pieces)]) }
    }

    fn early(&self, grid: [u32; 2], threads: u32, shared_bytes: u32) -> Spread {
        let facts = self.gpu.facts();
        let early = self.tuning.programmatic && facts.capability >= (9, 0) && facts.driver >= EARLY_IN_GRAPHS;
        Spread { grid, threads, shared_bytes, early }
    }

    /// Enough threads for the whole GPU, for kernels that go over everything.
    pub(super) fn wide(&self) -> Spread {
        Spread { grid: [self.gpu.facts().multiprocessors * 4, 1], threads: 512, shared_bytes: 0, early: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_has_the_layout_of_the_source() {
        assert_eq!(size_of::<Pieces>(), 64);
        assert_eq!(std::mem::offset_of!(Pieces, rows), 56);
    }
}
