//! The kernels, compiled for one model's shape on one GPU: dimensions are constants in them, so loops have known lengths.
//!
//! The sources are the `.cu` files beside this, which say what each kernel does. Not here: in which order a model uses them.

mod launch;
mod rows;
mod step;

use std::rc::Rc;

use model::Config;

use crate::compile::Compiler;
use crate::gpu::Gpu;
use crate::{Error, Result};
use launch::{Function, Module};
pub use rows::{AttendRows, TurnRows};
pub use step::{Attend, Product};

/// Sources in the order in which they build on one another.
const SOURCES: &[&str] = &[
    include_str!("kernels/common.cu"),
    include_str!("kernels/step.cu"),
    include_str!("kernels/gemv.cu"),
    include_str!("kernels/attend.cu"),
    include_str!("kernels/rows.cu"),
    include_str!("kernels/fill.cu"),
];

/// The two 16-bit floats that weights and the KV cache may be held in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// bfloat16: 8 bits of exponent.
    Bf16,
    /// IEEE half: 5 bits of exponent.
    F16,
}

/// The dimensions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the feed-forward block.
    pub intermediate: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// What 16-bit values are.
    pub half: Half,
}

/// What may be turned without changing any result but by rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Units that a warp has in flight: of qkv, out, gate and up, down, head.
    pub depths: [usize; 5],
    /// Blocks that share a key head's positions: at most 32.
    pub splits: usize,
    /// Whether a kernel may start before the one before it has ended (`sm_90` on).
    pub programmatic: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { depths: [4; 5], splits: 16, programmatic: true }
    }
}

/// The compiled kernels.
pub struct Kernels {
    gpu: Gpu,
    shape: Shape,
    tuning: Tuning,
    functions: Functions,
}

/// One handle a kernel, by its name in the sources.
struct Functions {
    embed: Function,
    choose: Function,
    gemv_qkv: Function,
    gemv_out: Function,
    gemv_gate_up: Function,
    gemv_down: Function,
    gemv_head: Function,
    attend: Function,
    embed_rows: Function,
    norm_rows: Function,
    turn_rows: Function,
    swiglu_rows: Function,
    bias_rows: Function,
    attend_rows: Function,
    fill_drawn: Function,
    fill_with: Function,
}

impl Tuning {
    /// As many units in flight as there is room for beside a product's input and sums.
    fn fitted(mut self, shape: &Shape, shared_bytes: usize) -> Self {
        let columns = [shape.hidden, shape.q_width(), shape.hidden, shape.intermediate, shape.hidden];
        for (depth, columns) in self.depths.iter_mut().zip(columns) {
            let room = shared_bytes.saturating_sub(step::SUMS + columns * size_of::<f32>());
            *depth = (*depth).min(room / step::ring_bytes(1)).max(1);
        }
        self.splits = self.splits.clamp(1, 32);
        self
    }
}

/// Bytes of shared memory that a kernel may be launched with, beside its own.
fn dynamic_shared(gpu: &Gpu) -> usize {
    (gpu.facts().shared_bytes as usize).saturating_sub(4096)
}

impl Shape {
    /// A model's dimensions.
    ///
    /// # Errors
    /// When there is no kernel for one of them.
    pub fn of(config: &Config, half: Half) -> Result<Self> {
        let Config { hidden, intermediate, heads, kv_heads, head_dim, .. } = *config;
        let shape = Self { hidden, intermediate, heads, kv_heads, head_dim, half };
        let eight =
            |what, got: usize| if got.is_multiple_of(8) { Ok(()) } else { Err(Error::Shape { what, got, expected: "a multiple of 8" }) };
        eight("hidden_size", hidden)?;
        eight("intermediate_size", intermediate)?;
        if ![32, 64, 128, 256].contains(&head_dim) {
            return Err(Error::Shape { what: "head_dim", got: head_dim, expected: "32, 64, 128 or 256" });
        }
        // What the warps of attention tell one another has to fit into shared memory.
        if heads / kv_heads * head_dim > 1024 {
            return Err(Error::Shape {
                what: "width of the query heads of a key head",
                got: heads / kv_heads * head_dim,
                expected: "at most 1024",
            });
        }
        Ok(shape)
    }

    /// Width of all query heads together.
    pub fn q_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key heads together.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Width of queries, keys and values together.
    pub fn qkv_width(&self) -> usize {
        self.q_width() + 2 * self.kv_width()
    }

