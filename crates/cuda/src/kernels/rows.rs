//! The kernels of a prompt, each as a function that checks what it is given. Source: `rows.cu`.

use super::Kernels;
use super::launch::{Spread, argument};
use crate::{Buffer, Result};

/// What turning a prompt's queries and keys reads and writes.
#[derive(Debug)]
pub struct TurnRows<'a> {
    /// `[rows, qkv_width]`.
    pub qkv: &'a Buffer<f32>,
    /// `[qkv_width]`.
    pub bias: Option<&'a Buffer<u16>>,
    /// `[capacity, head_dim / 2]`.
    pub cos: &'a Buffer<f32>,
    /// `[capacity, head_dim / 2]`.
    pub sin: &'a Buffer<f32>,
    /// `[rows, q_width]`.
    pub q: &'a Buffer<u16>,
    /// `[kv_heads, capacity, head_dim]`.
    pub keys: &'a Buffer<u16>,
    /// `[kv_heads, capacity, head_dim]`.
    pub values: &'a Buffer<u16>,
    /// Rows of the prompt.
    pub rows: usize,
    /// Where the first of them stands.
    pub position: usize,
    /// Positions of the cache.
    pub capacity: usize,
}

/// What attention of a prompt reads and writes.
#[derive(Debug)]
pub struct AttendRows<'a> {
    /// `[rows, q_width]`.
    pub q: &'a Buffer<u16>,
    /// `[kv_heads, capacity, head_dim]`.
    pub keys: &'a Buffer<u16>,
    /// `[kv_heads, capacity, head_dim]`.
    pub values: &'a Buffer<u16>,
    /// `[rows, q_width]`.
    pub out: &'a Buffer<u16>,
    /// Rows of the prompt.
    pub rows: usize,
    /// Where the first of them stands.
    pub position: usize,
    /// Positions of the cache.
    pub capacity: usize,
}

/// Queries of a block of attention.
const TILE: usize = 64;

impl Kernels {
    /// The tokens' rows of the table, widened. Every id is below the number of rows: the caller's to check.
    ///
    /// # Errors
    /// When memory has another length than it must, or the driver fails.
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn embed_rows(&self, tokens: &Buffer<i32>, rows: usize, table: &Buffer<u16>, x: &Buffer<f32>) -> Result<()> {
        let addresses = (tokens.holds("tokens", rows)?, table.address(), x.holds("residual", rows * self.shape.hidden)?);
        let mut arguments = [argument(&addresses.0), argument(&addresses.1), argument(&addresses.2)];
        // SAFETY: types and lengths as in rows.cu, and ids as said above.
        unsafe { self.functions.embed_rows.launch(plain(rows, 1, 256, 0), &mut arguments) }
    }

    /// `y = norm(x) · gain` of each row, narrowed.
    ///
    /// # Errors
    /// As of [`Kernels::embed_rows`].
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn norm_rows(&self, x: &Buffer<f32>, gain: &Buffer<u16>, y: &Buffer<u16>, rows: usize, epsilon: f32) -> Result<()> {
        let all = rows * self.shape.hidden;
        let addresses = (x.holds("residual", all)?, gain.holds("gain", self.shape.hidden)?, y.holds("normed", all)?);
        let mut arguments = [argument(&addresses.0), argument(&addresses.1), argument(&addresses.2), argument(&epsilon)];
        // SAFETY: types and lengths as in rows.cu.
        unsafe { self.functions.norm_rows.launch(plain(rows, 1, 256, 0), &mut arguments) }
    }

