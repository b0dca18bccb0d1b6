//! The gated activation of SwiGLU (Shazeer 2020, arXiv 2002.05202): `silu(gate) * up`.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{cpu, node};

/// Elements handled by one task.
const CHUNK: usize = 1 << 13;

/// `gate * sigmoid(gate) * up`, all of one shape.
///
/// # Errors
/// When shapes, types or devices differ.
pub fn silu_mul(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    let (plain_gate, plain_up) = (gate.detach().contiguous()?, up.detach().contiguous()?);
    let value = forward(&plain_gate, &plain_up)?;
    let (track_gate, track_up) = (gate.track_op(), up.track_op());
    if !track_gate && !track_up {
        return Ok(value);
    }
    let backward = move |_: &Tensor, g: &Tensor| {
        let (gate, up) = gradients(&plain_gate, &plain_up, &g.contiguous()?)?;
        Ok([track_gate.then_some(gate), track_up.then_some(up)])
    };
    node::node2("silu_mul", [gate, up], value, Box::new(backward))
}

fn forward(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if !cpu::applies(&[gate, up]) || gate.shape() != up.shape() {
        return gate.silu()? * up;
    }
    let mut out = vec![0f32; gate.elem_count()];
    {
        let (gate, up) = (cpu::values(gate)?, cpu::values(up)?);
        let kernel = |((out, gate), up): ((&mut [f32], &[f32]), &[f32])| {
            for ((y, &x), &u) in out.iter_mut().zip(gate).zip(up) {
                *y = x * cpu::sigmoid(x) * u;
            }
        };
        out.par_chunks_mut(CHUNK).zip(gate.par_chunks(CHUNK)).zip(up.par_chunks(CHUNK)).for_each(kernel);
    }
    Tensor::from_vec(out, gate.shape(), gate.device())
}

/// `d gate = g up s (1 + x (1 - s))` and `d up = g x s`, with `x` the gate and `s = sigmoid(x)`.
fn gradients(gate: &Tensor, up: &Tensor, g: &Tensor) -> Result<(Tensor, Tensor)> {
    if !cpu::applies(&[gate, up, g]) {
        let s = candle_nn::ops::sigmoid(gate)?;
        let silu = (gate * &s)?;
        // s (1 + x (1 - s)) = s + silu (1 - s)
        let slope = (&s + (&silu * s.affine(-1.0, 1.0)?)?)?;
        return Ok(((g * up)?.mul(&slope)?, (g * silu)?));
    }
    let (mut d_gate, mut d_up) = (vec![0f32; gate.elem_count()], vec![0f32; gate.elem_count()]);
    {
        let (gate, up, g) = (cpu::values(gate)?, cpu::values(up)?, cpu::values(g)?);
        let outputs = d_gate.par_chunks_mut(CHUNK).zip(d_up.par_chunks_mut(CHUNK));
        let inputs = gate.par_chunks(CHUNK).zip(up.par_chunks(CHUNK)).zip(g.par_chunks(CHUNK));
        outputs.zip(inputs).for_each(|((d_gate, d_up), ((gate, up), g))| {
            let outputs = d_gate.iter_mut().zip(d_up);
            for ((dg, du), ((&x, &u), &g)) in outputs.zip(gate.iter().zip(up).zip(g)) {
                let s = cpu::sigmoid(x);
                *dg = g * u * s * (1.0 + x * (1.0 - s));
                *du = g * x * s;
            }
        });
    }
    Ok((Tensor::from_vec(d_gate, gate.shape(), gate.device())?, Tensor::from_vec(d_up, gate.shape(), gate.device())?))
}
