//! Every kernel against its reference, on shapes of true models and with both 16-bit formats.

use anyhow::Result;
use cuda::kernels::{Half, Kernels, Product, Shape, Tuning};
use cuda::matmul::{Into, Matmul};
use cuda::{Buffer, Gpu};

use crate::attention;
use crate::reference::{self, Draw, error, wide, widened};

/// Shapes of Llama-3.2-1B, Qwen2.5-1.5B and Qwen2.5-0.5B, and a small one.
const SHAPES: &[(&str, Shape)] = &[
    ("llama-1b bf16", Shape { hidden: 2048, intermediate: 8192, heads: 32, kv_heads: 8, head_dim: 64, half: Half::Bf16 }),
    ("qwen-1.5b f16", Shape { hidden: 1536, intermediate: 8960, heads: 12, kv_heads: 2, head_dim: 128, half: Half::F16 }),
    ("qwen-0.5b bf16", Shape { hidden: 896, intermediate: 4864, heads: 14, kv_heads: 2, head_dim: 64, half: Half::Bf16 }),
    ("tiny f16", Shape { hidden: 64, intermediate: 136, heads: 4, kv_heads: 2, head_dim: 32, half: Half::F16 }),
];

const EPSILON: f32 = 1e-5;
/// f32 sums of a few thousand products.
pub(crate) const EXACT: f64 = 2e-6;
/// Results that are rounded to 16 bits: bf16 has 8 bits of mantissa.
pub(crate) const ROUNDED: f64 = 4e-3;

/// What is checked with, and what came.
pub(crate) struct Bench<'a> {
    pub(crate) gpu: &'a Gpu,
    pub(crate) kernels: Kernels,
    pub(crate) shape: Shape,
    pub(crate) draw: Draw,
    pub(crate) failed: usize,
}

pub(crate) fn run(gpu: &Gpu) -> Result<()> {
    let mut failed = 0;
    for (name, shape) in SHAPES {
        for tuning in [Tuning::default(), Tuning { programmatic: false, splits: 1, depths: [3; 5] }] {
            println!("{name}, {tuning:?}");
            let kernels = Kernels::new(gpu, *shape, tuning)?;
            let mut bench = Bench { gpu, kernels, shape: *shape, draw: Draw::new(7, shape.half), failed: 0 };
            products(&mut bench)?;
            head(&mut bench)?;
            ends(&mut bench)?;
            attention::one(&mut bench)?;
            rows(&mut bench)?;
            attention::many(&mut bench)?;
            matmul(&mut bench)?;
            failed += bench.failed;
        }
    }
    anyhow::ensure!(failed == 0, "{failed} checks failed");
    println!("all right");
    Ok(())
}

impl Bench<'_> {
    /// Prints an error and counts it when it is too large.
    pub(crate) fn told(&mut self, what: &str, error: f64, limit: f64) {
        let right = error <= limit;
        self.failed += usize::from(!right);
        println!("  {what:<28} {error:9.2e} {}", if right { "" } else { "WRONG" });
    }

    pub(crate) fn of<T: cuda::buffer::Plain>(&self, values: &[T]) -> Result<Buffer<T>> {
        Ok(Buffer::of(self.gpu, values)?)
    }

    /// Memory that is not a number until it is written.
    pub(crate) fn poisoned<T: cuda::buffer::Plain>(&self, count: usize) -> Result<Buffer<T>> {
        let mut buffer = Buffer::new(self.gpu, count)?;
        buffer.fill(0xff)?;
        Ok(buffer)
    }

    pub(crate) fn wide(&self, bits: &[u16]) -> Vec<f64> {
        widened(self.shape.half, bits)
    }
}

