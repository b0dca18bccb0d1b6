//! Time of each kernel of a step, in a graph over weights that together do not fit the GPU's cache.

use anyhow::Result;
use cuda::graph::Graph;
use cuda::kernels::{Attend, Half, Kernels, Product, Shape, Tuning};
use cuda::{Buffer, Gpu};

use crate::speed::median;

const SETS: usize = 12;

pub(crate) fn run(gpu: &Gpu) -> Result<()> {
    let shape = Shape { hidden: 2048, intermediate: 8192, heads: 32, kv_heads: 8, head_dim: 64, half: Half::Bf16 };
    for depths in [[2; 5], [4; 5]] {
        for programmatic in [true, false] {
            let tuning = Tuning { depths, splits: 16, programmatic };
            println!("{tuning:?}");
            let kernels = Kernels::new(gpu, shape, tuning)?;
            products(gpu, &kernels, &shape)?;
            if depths == [4; 5] {
                for splits in [8, 16, 32] {
                    let kernels = Kernels::new(gpu, shape, Tuning { splits, ..tuning })?;
                    attention(gpu, &kernels, &shape)?;
                }
            }
        }
    }
    Ok(())
}

fn products(gpu: &Gpu, kernels: &Kernels, shape: &Shape) -> Result<()> {
    let (d, ff) = (shape.hidden, shape.intermediate);
    let mut gain = Buffer::new(gpu, d)?;
    kernels.fill_with(&mut gain, 1.0)?;
    let x = Buffer::of(gpu, &vec![0.5; ff])?;
    let y = Buffer::zeros(gpu, ff)?;
    let logits = Buffer::zeros(gpu, 128_256)?;
    let (largest, place) = (Buffer::zeros(gpu, 1024)?, Buffer::zeros(gpu, 1024)?);
    for (what, rows, columns) in
        [("qkv", shape.qkv_width(), d), ("out", d, d), ("gate_up", 2 * ff, d), ("down", d, ff), ("head", 128_256, d)]
    {
        let sets = if what == "head" { 2 } else { SETS };
        let mut weights = (0..sets).map(|_| Ok(Buffer::new(gpu, rows * columns)?)).collect::<Result<Vec<_>>>()?;
        for (seed, weight) in (1..).zip(&mut weights) {
            kernels.fill_drawn(weight, seed, 0.02)?;
        }
        let graph = Graph::record(gpu, || {
            for _ in 0..3 {
                for weight in &weights {
                    let product = Product { weight, bias: None };
                    match what {
                        "qkv" => kernels.qkv(product, &gain, 1e-5, &x, &y)?,
                        "out" => kernels.out(product, &x, &y)?,
                        "gate_up" => kernels.gate_up(product, &gain, 1e-5, &x, &y)?,
                        "down" => kernels.down(product, &x, &y)?,
                        _ => kernels.head(product, &gain, 1e-5, (&x, 0), &logits, &largest, &place)?,
                    }
                }
            }
            Ok(())
        })?;
        let seconds = timed(gpu, &graph)? / (3 * sets) as f64;
        let bytes = (rows * columns * 2) as f64;
        println!("  {what:<8} {:7.2} us {:6.0} GB/s, floor {:.2} us", seconds * 1e6, bytes / seconds / 1e9, bytes / 4.3e12 * 1e6);
    }
    Ok(())
}

fn attention(gpu: &Gpu, kernels: &Kernels, shape: &Shape) -> Result<()> {
    let capacity = 4096;
    let angles = capacity * shape.head_dim / 2;
    let (cos, sin) = (Buffer::of(gpu, &vec![0.6; angles])?, Buffer::of(gpu, &vec![0.8; angles])?);
    let qkv = Buffer::of(gpu, &vec![0.1; shape.qkv_width()])?;
    let (parts, ended) = (Buffer::zeros(gpu, kernels.parts_len())?, Buffer::zeros(gpu, shape.kv_heads)?);
    let out = Buffer::zeros(gpu, shape.q_width())?;
    let new = || -> Result<Buffer<u16>> {
        let mut buffer = Buffer::new(gpu, capacity * shape.kv_width())?;
        kernels.fill_drawn(&mut buffer, 5, 1.0)?;
        Ok(buffer)
    };
    let caches = (0..SETS).map(|_| Ok((new()?, new()?))).collect::<Result<Vec<_>>>()?;
    for position in [31, 575, 4000] {
        let state = Buffer::of(gpu, &[0, position, 0, 0])?;
        let graph = Graph::record(gpu, || {
            for (keys, values) in &caches {
                kernels.attend(&Attend {
                    state: &state,
                    qkv: &qkv,
                    cos: &cos,
                    sin: &sin,
                    keys,
                    values,
                    parts: &parts,
                    ended: &ended,
                    out: &out,
                    capacity,
                })?;
            }
            Ok(())
        })?;
        println!("  attend at {position}, {} splits {:7.2} us", kernels.tuning().splits, timed(gpu, &graph)? / SETS as f64 * 1e6);
    }
    Ok(())
}

fn timed(gpu: &Gpu, graph: &Graph) -> Result<f64> {
    median(7, || {
        let start = gpu.mark()?;
        graph.replay()?;
        let end = gpu.mark()?;
        gpu.wait()?;
        Ok(end.seconds_since(&start)?)
    })
}