    /// What the sources know of it.
    fn defined(&self, tuning: &Tuning) -> Vec<(&'static str, usize)> {
        let names = ["DEPTH_QKV", "DEPTH_OUT", "DEPTH_GATE_UP", "DEPTH_DOWN", "DEPTH_HEAD"];
        let shape = [
            ("HIDDEN", self.hidden),
            ("INTERMEDIATE", self.intermediate),
            ("HEADS", self.heads),
            ("KV_HEADS", self.kv_heads),
            ("HEAD_DIM", self.head_dim),
            ("Q_WIDTH", self.q_width()),
            ("BF16", usize::from(self.half == Half::Bf16)),
        ];
        shape.into_iter().chain(names.into_iter().zip(tuning.depths)).collect()
    }
}

/// Machine code of the kernels for a shape, without a GPU.
///
/// # Errors
/// When a source does not compile.
pub fn code(compiler: &Compiler, capability: (u32, u32), shape: &Shape, tuning: &Tuning) -> Result<Vec<u8>> {
    compiler.compile(&SOURCES.concat(), capability, &shape.defined(tuning))
}

impl Kernels {
    /// Compiles the kernels and loads them.
    ///
    /// # Errors
    /// When there is no NVRTC, or it or the driver refuses them.
    pub fn new(gpu: &Gpu, shape: Shape, tuning: Tuning) -> Result<Self> {
        let compiler = Compiler::find(gpu.facts().driver.0)?;
        let tuning = tuning.fitted(&shape, dynamic_shared(gpu));
        let module = Rc::new(Module::load(gpu, &code(&compiler, gpu.facts().capability, &shape, &tuning)?)?);
        let get = |name| Function::get(&module, name, 0);
        let get_large = |name| Function::get(&module, name, dynamic_shared(gpu));
        let functions = Functions {
            embed: get(c"embed")?,
            choose: get(c"choose")?,
            gemv_qkv: get_large(c"gemv_qkv")?,
            gemv_out: get_large(c"gemv_out")?,
            gemv_gate_up: get_large(c"gemv_gate_up")?,
            gemv_down: get_large(c"gemv_down")?,
            gemv_head: get_large(c"gemv_head")?,
            attend: get(c"attend")?,
            embed_rows: get(c"embed_rows")?,
            norm_rows: get(c"norm_rows")?,
            turn_rows: get(c"turn_rows")?,
            swiglu_rows: get(c"swiglu_rows")?,
            bias_rows: get(c"bias_rows")?,
            attend_rows: get_large(c"attend_rows")?,
            fill_drawn: get(c"fill_drawn")?,
            fill_with: get(c"fill_with")?,
        };
        Ok(Self { gpu: gpu.clone(), shape, tuning, functions })
    }

    /// The GPU that they run on.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// What they were compiled for.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// How they are turned.
    pub fn tuning(&self) -> &Tuning {
        &self.tuning
    }
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernels").field("shape", &self.shape).field("tuning", &self.tuning).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_compile_from_turing_to_hopper() {
        let Ok(compiler) = Compiler::find(13) else {
            println!("skipped: NVRTC is absent");
            return;
        };
        let small = Shape { hidden: 64, intermediate: 136, heads: 4, kv_heads: 2, head_dim: 32, half: Half::F16 };
        let qwen = Shape { hidden: 896, intermediate: 4864, heads: 14, kv_heads: 2, head_dim: 64, half: Half::Bf16 };
        for (capability, shape) in [((7, 5), small), ((8, 0), small), ((9, 0), qwen)] {
            assert!(!code(&compiler, capability, &shape, &Tuning::default()).unwrap().is_empty());
        }
    }

    #[test]
    fn no_more_units_are_in_flight_than_there_is_room_for() {
        let shape = Shape { hidden: 4096, intermediate: 14336, heads: 32, kv_heads: 8, head_dim: 128, half: Half::Bf16 };
        assert_eq!(Tuning::default().fitted(&shape, 223 << 10).depths, [4, 4, 4, 4, 4]);
        assert_eq!(Tuning::default().fitted(&shape, 159 << 10).depths, [4, 4, 4, 2, 4]);
        assert_eq!(Tuning::default().fitted(&shape, 60 << 10).depths, [1; 5]);
    }
}