fn products(b: &mut Bench) -> Result<()> {
    let shape = b.shape;
    let (d, ff, q, qkv) = (shape.hidden, shape.intermediate, shape.q_width(), shape.qkv_width());
    let (x, gain) = (b.draw.wide(d, 2.0), b.draw.narrow(d, 1.5));
    let normed = reference::norm(&wide(&x), &b.wide(&gain), f64::from(EPSILON));
    let (x_gpu, gain_gpu) = (b.of(&x)?, b.of(&gain)?);
    for biased in [false, true] {
        let word = if biased { ", bias" } else { "" };
        for (what, rows, columns) in [("qkv", qkv, d), ("out", d, q), ("gate_up", 2 * ff, d), ("down", d, ff)] {
            let weight = b.draw.narrow(rows * columns, (3.0 / columns as f32).sqrt());
            let bias = b.draw.narrow(rows, 0.5);
            let (weight_gpu, bias_gpu) = (b.of(&weight)?, b.of(&bias)?);
            let product = Product { weight: &weight_gpu, bias: biased.then_some(&bias_gpu) };
            let input = b.draw.wide(columns, 1.0);
            let before = b.draw.wide(rows, 1.0);
            let input_gpu = b.of(&input)?;
            let into = if matches!(what, "out" | "down") { b.of(&before)? } else { b.poisoned(if what == "gate_up" { ff } else { rows })? };
            let (bias, weight) = (b.wide(&bias), b.wide(&weight));
            let bias = biased.then_some(bias.as_slice());
            let plus = |y: Vec<f64>| y.iter().zip(wide(&before)).map(|(y, x)| y + x).collect::<Vec<_>>();
            let expected = match what {
                "qkv" => {
                    b.kernels.qkv(product, &gain_gpu, EPSILON, &x_gpu, &into)?;
                    reference::product(&weight, &normed, bias)
                }
                "out" => {
                    b.kernels.out(product, &input_gpu, &into)?;
                    plus(reference::product(&weight, &wide(&input), bias))
                }
                "gate_up" => {
                    b.kernels.gate_up(product, &gain_gpu, EPSILON, &x_gpu, &into)?;
                    reference::swiglu(&reference::product(&weight, &normed, bias))
                }
                _ => {
                    b.kernels.down(product, &input_gpu, &into)?;
                    plus(reference::product(&weight, &wide(&input), bias))
                }
            };
            b.told(&format!("{what}{word}"), error(&wide(&into.read()?), &expected), EXACT);
        }
    }
    Ok(())
}

fn head(b: &mut Bench) -> Result<()> {
    let (d, rows) = (b.shape.hidden, 5003);
    let (x, gain, weight) = (b.draw.wide(2 * d, 2.0), b.draw.narrow(d, 1.5), b.draw.narrow(rows * d, (3.0 / d as f32).sqrt()));
    let expected = reference::product(&b.wide(&weight), &reference::norm(&wide(&x[d..]), &b.wide(&gain), f64::from(EPSILON)), None);
    let blocks = b.kernels.blocks(usize::MAX) as usize;
    let (weight, gain, x, logits) = (b.of(&weight)?, b.of(&gain)?, b.of(&x)?, b.poisoned(rows)?);
    let (largest, place) = (b.poisoned(blocks)?, b.poisoned(blocks)?);
    b.kernels.head(Product { weight: &weight, bias: None }, &gain, EPSILON, (&x, 1), &logits, &largest, &place)?;
    let got = logits.read()?;
    b.told("head", error(&wide(&got), &expected), EXACT);
    let (state, chosen) = (b.of(&[3, 41, 5, 0])?, b.of(&[-1; 8])?);
    b.kernels.choose(&state, &largest, &place, &chosen)?;
    let best = model::sampling::argmax(&got).unwrap_or(0).cast_signed();
    let right = state.read()? == [best, 42, 6, 0] && chosen.read()? == [-1, -1, -1, -1, -1, best, -1, -1];
    b.told("choose", if right { 0.0 } else { 1.0 }, 0.0);
    Ok(())
}

fn ends(b: &mut Bench) -> Result<()> {
    let (d, vocabulary) = (b.shape.hidden, 300);
    let table = b.draw.narrow(vocabulary * d, 1.0);
    let (table_gpu, state, x) = (b.of(&table)?, b.of(&[271, 0, 0, 0])?, b.poisoned::<f32>(d)?);
    b.kernels.embed(&state, &table_gpu, &x)?;
    let expected = b.wide(&table[271 * d..272 * d]);
    b.told("embed", error(&wide(&x.read()?), &expected), 0.0);
    let ids = b.draw.ids(9, vocabulary);
    let (tokens, x) = (b.of(&ids)?, b.poisoned::<f32>(9 * d)?);
    b.kernels.embed_rows(&tokens, 9, &table_gpu, &x)?;
    let expected: Vec<f64> = ids.iter().flat_map(|id| b.wide(&table[*id as usize * d..][..d])).collect();
    b.told("embed_rows", error(&wide(&x.read()?), &expected), 0.0);
    Ok(())
}