    /// Adds the bias, turns queries and keys, narrows queries to `q`, and puts keys and values into the cache.
    ///
    /// # Errors
    /// As of [`Kernels::embed_rows`].
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn turn_rows(&self, t: &TurnRows) -> Result<()> {
        let shape = &self.shape;
        let (cache, angles) = (t.capacity * shape.kv_width(), t.capacity * shape.head_dim / 2);
        check_room(t.position, t.rows, t.capacity)?;
        let addresses = [
            t.qkv.holds("queries, keys and values", t.rows * shape.qkv_width())?,
            t.bias.map(|bias| bias.holds("bias", shape.qkv_width())).transpose()?.unwrap_or(0),
            t.cos.holds("cosines", angles)?,
            t.sin.holds("sines", angles)?,
            t.q.holds("queries", t.rows * shape.q_width())?,
            t.keys.holds("keys", cache)?,
            t.values.holds("values", cache)?,
        ];
        let (position, capacity) = (t.position as i32, t.capacity as i32);
        let mut arguments: Vec<_> = addresses.iter().map(argument).chain([argument(&position), argument(&capacity)]).collect();
        // SAFETY: types and lengths as in rows.cu.
        unsafe { self.functions.turn_rows.launch(plain(t.rows, 1, 256, 0), &mut arguments) }
    }

    /// `silu(gate) · up` of each row, narrowed; rows of `gate_up` are gates and then ups.
    ///
    /// # Errors
    /// As of [`Kernels::embed_rows`].
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn swiglu_rows(&self, gate_up: &Buffer<u16>, bias: Option<&Buffer<u16>>, y: &Buffer<u16>, rows: usize) -> Result<()> {
        let width = self.shape.intermediate;
        let bias = bias.map(|bias| bias.holds("bias", 2 * width)).transpose()?.unwrap_or(0);
        let addresses = (gate_up.holds("gates and ups", 2 * rows * width)?, y.holds("output", rows * width)?);
        let rows = rows as i32;
        let mut arguments = [argument(&addresses.0), argument(&bias), argument(&addresses.1), argument(&rows)];
        // SAFETY: types and lengths as in rows.cu.
        unsafe { self.functions.swiglu_rows.launch(self.wide(), &mut arguments) }
    }

    /// `x += bias` of each row.
    ///
    /// # Errors
    /// As of [`Kernels::embed_rows`].
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn bias_rows(&self, x: &Buffer<f32>, bias: &Buffer<u16>, rows: usize) -> Result<()> {
        let addresses = (x.holds("residual", rows * self.shape.hidden)?, bias.holds("bias", self.shape.hidden)?);
        let rows = rows as i32;
        let mut arguments = [argument(&addresses.0), argument(&addresses.1), argument(&rows)];
        // SAFETY: types and lengths as in rows.cu.
        unsafe { self.functions.bias_rows.launch(self.wide(), &mut arguments) }
    }

    /// Causal attention of the rows over the cache, which holds their own keys and values already.
    ///
    /// # Errors
    /// As of [`Kernels::embed_rows`].
    #[expect(unsafe_code, reason = "launching a kernel")]
    pub fn attend_rows(&self, a: &AttendRows) -> Result<()> {
        let shape = &self.shape;
        let (cache, all) = (a.capacity * shape.kv_width(), a.rows * shape.q_width());
        check_room(a.position, a.rows, a.capacity)?;
        let addresses =
            [a.q.holds("queries", all)?, a.keys.holds("keys", cache)?, a.values.holds("values", cache)?, a.out.holds("output", all)?];
        let numbers = [a.rows as i32, a.position as i32, a.capacity as i32];
        let mut arguments: Vec<_> = addresses.iter().map(argument).chain(numbers.iter().map(argument)).collect();
        let shared = (2 * TILE * (shape.head_dim + 4) + TILE * (TILE + 4)) * size_of::<f32>();
        let spread = plain(a.rows.div_ceil(TILE), shape.heads, 256, shared);
        // SAFETY: types and lengths as in rows.cu.
        unsafe { self.functions.attend_rows.launch(spread, &mut arguments) }
    }
}

fn plain(x: usize, y: usize, threads: u32, shared_bytes: usize) -> Spread {
    Spread { grid: [x as u32, y as u32], threads, shared_bytes: shared_bytes as u32, early: false }
}

fn check_room(length: usize, wanted: usize, capacity: usize) -> Result<()> {
    if length + wanted > capacity {
        return Err(crate::Error::Full { wanted, length, capacity });
    }
    Ok(())
}
