//! `edge-eval gpu`: is there a GPU that this program can use, and if not, why not. An experiment: no engine runs on it yet.

use serde_json::json;

use crate::{end::End, print};

/// Try what a model needs of an NVIDIA GPU: driver, compiler, products (experimental; no engine runs on it yet)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CUDA's number of the GPU
    #[arg(long, value_name = "N", default_value_t = 0)]
    gpu: u32,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let found = cuda::probe::probe(args.gpu)?;
    let gpu = &found.gpu;
    let version = |(major, minor): (u32, u32)| format!("{major}.{minor}");
    print::json(&json!({
        "name": gpu.name,
        "compute_capability": version(gpu.capability),
        "multiprocessors": gpu.multiprocessors,
        "memory_bytes": gpu.memory_bytes,
        "driver_cuda": version(gpu.driver),
        "nvrtc": version(found.nvrtc),
        "cublaslt": found.cublaslt,
        "product_error": found.product_error,
    }))?;
    Ok(if found.product_error == 0.0 { End::Done } else { End::Failed })
}