fn rows(b: &mut Bench) -> Result<()> {
    let (d, ff, count) = (b.shape.hidden, b.shape.intermediate, 21);
    let (x, gain) = (b.draw.wide(count * d, 2.0), b.draw.narrow(d, 1.5));
    let (x_gpu, gain_gpu, y) = (b.of(&x)?, b.of(&gain)?, b.poisoned::<u16>(count * d)?);
    b.kernels.norm_rows(&x_gpu, &gain_gpu, &y, count, EPSILON)?;
    let gain = b.wide(&gain);
    let expected: Vec<f64> = x.chunks(d).flat_map(|row| reference::norm(&wide(row), &gain, f64::from(EPSILON))).collect();
    b.told("norm_rows", error(&b.wide(&y.read()?), &expected), ROUNDED);
    let bias = b.draw.narrow(d, 1.0);
    b.kernels.bias_rows(&x_gpu, &b.of(&bias)?, count)?;
    let bias = b.wide(&bias);
    let expected: Vec<f64> = x.chunks(d).flat_map(|row| wide(row).into_iter().zip(&bias).map(|(x, b)| x + b).collect::<Vec<_>>()).collect();
    b.told("bias_rows", error(&wide(&x_gpu.read()?), &expected), EXACT);
    for biased in [false, true] {
        let (gate_up, bias) = (b.draw.narrow(count * 2 * ff, 3.0), b.draw.narrow(2 * ff, 1.0));
        let (from, bias_gpu, y) = (b.of(&gate_up)?, b.of(&bias)?, b.poisoned::<u16>(count * ff)?);
        b.kernels.swiglu_rows(&from, biased.then_some(&bias_gpu), &y, count)?;
        let bias = b.wide(&bias);
        let add = |(x, b): (f64, &f64)| if biased { x + b } else { x };
        let row = |row: &[u16]| reference::swiglu(&b.wide(row).into_iter().zip(&bias).map(add).collect::<Vec<_>>());
        let expected: Vec<f64> = gate_up.chunks(2 * ff).flat_map(row).collect();
        b.told("swiglu_rows", error(&b.wide(&y.read()?), &expected), ROUNDED);
    }
    Ok(())
}

fn matmul(b: &mut Bench) -> Result<()> {
    let matmul = Matmul::new(b.gpu, b.shape.half)?;
    let (rows, n, k) = (37, 264, b.shape.hidden);
    let (x, weight, before) = (b.draw.narrow(rows * k, 1.0), b.draw.narrow(n * k, (3.0 / k as f32).sqrt()), b.draw.wide(rows * n, 1.0));
    let (x_gpu, weight_gpu) = (b.of(&x)?, b.of(&weight)?);
    let (wide_y, added, narrow_y) = (b.poisoned(rows * n)?, b.of(&before)?, b.poisoned(rows * n)?);
    let size = (rows, n, k);
    matmul.multiply(&weight_gpu, &x_gpu, Into::Wide(&wide_y), size)?;
    matmul.multiply(&weight_gpu, &x_gpu, Into::Add(&added), size)?;
    matmul.multiply(&weight_gpu, &x_gpu, Into::Narrow(&narrow_y), size)?;
    let weight = b.wide(&weight);
    let expected: Vec<f64> = x.chunks(k).flat_map(|row| reference::product(&weight, &b.wide(row), None)).collect();
    b.told("matmul", error(&wide(&wide_y.read()?), &expected), 1e-5);
    b.told("matmul, narrowed", error(&b.wide(&narrow_y.read()?), &expected), ROUNDED);
    let expected: Vec<f64> = expected.iter().zip(wide(&before)).map(|(y, x)| y + x).collect();
    b.told("matmul, added", error(&wide(&added.read()?), &expected), 1e-5);
    Ok(())
}
