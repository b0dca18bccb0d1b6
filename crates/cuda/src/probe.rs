//! Is there a GPU that this program can use, and if not, why not: each step that a model would need, tried once.

use crate::compile::Compiler;
use crate::driver::Driver;
use crate::gpu::{self, Facts};
use crate::kernels::{Half, Kernels, Shape, Tuning};
use crate::matmul::{Into, Matmul};
use crate::{Buffer, Gpu, Result};

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The GPU.
    pub gpu: Facts,
    /// Version of NVRTC.
    pub nvrtc: (u32, u32),
    /// Version of cuBLASLt as it tells it.
    pub cublaslt: usize,
    /// Largest error of a matrix product of 1s and 2s, which is exact.
    pub product_error: f32,
}

/// How many GPUs there are.
///
/// # Errors
/// When there is no CUDA driver, or it does not start.
pub fn count() -> Result<u32> {
    gpu::count(&Driver::load()?)
}

/// Opens a GPU, compiles kernels, and multiplies two matrices.
///
/// # Errors
/// At the first step that fails.
pub fn probe(index: u32) -> Result<Found> {
    let gpu = Gpu::open(index)?;
    let nvrtc = Compiler::find(gpu.facts().driver.0)?.version();
    let shape = Shape { hidden: 64, intermediate: 128, heads: 2, kv_heads: 1, head_dim: 32, half: Half::F16 };
    let kernels = Kernels::new(&gpu, shape, Tuning::default())?;
    let matmul = Matmul::new(&gpu, shape.half)?;
    let (rows, n, k) = (16, 64, 32);
    let (mut weight, mut x) = (Buffer::new(&gpu, n * k)?, Buffer::new(&gpu, rows * k)?);
    kernels.fill_with(&mut weight, 2.0)?;
    kernels.fill_with(&mut x, 1.0)?;
    let y = Buffer::new(&gpu, rows * n)?;
    matmul.multiply(&weight, &x, Into::Wide(&y), (rows, n, k))?;
    let product_error = y.read()?.into_iter().map(|y| (y - 2.0 * k as f32).abs()).fold(0.0, f32::max);
    Ok(Found { gpu: gpu.facts().clone(), nvrtc, cublaslt: matmul.version(), product_error })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_machine_without_a_gpu_gets_a_reason() {
        // On a machine with a GPU there is nothing to see here.
        let Err(error) = super::probe(u32::MAX) else { unreachable!("no machine has so many GPUs") };
        let told = error.to_string();
        assert!(told.starts_with("no CUDA driver: ") || told.contains("CUDA"), "{told}");
    }
}
